//! What a runtime's VMs are made with, and bindings look up.

mod background;
mod cluster;
mod configuration;
mod host;
mod node;
mod observer;
#[cfg(feature = "testing")]
pub(crate) mod recording;
mod sandbox;
mod subrequests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

pub(crate) use self::background::{Background, Kind, Place, Refused};
pub use self::cluster::ClusterEvent;
pub(crate) use self::cluster::ClusterEvents;
pub(crate) use self::configuration::Configuration;
pub(crate) use self::host::{HostBody, HostFunction};
pub(crate) use self::node::Node;
pub use self::node::ServerStats;
pub(crate) use self::observer::{CallTime, Observer};
pub use self::observer::{FunctionCall, FunctionOutcome};
pub use self::sandbox::{Sandbox, UntrustedLua};
pub(crate) use self::subrequests::{Answering, Captured, Reception, Subrequests};
use crate::error::{Error, log};
use crate::extension::{Connection, Consumer, RequestFacts};
use crate::lua::{Budget, Sampler};
#[cfg(feature = "net")]
use crate::net::Reach;
use crate::store::SharedDict;
use crate::store::cache::Cache;

/// A Lua module made in Rust.
pub(crate) type Module = Arc<dyn Fn(&mlua::Lua) -> mlua::Result<mlua::Value> + Send + Sync>;

/// What a runtime's VMs are made with, and bindings look up.
pub(crate) struct Settings {
    pub(crate) budget: Budget,
    pub(crate) sandbox: Sandbox,
    pub(crate) modules: Vec<(String, Module)>,
    pub(crate) host_functions: Vec<HostFunction>,
    pub(crate) module_path: Option<PathBuf>,
    pub(crate) body_buffer_size: u64,
    pub(crate) max_body_size: u64,
    pub(crate) trusted_ips: Vec<IpNet>,
    pub(crate) real_ip_header: HeaderName,
    /// The host of requests that name none.
    pub(crate) server_name: String,
    pub(crate) vms: usize,
    /// What functions do when no request waits for them.
    pub(crate) background: Arc<Background>,
    /// What is told of each call of a function.
    pub(crate) observer: Option<Observer>,
    /// Where functions spend their time, while somebody wants to know.
    pub(crate) sampler: Arc<Sampler>,
    /// From when on a call is slow, if the log is to tell of those.
    pub(crate) slow_function: Option<Duration>,
    /// What is told of each failure of a function.
    pub(crate) failed: Option<Box<Failed>>,
    /// What notes all that functions do.
    #[cfg(feature = "testing")]
    pub(crate) recording: Option<Arc<recording::Recording>>,
    /// What `kong.cache` keeps.
    pub(crate) cache: Arc<Cache>,
    /// What is told of the keys that are not to be kept anywhere any more.
    pub(crate) invalidated: Option<Box<Invalidated>>,
    /// What functions tell those of other nodes, and hear of them.
    pub(crate) cluster_events: ClusterEvents,
    pub(crate) node: Node,
    pub(crate) configuration: Configuration,
    /// The environment variables that functions may read.
    pub(crate) environment: BTreeMap<String, String>,
    /// Whether there are any that they may read, if they exist.
    pub(crate) grants_environment: bool,
    /// Where `kong.nginx.get_statistics` has its numbers from.
    pub(crate) server_stats: Option<Box<dyn Fn() -> ServerStats + Send + Sync>>,
    /// What makes of a request's extensions those that functions know.
    pub(crate) connection: Option<Box<Describe>>,
    /// Where the server's facts are, by a request's extensions.
    pub(crate) facts: Option<Box<FindFacts>>,
    /// Who can give the connection away that a request came on.
    #[cfg(feature = "net")]
    pub(crate) client_connection: Option<Box<FindConnection>>,
    /// Whether there is an upstream of a name.
    pub(crate) upstreams: Option<Box<Exists>>,
    /// Who answers subrequests.
    pub(crate) subrequests: Subrequests,
    /// The consumer that has a value in `id` or `username`.
    pub(crate) consumers: Option<Box<Find>>,
    /// How the names of headers have come.
    pub(crate) header_names: Option<Box<Spell>>,
    /// `ngx.shared`, by name.
    pub(crate) shared_dicts: Vec<(String, Arc<SharedDict>)>,
    /// What sockets may reach, and how.
    #[cfg(feature = "net")]
    pub(crate) reach: Arc<Reach>,
}

/// Tells how the names of headers are written, from what came with them beside headers: one text for
/// each value.
type Spell = dyn Fn(&HeaderMap, &Extensions) -> Vec<String> + Send + Sync;

type Describe = dyn Fn(&mut Extensions) + Send + Sync;
type FindFacts = dyn Fn(&Extensions) -> Option<Arc<dyn RequestFacts>> + Send + Sync;
#[cfg(feature = "net")]
type FindConnection =
    dyn Fn(&Extensions) -> Option<Arc<dyn crate::net::ClientConnection>> + Send + Sync;
type Invalidated = dyn Fn(&[u8]) + Send + Sync;
type Failed = dyn Fn(&Error) + Send + Sync;

type Find = dyn Fn(&str, &str) -> Option<Consumer> + Send + Sync;

type Exists = dyn Fn(&str) -> bool + Send + Sync;

impl Settings {
    /// Whether what a proxy at `address` says of its client is believed.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_ips.iter().any(|network| network.contains(&address))
    }

    /// Reports a function that failed, to the log and to whoever wants to know.
    #[cold]
    pub(crate) fn report(&self, error: &Error) {
        // Who reads of it in the log finds it wherever else it is told of.
        if let Some(failed) = &self.failed {
            failed(error);
        }
        log::report(error);
    }

    /// Whether functions may reach anything over the network.
    #[expect(clippy::unused_self, reason = "without sockets there is nothing to ask")]
    #[cfg(not(feature = "net"))]
    pub(crate) fn may_reach_out(&self) -> bool {
        false
    }

    /// Whether functions may reach anything over the network.
    #[cfg(feature = "net")]
    pub(crate) fn may_reach_out(&self) -> bool {
        !self.reach.network.is_off()
    }

    /// The address of the client of `connection`, and its port if it is known: the peer's, or what a
    /// trusted proxy says in its header.
    pub(crate) fn client(
        &self,
        connection: &Connection,
        headers: &HeaderMap,
    ) -> (IpAddr, Option<u16>) {
        let peer = connection.peer_addr();
        let named = || {
            let header = headers.get_all(&self.real_ip_header).iter().next_back()?;
            // The last of several, which is the one that the trusted proxy itself has added.
            let last = header.to_str().ok()?.rsplit(',').next()?.trim();
            let socket = || last.parse::<SocketAddr>().map(|addr| (addr.ip(), Some(addr.port())));
            last.parse().map(|ip| (ip, None)).or_else(|_| socket()).ok()
        };
        let own = (peer.ip(), Some(peer.port()));
        if self.trusts(peer.ip()) { named().unwrap_or(own) } else { own }
    }
}
