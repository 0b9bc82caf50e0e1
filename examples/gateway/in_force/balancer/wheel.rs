//! [`Wheel`]: the peers of an upstream, and whose turn it is.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::member::Member;
use super::peer::Peer;
use super::ring::Ring;
use crate::configured::upstream::{Algorithm, Upstream};

/// All peers that were known at a moment.
#[derive(Debug)]
pub(super) struct Wheel {
    places: Vec<Place>,
    /// By how much each place is before the others.
    turns: Mutex<Vec<i64>>,
    /// Without points, where nothing is hashed.
    ring: Ring,
    /// Until when the peers are those of the targets.
    until: Option<Instant>,
}

/// A peer, and the target that it is of.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) peer: Arc<Peer>,
    pub(crate) member: Arc<Member>,
}

impl Wheel {
    pub(super) fn new(upstream: &Upstream, members: &[Arc<Member>]) -> Self {
        let places = members.iter().filter(|member| member.weight > 0).flat_map(|member| {
            let place = |peer| Place { peer, member: Arc::clone(member) };
            member.peers().into_iter().map(place)
        });
        let places: Vec<_> = places.collect();
        let ring = if upstream.algorithm == Algorithm::ConsistentHashing {
            let names: Vec<_> = places.iter().map(Place::name).collect();
            let weights = places.iter().map(|place| place.member.weight);
            Ring::new(upstream.slots, names.iter().map(String::as_str).zip(weights))
        } else {
            Ring::default()
        };
        Self {
            turns: Mutex::new(vec![0; places.len()]),
            until: members.iter().filter_map(|member| member.known_until()).min(),
            places,
            ring,
        }
    }

    /// Whether names are to be asked for again.
    pub(super) fn is_old(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn places(&self) -> &[Place] {
        &self.places
    }

    /// All weight, and what of it is well.
    pub(super) fn weights(&self) -> [u64; 2] {
        self.places.iter().fold([0, 0], |[all, well], place| {
            let weight = u64::from(place.member.weight);
            let is_well = place.peer.health.is_well();
            [all + weight, well + if is_well { weight } else { 0 }]
        })
    }

    /// The next peer for a request with this hash, if it has one; another than those that were `tried`
    /// already, if there is any.
    pub(super) fn next(
        &self,
        upstream: &Upstream,
        hash: Option<u64>,
        tried: &[Arc<Peer>],
    ) -> Option<Place> {
        let checks = &upstream.healthchecks;
        let are_on = checks.are_on();
        if are_on && !is_enough(self.weights(), checks.threshold) {
            return None;
        }
        let is_well = |place: &Place| !are_on || place.peer.health.is_well();
        let is_new = |place: &Place| !tried.iter().any(|peer| Arc::ptr_eq(peer, &place.peer));
        let choose = |may: &dyn Fn(&Place) -> bool| match (upstream.algorithm, hash) {
            (Algorithm::ConsistentHashing, Some(hash)) => self.hashed(hash, may),
            (Algorithm::RoundRobin | Algorithm::ConsistentHashing, _) => self.in_turn(may),
            (Algorithm::LeastConnections, _) => {
                self.least(may, |place| f64::from(place.peer.busy() + 1))
            }
            // Who has many requests is slower than it was.
            (Algorithm::Latency, _) => {
                self.least(may, |place| place.peer.latency() * f64::from(place.peer.busy() + 1))
            }
        };
        let place =
            choose(&|place| is_well(place) && is_new(place)).or_else(|| choose(&is_well))?;
        Some(self.places[place].clone())
    }

    fn hashed(&self, hash: u64, may: &dyn Fn(&Place) -> bool) -> Option<usize> {
        let may: Vec<_> = self.places.iter().map(may).collect();
        if !may.contains(&true) {
            // Nobody needs to walk around for that.
            return None;
        }
        self.ring.from(hash).find(|place| may[*place])
    }

    /// The one that is behind most, by its weight: each has its turns, and they are spread evenly.
    fn in_turn(&self, may: &dyn Fn(&Place) -> bool) -> Option<usize> {
        let mut turns = self.turns.lock();
        let mut chosen = None;
        let mut total = 0;
        for (number, place) in self.places.iter().enumerate().filter(|(_, place)| may(place)) {
            let weight = i64::from(place.member.weight);
            turns[number] += weight;
            total += weight;
            if chosen.is_none_or(|chosen: usize| turns[number] > turns[chosen]) {
                chosen = Some(number);
            }
        }
        turns[chosen?] -= total;
        chosen
    }

    /// One of those with the least `load` for their weight, in turn.
    fn least(&self, may: &dyn Fn(&Place) -> bool, load: impl Fn(&Place) -> f64) -> Option<usize> {
        let loads: Vec<_> = self
            .places
            .iter()
            .map(|place| may(place).then(|| load(place) / f64::from(place.member.weight)))
            .collect();
        let least = loads.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let are_least: Vec<_> = self
            .places
            .iter()
            .zip(&loads)
            .filter(|(_, load)| load.is_some_and(|load| load <= least))
            .map(|(place, _)| Arc::as_ptr(&place.peer))
            .collect();
        self.in_turn(&|place| are_least.contains(&Arc::as_ptr(&place.peer)))
    }
}

impl Place {
    /// What its points on the ring are made of: all gateways have them at the same places.
    fn name(&self) -> String {
        format!("{} {}", self.member.target, self.peer.addr)
    }
}

/// Whether of all weight, what is well is more than `threshold` percent.
#[expect(clippy::cast_precision_loss, reason = "weights have 16 bits")]
pub(super) fn is_enough([all, well]: [u64; 2], threshold: f64) -> bool {
    all > 0 && well as f64 / all as f64 * 100.0 > threshold
}
