//! Active health checks: targets are asked how they are, whether there are requests or not.

mod probe;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use self::probe::Probe;
use crate::in_force::balancer::{Balancer, Balancers};
use crate::in_force::published::Published;
use crate::request::proxy::Roots;
use crate::resolver::Resolver;

/// Checks the upstreams in force.
pub(crate) struct Checker {
    published: Published,
    resolver: Resolver,
    probe: Arc<Probe>,
}

/// The checks of an upstream, which end with this.
struct Checks {
    balancer: Arc<Balancer>,
    task: AbortHandle,
}

impl Drop for Checks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Checker {
    pub(crate) fn new(published: Published, resolver: Resolver, roots: &Roots) -> Self {
        Self { published, resolver, probe: Arc::new(Probe::new(roots)) }
    }

    /// Checks what is in force, until it is time to stop.
    pub(crate) async fn check(self, mut stopped: watch::Receiver<()>) {
        let mut changes = self.published.changes();
        let mut running = HashMap::new();
        loop {
            let snapshot = self.published.current();
            self.follow(snapshot.balancers(), &mut running);
            drop(snapshot);
            tokio::select! {
                _ = stopped.changed() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Ends the checks of upstreams that are no more as they were, and begins those of new ones.
    fn follow(&self, balancers: &Balancers, running: &mut HashMap<Box<str>, Checks>) {
        running.retain(|name, checks| {
            balancers.get(name).is_some_and(|now| Arc::ptr_eq(now, &checks.balancer))
        });
        for (name, balancer) in balancers {
            let is_checked = balancer.upstream().healthchecks.active.is_on();
            if is_checked && !running.contains_key(name) {
                let task = tokio::spawn(all(
                    Arc::clone(balancer),
                    self.resolver.clone(),
                    Arc::clone(&self.probe),
                ));
                let (balancer, task) = (Arc::clone(balancer), task.abort_handle());
                running.insert(name.clone(), Checks { balancer, task });
            }
        }
    }
}

/// All checks of an upstream: of targets that are well, and of those that are not.
async fn all(balancer: Arc<Balancer>, resolver: Resolver, probe: Arc<Probe>) {
    let active = &balancer.upstream().healthchecks.active;
    tokio::join!(
        some(&balancer, &resolver, &probe, active.healthy.interval, true),
        some(&balancer, &resolver, &probe, active.unhealthy.interval, false),
    );
}

/// The checks of targets that are well, or are not, every so many `seconds`.
async fn some(
    balancer: &Balancer,
    resolver: &Resolver,
    probe: &Probe,
    seconds: f64,
    is_well: bool,
) {
    if seconds <= 0.0 {
        return;
    }
    let mut ticks = interval(Duration::from_secs_f64(seconds).max(SHORTEST));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        balancer.resolve(resolver).await;
        let mut places = balancer.places();
        places.retain(|place| place.peer.health.is_well() == is_well);
        let concurrency = balancer.upstream().healthchecks.active.concurrency;
        stream::iter(&places)
            .for_each_concurrent(concurrency, |place| probe.ask(balancer, place))
            .await;
    }
}

/// The shortest time between two checks.
const SHORTEST: Duration = Duration::from_millis(1);
