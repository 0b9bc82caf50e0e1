//! [`Peer`]: an address that requests of an upstream go to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::health::Health;

/// An address of a target. What is known of it stays when the upstream changes.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    pub(crate) health: Health,
    /// How many requests it has at this moment.
    busy: AtomicU32,
    latency: Mutex<Option<Latency>>,
}

/// How long requests take, the last of them most of all.
#[derive(Clone, Copy, Debug)]
struct Latency {
    seconds: f64,
    seen: Instant,
}

/// After this time, what was measured counts for a third. Kong's.
const DECAY: Duration = Duration::from_secs(10);

impl Peer {
    pub(super) fn new(addr: SocketAddr) -> Self {
        let (health, busy) = (Health::default(), AtomicU32::new(0));
        Self { addr, health, busy, latency: Mutex::new(None) }
    }

    pub(super) fn busy(&self) -> u32 {
        self.busy.load(Ordering::Relaxed)
    }

    /// Notes that a request took this long until it was answered.
    pub(crate) fn took(&self, time: Duration) {
        let now = Instant::now();
        let mut latency = self.latency.lock();
        let seconds = match *latency {
            None => time.as_secs_f64(),
            Some(before) => {
                let weight = before.weight(now);
                before.seconds * weight + time.as_secs_f64() * (1.0 - weight)
            }
        };
        *latency = Some(Latency { seconds, seen: now });
    }

    /// How long a request may be expected to take, in seconds: nothing, where that is not known.
    pub(super) fn latency(&self) -> f64 {
        let latency = *self.latency.lock();
        latency.map_or(0.0, |latency| latency.seconds * latency.weight(Instant::now()))
    }
}

impl Latency {
    fn weight(self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.seen);
        (-age.as_secs_f64() / DECAY.as_secs_f64()).exp()
    }
}

/// A request's place at a peer, which counts for as long as it is held.
pub(crate) struct Seat(Arc<Peer>);

impl Seat {
    pub(crate) fn at(peer: &Arc<Peer>) -> Self {
        peer.busy.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(peer))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
