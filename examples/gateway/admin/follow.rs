//! A gateway beside others: what they change is put in force here, too, and what their functions tell
//! those of others is told here.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgListener, PgNotification};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tower_lua::{ClusterEvent, Runtime};

use super::database::Database;
use super::told::{self, Told};
use crate::configured::entities::State;
use crate::configured::store::{Address, Cached, Notice};

/// How often the database is asked, should it not have been heard. A gateway that cannot reach it tries
/// as often.
const POLL: Duration = Duration::from_secs(2);

/// A gateway that follows others.
pub(crate) struct Follower {
    pub(crate) database: Arc<Database>,
    pub(crate) address: Address,
    /// Keeps what is in force.
    pub(crate) cached: Option<Cached>,
    pub(crate) runtime: Runtime,
    /// What functions of this gateway tell those of others.
    pub(crate) told: Told,
}

impl Follower {
    /// Follows what others change, until it is time to stop.
    pub(crate) async fn follow(mut self, mut stopped: watch::Receiver<()>) {
        let mut ticks = interval(POLL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut listener = None;
        let mut saved = None;
        loop {
            tokio::select! {
                _ = stopped.changed() => return self.save(&mut saved),
                _ = ticks.tick() => {}
                notice = heard(&mut listener) => if self.is_done(notice.as_ref()) { continue },
                notice = self.told.next() => {
                    self.tell(listener.as_mut(), &notice).await;
                    continue;
                }
            }
            self.catch_up(&mut listener).await;
            self.save(&mut saved);
        }
    }

    /// Does what another gateway asks for, if it says what that is: that something has changed is
    /// looked at in the database.
    fn is_done(&self, notice: Option<&PgNotification>) -> bool {
        let Some((from, said)) = notice.and_then(Notice::read) else { return false };
        match said {
            // Kong: who has broadcast an event does not hear of it, either.
            _ if from == self.runtime.node_id() => {}
            Notice::Invalid(key) => self.runtime.invalidate(&key),
            Notice::Event(channel, data) => self.runtime.deliver(ClusterEvent::new(channel, data)),
        }
        true
    }

    /// Tells the others.
    async fn tell(&self, listener: Option<&mut PgListener>, notice: &Notice) {
        let told = match listener {
            Some(listener) => notice.send(listener, self.runtime.node_id()).await,
            None => Err("the database cannot be reached".into()),
        };
        if let Err(error) = told {
            told::complain(notice, &*error);
        }
    }

    async fn catch_up(&self, listener: &mut Option<PgListener>) {
        let was_reachable = self.database.is_reachable();
        match self.database.catch_up().await {
            Ok(()) if !was_reachable => tracing::info!("the database is there again"),
            Err(error) if was_reachable => {
                tracing::error!("{error}: requests are served by what is in force");
            }
            Ok(()) | Err(_) => {}
        }
        if !self.database.is_reachable() {
            *listener = None;
        } else if listener.is_none() {
            // What is changed before it listens is found at the next tick.
            *listener = Notice::listen(&self.address).await.ok();
        }
    }

    /// Keeps what is in force, if it is not what was kept last.
    fn save(&self, saved: &mut Option<Arc<State>>) {
        let Some(cached) = &self.cached else { return };
        let state = self.database.state();
        if saved.as_ref().is_some_and(|saved| Arc::ptr_eq(saved, &state)) {
            return;
        }
        match cached.save(&state) {
            Ok(()) => *saved = Some(state),
            Err(error) => tracing::error!("cannot keep what is in force: {error}"),
        }
    }
}

/// Waits until the database says something; nothing, if it has lost its connection, and with it what was
/// said meanwhile.
async fn heard(listener: &mut Option<PgListener>) -> Option<PgNotification> {
    let Some(listens) = listener else { return std::future::pending().await };
    let notice = listens.try_recv().await.ok().flatten();
    if notice.is_none() {
        *listener = None;
    }
    notice
}
