//! Connections that wait to be used again.
//!
//! Each reactor has pools of its own, by name, and a keeper: a task of that runtime which closes what
//! has waited too long or what the peer has closed. When the runtime ends, so do its tasks, and
//! the keeper takes the reactor's connections with it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep};

use super::connection::Connection;
use super::membership::{Membership, Name};
use super::{Fault, Net};

/// The pools of a VM.
#[derive(Default)]
pub(super) struct Pools {
    reactors: FxHashMap<Id, Reactor>,
    closed: bool,
}

/// The pools of one runtime's reactor.
#[derive(Default)]
struct Reactor {
    pools: FxHashMap<Name, Pool>,
    keeper: Option<Waker>,
    has_keeper: bool,
    /// When the keeper looks next.
    due: Option<Instant>,
}

struct Pool {
    size: usize,
    /// How many may wait for their turn; `None` where the number of connections is not limited.
    backlog: Option<usize>,
    /// Connections of this pool, in use or not.
    connections: usize,
    /// The most recently used first.
    idle: VecDeque<Idle>,
    waiting: VecDeque<Arc<Turn>>,
}

/// A connection that waits.
pub(super) struct Idle {
    pub(super) connection: Connection,
    since: Instant,
    expires: Option<Instant>,
}

impl Idle {
    /// The connection, used once more.
    pub(super) fn again(self) -> Connection {
        let mut connection = self.connection;
        connection.reused += 1;
        connection
    }
}

/// Whoever waits for a connection of a pool that has as many as it may.
#[derive(Default)]
pub(super) struct Turn {
    state: Mutex<(Option<Given>, Option<Waker>)>,
}

/// What it gets.
pub(super) enum Given {
    Connection(Box<Idle>),
    Place(Membership),
}

/// What a pool says to who wants to connect.
pub(super) enum Joined {
    /// There is no such pool.
    Free,
    Place(Membership),
    Wait(Arc<Turn>),
}

impl Net {
    /// A connection of the pool `name`, if one waits.
    pub(super) fn checkout(&self, name: &Name) -> Option<Idle> {
        let reactor = Handle::try_current().ok()?.id();
        loop {
            let mut pools = self.pools.lock();
            let idle = pools.reactors.get_mut(&reactor)?.pools.get_mut(name)?.idle.pop_front()?;
            drop(pools);
            if idle.connection.stream.is_quiet() {
                return Some(idle);
            }
        }
    }

    /// Whether a connection of the pool `name` waits.
    pub(crate) fn has_idle(&self, name: &[u8]) -> bool {
        let Ok(handle) = Handle::try_current() else { return false };
        let pools = self.pools.lock();
        let reactor = pools.reactors.get(&handle.id());
        let pool = reactor.and_then(|reactor| reactor.pools.get(name));
        pool.is_some_and(|pool| !pool.idle.is_empty())
    }

    /// A place in the pool `name`, which is made if `size` is given and there is none.
    pub(super) fn join(
        self: &Arc<Self>,
        name: &Name,
        size: Option<usize>,
        backlog: Option<usize>,
    ) -> Result<Joined, Fault> {
        let Ok(handle) = Handle::try_current() else { return Ok(Joined::Free) };
        let reactor = handle.id();
        let mut pools = self.pools.lock();
        let by_name = &mut pools.reactors.entry(reactor).or_default().pools;
        let pool = match (by_name.get_mut(name), size) {
            (Some(pool), _) => pool,
            (None, None) => return Ok(Joined::Free),
            (None, Some(size)) => {
                by_name.entry(Arc::clone(name)).or_insert_with(|| Pool::new(size, backlog))
            }
        };
        match pool.backlog {
            Some(backlog) if pool.connections >= pool.size => {
                if pool.waiting.len() >= backlog {
                    return Err(Fault::new("too many waiting connect operations"));
                }
                let turn = Arc::<Turn>::default();
                pool.waiting.push_back(Arc::clone(&turn));
                Ok(Joined::Wait(turn))
            }
            _ => {
                pool.connections += 1;
                Ok(Joined::Place(Membership::new(self, reactor, name)))
            }
        }
    }

