//! [`Balancer`]: an upstream, made ready, and which of its targets a request goes to.

mod change;
mod health;
mod member;
mod peer;
mod ring;
mod wheel;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustc_hash::FxBuildHasher;
use tokio::sync::Mutex;

pub(crate) use self::change::Change;
use self::health::Limits;
pub(crate) use self::health::Report;
pub(crate) use self::member::Member;
pub(crate) use self::peer::{Peer, Seat};
pub(crate) use self::ring::hash;
pub(crate) use self::wheel::Place;
use self::wheel::{Wheel, is_enough};
use crate::configured::upstream::{Healthy, Target, Unhealthy, Upstream};
use crate::resolver::Resolver;

/// The upstreams in force, by their names.
pub(crate) type Balancers = HashMap<Box<str>, Arc<Balancer>, FxBuildHasher>;

/// An upstream with its targets.
pub(crate) struct Balancer {
    upstream: Arc<Upstream>,
    members: Vec<Arc<Member>>,
    wheel: ArcSwap<Wheel>,
    /// Whoever has it asks for names.
    resolving: Mutex<()>,
}

/// Who has found out how a peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A request that it was to answer.
    ByRequest,
    /// A check, which is for nothing else.
    ByCheck,
}

impl Balancer {
    /// An upstream in the place of the one `before`. What is known of peers that both have is kept.
    pub(super) fn new<'a>(
        upstream: &Arc<Upstream>,
        targets: impl Iterator<Item = &'a Arc<Target>>,
        before: Option<&Self>,
    ) -> Self {
        let before = before.map_or(&[][..], |before| &before.members);
        let members: Vec<_> = targets.map(|target| Arc::new(Member::new(target, before))).collect();
        let wheel = ArcSwap::from_pointee(Wheel::new(upstream, &members));
        Self { upstream: Arc::clone(upstream), members, wheel, resolving: Mutex::new(()) }
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Its targets.
    pub(crate) fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    /// All peers that requests may go to.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.wheel.load().places().to_vec()
    }

    /// Whether it is found out how peers are.
    pub(crate) fn is_checked(&self) -> bool {
        self.upstream.healthchecks.are_on()
    }

    /// Whether so much of it is well that requests may go to it.
    pub(crate) fn is_well(&self) -> bool {
        is_enough(self.weights(), self.upstream.healthchecks.threshold)
    }

    /// All weight, and what of it is well.
    pub(crate) fn weights(&self) -> [u64; 2] {
        self.wheel.load().weights()
    }

    /// The peer for a request with this hash, if it has one; another than those that were `tried`
    /// already, if there is any. Nothing, where no peer is well.
    pub(crate) async fn next(
        self: &Arc<Self>,
        resolver: &Resolver,
        hash: Option<u64>,
        tried: &[Arc<Peer>],
    ) -> Option<Place> {
        let wheel = self.wheel.load();
        if !wheel.is_old() {
            return wheel.next(&self.upstream, hash, tried);
        }
        if wheel.is_empty() {
            drop(wheel);
            self.resolve(resolver).await;
        } else {
            // What was known will do until more is.
            let (balancer, resolver) = (Arc::clone(self), resolver.clone());
            tokio::spawn(async move { balancer.resolve(&resolver).await });
        }
        self.wheel.load().next(&self.upstream, hash, tried)
    }

    /// Asks for the names of targets whose addresses are not good any more. When this returns, somebody
    /// has.
    pub(crate) async fn resolve(&self, resolver: &Resolver) {
        let _resolving = self.resolving.lock().await;
        if !self.wheel.load().is_old() {
            return;
        }
        let mut asked = tokio::task::JoinSet::new();
        for member in &self.members {
            let (member, resolver) = (Arc::clone(member), resolver.clone());
            asked.spawn(async move { member.resolve(&resolver).await });
        }
        asked.join_all().await;
        self.wheel.store(Arc::new(Wheel::new(&self.upstream, &self.members)));
    }

    /// Notes the status that a peer has answered with.
    pub(crate) fn report_status(&self, place: &Place, status: u16, found: Found) {
        let (healthy, unhealthy) = self.rules(found);
        if let Some(report) = Report::of_status(status, healthy, unhealthy) {
            self.report(place, report, found);
        }
    }

    /// Notes what has become of a request, or of a check.
    pub(crate) fn report(&self, place: &Place, report: Report, found: Found) {
        if !self.is_checked() {
            return;
        }
        let (healthy, unhealthy) = self.rules(found);
        let news = place.peer.health.report(report, &Limits::new(healthy, unhealthy));
        if let Some(is_well) = news {
            self.tell(place, is_well);
        }
    }

    /// Notes how a peer is, which somebody has said.
    pub(crate) fn set(&self, place: &Place, is_well: bool) {
        if place.peer.health.set(is_well) {
            self.tell(place, is_well);
        }
    }

    fn rules(&self, found: Found) -> (&Healthy, &Unhealthy) {
        let checks = &self.upstream.healthchecks;
        match found {
            Found::ByRequest => (&checks.passive.healthy, &checks.passive.unhealthy),
            Found::ByCheck => (&checks.active.healthy, &checks.active.unhealthy),
        }
    }

    fn tell(&self, place: &Place, is_well: bool) {
        let (name, target, addr) = (&self.upstream.name, &place.member.target, place.peer.addr);
        if is_well {
            tracing::info!("upstream {name}: target {target} ({addr}) is healthy");
        } else {
            tracing::warn!("upstream {name}: target {target} ({addr}) is unhealthy");
        }
    }
}
