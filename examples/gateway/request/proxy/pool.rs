//! Connections that wait for their next request.
//!
//! Each worker has a pool of its own: a request goes out on the thread that it came in on, and no
//! lock is ever waited for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::client::conn::{http1, http2};
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;

use super::request_body::RequestBody;
use crate::in_force::target::{Key, Target};
use crate::request::head_names::HeadNames;
use crate::request::patience::Patience;

/// The end of a connection that requests are put into.
pub(super) enum Sender {
    /// With how the names of a request's headers are written, and the timer of its requests.
    Http1(http1::SendRequest<RequestBody>, Arc<HeadNames>, Patience),
    /// Carries any number of requests at a time.
    Http2(http2::SendRequest<RequestBody>, Patience),
}

#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Key, Vec<Idle>, FxBuildHasher>>,
}

struct Idle {
    sender: Sender,
    /// Whom it was made with.
    target: Arc<Target>,
    since: Instant,
}

/// How many connections to one service wait at most: Kong's `upstream_keepalive_pool_size`.
const MAX_IDLE: usize = 512;

/// How long one waits: Kong's `upstream_keepalive_idle_timeout`.
const MAX_AGE: Duration = Duration::from_secs(60);

impl Pool {
    /// The connection that was used last, if it is still there `now`, and for how long it had nothing to do.
    pub(super) fn take(
        self: &Arc<Self>,
        target: &Target,
        now: Instant,
    ) -> Option<(Lease, Duration)> {
        let mut pool = self.idle.lock();
        let idle = pool.get_mut(target.key())?;
        while let Some(Idle { sender, target, since }) = idle.pop() {
            let age = now.saturating_duration_since(since);
            if sender.is_closed() || age > MAX_AGE {
                continue;
            }
            if let Some(sender) = sender.shared() {
                idle.push(Idle { sender, target: Arc::clone(&target), since: now });
            }
            return Some((Lease::new(self, target, sender), age));
        }
        None
    }

    /// Keeps a connection, which has nothing to do since `now`, for the next request.
    fn put(&self, target: Arc<Target>, sender: Sender, now: Instant) {
        let mut pool = self.idle.lock();
        let is_old = |one: &Idle| now.saturating_duration_since(one.since) > MAX_AGE;
        let Some(idle) = pool.get_mut(target.key()) else {
            // A new service is the moment to let go of those that are no more.
            pool.retain(|_, idle| {
                idle.retain(|one| !one.sender.is_closed() && !is_old(one));
                !idle.is_empty()
            });
            pool.insert(target.key().clone(), vec![Idle { sender, target, since: now }]);
            return;
        };
        if idle.len() < MAX_IDLE {
            idle.push(Idle { sender, target, since: now });
        }
        if idle.first().is_some_and(is_old) {
            idle.remove(0);
        }
    }
}

impl Sender {
    /// The same for another request, if it carries several at a time.
    fn shared(&self) -> Option<Self> {
        match self {
            Self::Http1(..) => None,
            Self::Http2(sender, _) => Some(Self::Http2(sender.clone(), Patience::default())),
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender, ..) => sender.is_closed(),
            Self::Http2(sender, _) => sender.is_closed(),
        }
    }

    /// Waits until the connection has done with the request before. Whether it is still there.
    pub(super) async fn ready(&mut self) -> bool {
        match self {
            Self::Http1(sender, ..) => sender.ready().await.is_ok(),
            Self::Http2(sender, _) => sender.ready().await.is_ok(),
        }
    }
}

/// A connection in use, which goes back to its pool when its response has been read.
pub(super) struct Lease {
    pool: Arc<Pool>,
    target: Arc<Target>,
    sender: Sender,
}

impl Lease {
    /// A connection that nobody else uses. One that many use stays in the pool meanwhile.
    pub(super) fn new(pool: &Arc<Pool>, target: Arc<Target>, sender: Sender) -> Self {
        Self { pool: Arc::clone(pool), target, sender }
    }

    pub(super) fn sender(&mut self) -> &mut Sender {
        &mut self.sender
    }

    /// Puts the connection back, which has nothing to do since `now`.
    pub(super) fn give_back(self, now: Instant) {
        if !self.sender.is_closed() {
            self.pool.put(self.target, self.sender, now);
        }
    }

    /// Lets others use the connection from now on, if several can.
    pub(super) fn share(&self) {
        if let Some(sender) = self.sender.shared() {
            self.pool.put(Arc::clone(&self.target), sender, Instant::now());
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        matches!(self.sender, Sender::Http2(..))
    }
}
