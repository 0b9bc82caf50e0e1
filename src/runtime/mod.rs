//! [`Runtime`]: the VMs that functions run in, and what they may do there.

mod builder;
mod host;
mod modules;
#[cfg(feature = "net")]
mod network;
mod nodes;
mod observing;
mod profile;
#[cfg(feature = "testing")]
mod testing;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use http::HeaderMap;

pub use self::builder::RuntimeBuilder;
use crate::extension::Connection;
use crate::settings::{Kind, Settings};
use crate::transaction::Transaction;
use crate::vm::Pool;

/// The Lua VMs that functions run in, with their limits, sandbox and modules.
///
/// A runtime is cheap to clone; clones share their VMs. Layers that are given none share one that
/// is made, with the default settings, when it is first needed: [`Runtime::global`].
///
/// A request keeps to one VM of one runtime. Only layers of the same runtime share a request's
/// `kong.ctx` and run in Kong's order.
///
/// ```
/// use tower_lua::{Functions, PreFunctionLayer, Runtime, Sandbox};
///
/// let runtime = Runtime::builder()
///     .vms(2)
///     .sandbox(Sandbox::default().allow_require("cjson"))
///     .build()?;
/// let functions = Functions::access("answer", r#"kong.response.exit(200, "hello")"#)?;
/// let layer = PreFunctionLayer::new(functions).runtime(&runtime);
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone)]
pub struct Runtime {
    pool: Arc<Pool>,
}

/// What a runtime is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// VMs that have been made so far.
    pub vms: usize,
    /// Functions that wait: for a request body, or in `ngx.sleep`.
    pub suspended: usize,
    /// Bytes that the VMs use. Of a VM that runs a function at this moment it is what it has used when it
    /// was last asked.
    pub used_memory: usize,
    /// Timers of functions that are to run.
    pub pending_timers: usize,
    /// Timers whose functions run.
    pub running_timers: usize,
    /// Sockets of functions that are open, those among them that wait in pools to be used again.
    #[cfg(feature = "net")]
    pub sockets: usize,
    /// VMs that were full and have been replaced by fresh ones.
    pub replaced_vms: usize,
    /// Calls of functions that were refused because the calls before used up their time.
    pub refused_calls: usize,
}

impl Runtime {
    /// Starts to build a runtime.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// The runtime of all layers that are given none.
    ///
    /// # Panics
    ///
    /// When no Lua VM can be made for want of memory.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: LazyLock<Runtime> =
            LazyLock::new(|| Runtime::builder().build().expect("a VM with default settings"));
        &GLOBAL
    }

    /// Counts what is going on. Takes no lock that a function holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (replaced_vms, refused_calls) = self.pool.counts();
        let background = &self.settings().background;
        let before = Stats {
            pending_timers: background.total(Kind::PendingTimer),
            running_timers: background.total(Kind::RunningTimer),
            #[cfg(feature = "net")]
            sockets: self.settings().reach.open.load(std::sync::atomic::Ordering::Relaxed),
            replaced_vms,
            refused_calls,
            ..Stats::default()
        };
        self.pool.vms().fold(before, |stats, (_, used_memory, suspended)| Stats {
            vms: stats.vms + 1,
            suspended: stats.suspended + suspended,
            used_memory: stats.used_memory + used_memory,
            ..stats
        })
    }

    /// How many bytes each VM uses that has been made, by its place from 0. Of one that runs a function at
    /// this moment it is what it has used when it was last asked.
    #[must_use]
    pub fn memory(&self) -> Vec<(usize, usize)> {
        self.pool.vms().map(|(number, used_memory, _)| (number, used_memory)).collect()
    }

    /// Says that the server is about to end, and waits until functions have ended that no request waits
    /// for any more: those of the `log` phase and of timers.
    ///
    /// Pending timers run now, and are told that it is before their time; from now on
    /// `ngx.worker.exiting()` is true, and `ngx.timer.at` starts none with a delay. So this is for when
    /// the server has served its last request. Bound it in time:
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_lua::Runtime;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_lua::Error> {
    /// let runtime = Runtime::builder().build()?;
    /// // … serve …
    /// let drained = tokio::time::timeout(Duration::from_secs(10), runtime.drain()).await;
    /// assert!(drained.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drain(&self) {
        self.settings().background.drain().await;
    }

    /// Whether what a proxy at `address` says of its client is believed: it is one of
    /// [`trusted_ips`](RuntimeBuilder::trusted_ips).
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.settings().trusts(address)
    }

    /// The address of the client, by the rule that `kong.client.get_forwarded_ip` and
    /// `ngx.var.remote_addr` go by: the peer's, or what a trusted proxy says in its
    /// [header](RuntimeBuilder::real_ip_header), with a port or without. For whoever logs, limits or
    /// forwards by it.
    ///
    /// ```
    /// use http::{HeaderMap, HeaderValue};
    /// use tower_lua::{Connection, Runtime};
    ///
    /// let runtime = Runtime::builder().trusted_ips(["10.0.0.0/8"]).build()?;
    /// let proxy = Connection::new("10.1.2.3:50123".parse().expect("an address"));
    /// let mut headers = HeaderMap::new();
    /// headers.insert("x-real-ip", HeaderValue::from_static("192.0.2.7:4711"));
    /// assert_eq!(runtime.client_ip(&proxy, &headers).to_string(), "192.0.2.7");
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    #[must_use]
    pub fn client_ip(&self, connection: &Connection, headers: &HeaderMap) -> IpAddr {
        self.settings().client(connection, headers).0
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.pool.settings()
    }

    /// Whether both are clones of one runtime.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pool, &other.pool)
    }

    /// Lets go of a transaction without waiting for the VM that its tables belong to.
    pub(crate) fn release(&self, transaction: Box<Transaction>) {
        let bound = transaction.vm.filter(|_| !transaction.tables.is_empty());
        drop(transaction);
        if let Some(vm) = bound {
            self.pool.expire(vm.number);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
