//! A gateway beside others: what they change is put in force here, too.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::database::Database;
use crate::configured::entities::State;
use crate::configured::store::{Address, Cached, Store};

/// How often the database is asked, should it not have been heard. A gateway that cannot reach it tries
/// as often.
const POLL: Duration = Duration::from_secs(2);

/// Follows what others change in the database at `address`, until it is time to stop; `cached` has what
/// is in force.
pub(crate) async fn follow(
    database: Arc<Database>,
    address: Address,
    cached: Option<Cached>,
    mut stopped: watch::Receiver<()>,
) {
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut listener = None;
    let mut saved = None;
    let mut was_reachable = database.is_reachable();
    loop {
        tokio::select! {
            _ = stopped.changed() => return save(&database, cached.as_ref(), &mut saved),
            _ = ticks.tick() => {}
            () = heard(&mut listener) => {}
        }
        match database.catch_up().await {
            Ok(()) if !was_reachable => tracing::info!("the database is there again"),
            Err(error) if was_reachable => {
                tracing::error!("{error}: requests are served by what is in force");
            }
            Ok(()) | Err(_) => {}
        }
        was_reachable = database.is_reachable();
        if !was_reachable {
            listener = None;
        } else if listener.is_none() {
            // What is changed before it listens is found at the next tick.
            listener = Store::listen(&address).await.ok();
        }
        save(&database, cached.as_ref(), &mut saved);
    }
}

/// Waits until the database says that something has changed.
async fn heard(listener: &mut Option<PgListener>) {
    let Some(heard) = listener else { return std::future::pending().await };
    if heard.try_recv().await.ok().flatten().is_none() {
        // It has lost its connection, and with it what was said meanwhile.
        *listener = None;
    }
}

/// Keeps what is in force, if it is not what was kept last.
fn save(database: &Database, cached: Option<&Cached>, saved: &mut Option<Arc<State>>) {
    let Some(cached) = cached else { return };
    let state = database.state();
    if saved.as_ref().is_some_and(|saved| Arc::ptr_eq(saved, &state)) {
        return;
    }
    match cached.save(&state) {
        Ok(()) => *saved = Some(state),
        Err(error) => tracing::error!("cannot keep what is in force: {error}"),
    }
}