    /// Lets a connection wait in its pool, for `timeout` if it is not for ever. A pool that there is
    /// not yet is made for `size` connections.
    pub(super) fn park(
        self: &Arc<Self>,
        mut connection: Connection,
        timeout: Option<Duration>,
        size: usize,
    ) -> Result<(), Fault> {
        let Ok(handle) = Handle::try_current() else { return Err(Fault::CLOSED) };
        let id = handle.id();
        let mut pools = self.pools.lock();
        if pools.closed {
            return Ok(());
        }
        let reactor = pools.reactors.entry(id).or_default();
        let waker = reactor.keeper.clone();
        let mut cx = Context::from_waker(waker.as_ref().unwrap_or(Waker::noop()));
        if connection.stream.poll_disturbed(&mut cx).is_ready() {
            drop(pools);
            connection.close();
            return Err(Fault::new("connection in dubious state"));
        }
        let now = Instant::now();
        let expires = timeout.and_then(|timeout| now.checked_add(timeout));
        let pool = reactor.pools.entry(Arc::clone(&connection.name));
        let pool = pool.or_insert_with(|| Pool::new(size, None));
        if connection.place.is_none() {
            pool.connections += 1;
            connection.place = Some(Membership::new(self, id, &connection.name));
        }
        let idle = Idle { connection, since: now, expires };
        if let Some(turn) = pool.waiting.pop_front() {
            drop(pools);
            turn.give(Given::Connection(Box::new(idle)));
            return Ok(());
        }
        let full = pool.idle.len() >= pool.size;
        let replaced = if full { pool.idle.pop_back() } else { None };
        pool.idle.push_front(idle);
        let wake = reactor.expect_at(expires);
        if !std::mem::replace(&mut reactor.has_keeper, true) {
            handle.spawn(Keeper::new(self, id));
        }
        drop(pools);
        // Outside of the lock, which the places of these take when they are dropped.
        drop(replaced);
        wake.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// A connection has left the pool `name`. Whoever waits gets its place.
    pub(super) fn leave(self: &Arc<Self>, reactor: Id, name: &Name) {
        let mut pools = self.pools.lock();
        let Some(by_name) = pools.reactors.get_mut(&reactor) else { return };
        let Some(pool) = by_name.pools.get_mut(name) else { return };
        if let Some(turn) = pool.waiting.pop_front() {
            drop(pools);
            turn.give(Given::Place(Membership::new(self, reactor, name)));
            return;
        }
        pool.connections = pool.connections.saturating_sub(1);
        if pool.connections == 0 && pool.idle.is_empty() {
            by_name.pools.remove(name);
        }
    }

    /// The VM is gone: closes what waits.
    pub(crate) fn close(&self) {
        let mut pools = self.pools.lock();
        pools.closed = true;
        let reactors = std::mem::take(&mut pools.reactors);
        drop(pools);
        let keepers: Vec<_> =
            reactors.into_values().filter_map(|mut reactor| reactor.keeper.take()).collect();
        keepers.into_iter().for_each(Waker::wake);
    }
}

impl Pools {
    /// Takes out the connection that has waited for longest.
    pub(super) fn evict(&mut self) -> Option<Idle> {
        let pools = self.reactors.values_mut().flat_map(|reactor| reactor.pools.values_mut());
        let oldest = pools.filter(|pool| !pool.idle.is_empty());
        let pool = oldest.min_by_key(|pool| pool.idle.back().map(|idle| idle.since))?;
        pool.idle.pop_back()
    }
}

impl Reactor {
    /// The keeper's waker, if it would look too late.
    fn expect_at(&mut self, expires: Option<Instant>) -> Option<Waker> {
        let expires = expires?;
        if self.due.is_some_and(|due| due <= expires) {
            return None;
        }
        self.due = Some(expires);
        self.keeper.clone()
    }

    /// Takes out what has waited too long or was disturbed, and has `cx` told of what will be.
    fn inspect(&mut self, cx: &mut Context<'_>) -> Vec<Idle> {
        let now = Instant::now();
        let mut gone = Vec::new();
        let mut next: Option<Instant> = None;
        for pool in self.pools.values_mut() {
            for mut idle in std::mem::take(&mut pool.idle) {
                let expired = idle.expires.is_some_and(|expires| expires <= now);
                if expired || idle.connection.stream.poll_disturbed(cx).is_ready() {
                    gone.push(idle);
                    continue;
                }
                next = earlier(next, idle.expires);
                pool.idle.push_back(idle);
            }
        }
        // A keeper stays a while though nothing waits: most connections come back.
        self.due = earlier(next, self.due.filter(|due| *due > now));
        gone
    }

    fn is_empty(&self) -> bool {
        self.pools.values().all(|pool| pool.idle.is_empty())
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

impl Pool {
    fn new(size: usize, backlog: Option<usize>) -> Self {
        let (idle, waiting) = (VecDeque::new(), VecDeque::new());
        Self { size: size.max(1), backlog, connections: 0, idle, waiting }
    }
}

impl Turn {
    fn give(&self, given: Given) {
        let mut state = self.state.lock();
        state.0 = Some(given);
        let waker = state.1.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Given> {
        let mut state = self.state.lock();
        match state.0.take() {
            Some(given) => Poll::Ready(given),
            None => {
                state.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Net {
    /// Whoever waited for its turn in the pool `name` waits no more.
    pub(super) fn give_up(&self, name: &Name, turn: &Arc<Turn>) {
        let Ok(handle) = Handle::try_current() else { return };
        let mut pools = self.pools.lock();
        let reactor = pools.reactors.get_mut(&handle.id());
        if let Some(pool) = reactor.and_then(|reactor| reactor.pools.get_mut(name)) {
            pool.waiting.retain(|other| !Arc::ptr_eq(other, turn));
        }
    }
}

/// The task that closes connections which wait in vain.
struct Keeper {
    net: Weak<Net>,
    reactor: Id,
    sleep: Pin<Box<Sleep>>,
}

impl Keeper {
    fn new(net: &Arc<Net>, reactor: Id) -> Self {
        let sleep = Box::pin(tokio::time::sleep(A_DAY));
        Self { net: Arc::downgrade(net), reactor, sleep }
    }
}

/// For connections that may wait for ever.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

impl Future for Keeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(net) = self.net.upgrade() else { return Poll::Ready(()) };
        loop {
            let mut pools = net.pools.lock();
            let Some(reactor) = pools.reactors.get_mut(&self.reactor) else {
                return Poll::Ready(());
            };
            reactor.keeper = Some(cx.waker().clone());
            let gone = reactor.inspect(cx);
            let due = reactor.due;
            if due.is_none() && reactor.is_empty() {
                reactor.keeper = None;
                reactor.has_keeper = false;
                drop(pools);
                drop(gone);
                return Poll::Ready(());
            }
            drop(pools);
            drop(gone);
            let due = due.unwrap_or_else(|| Instant::now() + A_DAY);
            self.sleep.as_mut().reset(due);
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let Some(net) = self.net.upgrade() else { return };
        let mut pools = net.pools.lock();
        // One that has come to its end has left the reactor to the next.
        let kept = pools.reactors.get(&self.reactor).is_some_and(|reactor| reactor.has_keeper);
        let reactor = if kept { pools.reactors.remove(&self.reactor) } else { None };
        drop(pools);
        drop(reactor);
    }
}
