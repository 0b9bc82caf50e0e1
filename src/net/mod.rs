//! Sockets: what functions reach out with. No Lua value is named here.
//!
//! A [`Socket`] is what a function has in its hands: open or closed, busy or not, with timeouts. The
//! connection in it belongs to the reactor of the tokio runtime in which it was made; a [`Net`] has the
//! pools of one VM, in which connections wait to be used again, apart for each reactor. What all VMs
//! of a runtime share, the rules and the resolver, is their [`Reach`].
//!
//! # Cancel safety
//!
//! Whoever waits holds nothing but the socket: dropping the future of an operation ends the operation,
//! and the socket is as good as before but for data that a partly done one had taken or sent. When
//! a request ends, its sockets are closed by the drop of its [`Sockets`].

mod address;
mod body;
mod chunked;
mod client;
mod client_connection;
mod connecting;
mod connection;
mod fault;
mod fed;
mod filter;
mod last_pattern;
mod limits;
mod membership;
mod network;
mod options;
mod pool;
mod receiving;
mod resolver;
mod sending;
mod socket;
mod sockets;
mod stream;
#[cfg(feature = "tls")]
pub(crate) mod tls;
mod udp;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::Mutex;

pub(crate) use self::address::{Target, local};
pub(crate) use self::body::BodySocket;
pub(crate) use self::chunked::{Chunked, Portion};
pub use self::client::ClientStream;
pub use self::client_connection::{ClientConnection, GivenConnection, Handover};
pub(crate) use self::connecting::PoolOptions;
pub(crate) use self::fault::Fault;
pub(crate) use self::filter::{Filter, Until};
use self::limits::Count;
pub(crate) use self::limits::Limits;
pub use self::network::{Network, NetworkRule};
pub(crate) use self::options::Setting;
use self::pool::Pools;
pub(crate) use self::receiving::Received;
pub use self::resolver::Resolved;
pub(crate) use self::resolver::Resolver;
pub(crate) use self::sending::Sending;
pub(crate) use self::socket::{Socket, Timeouts};
pub(crate) use self::sockets::Sockets;
pub(crate) use self::udp::{Datagrams, MAX_DATAGRAM};

/// What the VMs of a runtime share of the network.
pub(crate) struct Reach {
    pub(crate) network: Network,
    pub(crate) resolver: Resolver,
    pub(crate) limits: Limits,
    /// A test's servers, in the place of all others.
    #[cfg(feature = "testing")]
    pub(crate) stand_in: Option<Box<StandIn>>,
    /// How many sockets of all VMs are open, those in pools among them.
    pub(crate) open: AtomicUsize,
    /// Made when it is first needed, unless something is to be trusted that is not the default.
    #[cfg(feature = "tls")]
    pub(crate) tls: std::sync::OnceLock<tls::Settings>,
}

#[cfg(feature = "tls")]
impl Reach {
    fn tls(&self) -> &tls::Settings {
        self.tls.get_or_init(tls::Settings::default)
    }
}

/// The network as one VM has it: how many sockets are open, and the connections that wait to be used
/// again.
pub(crate) struct Net {
    reach: Arc<Reach>,
    open: Count,
    buffered: Count,
    pools: Mutex<Pools>,
}

impl Net {
    pub(crate) fn new(reach: Arc<Reach>) -> Arc<Self> {
        let open = Count::new(reach.limits.sockets);
        let buffered = Count::new(reach.limits.buffered);
        Arc::new(Self { reach, open, buffered, pools: Mutex::default() })
    }
}

/// Gives the client's end of a connection to a host and a port, or says why there is none.
#[cfg(feature = "testing")]
pub(crate) type StandIn =
    dyn Fn(&str, u16) -> Result<tokio::io::DuplexStream, String> + Send + Sync;

impl Reach {
    /// Refuses what a test has no servers for: nothing is to leave.
    fn admits_kind(&self, kind: &str) -> Result<(), Fault> {
        #[cfg(feature = "testing")]
        if self.stand_in.is_some() {
            return Err(format!("nothing leaves here: there is no {kind}").into());
        }
        let _ = kind;
        Ok(())
    }
}

impl Default for Reach {
    /// Nothing is reached.
    fn default() -> Self {
        Self {
            network: Network::off(),
            resolver: Resolver::system(),
            limits: Limits::default(),
            #[cfg(feature = "testing")]
            stand_in: None,
            open: AtomicUsize::new(0),
            #[cfg(feature = "tls")]
            tls: std::sync::OnceLock::new(),
        }
    }
}
