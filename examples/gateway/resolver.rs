//! Whom the gateway asks for the addresses of names: `--dns-resolver`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use hickory_resolver::config::{NameServerConfigGroup, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::name_server::TokioConnectionProvider;
use hickory_resolver::{ResolveError, TokioResolver};
use tower_lua::Resolved;

/// Whom the gateway asks for the addresses of names, those of services and those that functions reach.
#[derive(Clone)]
pub(crate) enum Resolver {
    /// The system, away from the threads that serve.
    System,
    /// Name servers. `/etc/hosts` comes first.
    Servers(Arc<TokioResolver>),
    /// Nobody: all names have one address. For who connects to nobody either.
    Nobody,
}

/// The address that all names have where nobody is asked: one that is for documentation.
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The address of a name server: `10.0.0.53`, `10.0.0.53:5353`, `[2001:db8::53]:53`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameServer(SocketAddr);

impl Resolver {
    /// Asks `servers`, in the order in which they answer best; the system when there are none.
    pub(crate) fn new(servers: &[NameServer]) -> Self {
        if servers.is_empty() {
            return Self::System;
        }
        let mut group = NameServerConfigGroup::new();
        for NameServer(address) in servers {
            let (ip, port) = (address.ip(), address.port());
            group.merge(NameServerConfigGroup::from_ips_clear(&[ip], port, true));
        }
        let config = ResolverConfig::from_parts(None, Vec::new(), group);
        let provider = TokioConnectionProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        let options: &mut ResolverOpts = builder.options_mut();
        options.use_hosts_file = ResolveHosts::Always;
        Self::Servers(Arc::new(builder.build()))
    }

    /// The addresses of `name`, at least one, and how long they are good for.
    pub(crate) async fn resolve(&self, name: &str) -> io::Result<Resolved> {
        self.addresses(name).await.map(|(addresses, expires)| {
            let resolved = Resolved::from(addresses);
            match expires {
                Some(expires) => {
                    resolved.with_ttl(expires.saturating_duration_since(Instant::now()))
                }
                None => resolved,
            }
        })
    }

    /// The addresses of `name`, at least one, and until when they are good, if that is known.
    pub(crate) async fn addresses(&self, name: &str) -> io::Result<(Vec<IpAddr>, Option<Instant>)> {
        let (addresses, expires): (Vec<_>, _) = match self {
            Self::System => {
                let addresses = tokio::net::lookup_host((name, 0)).await?;
                (addresses.map(|address| address.ip()).collect(), None)
            }
            Self::Nobody => (vec![SOMEWHERE], None),
            Self::Servers(resolver) => {
                let found = resolver.lookup_ip(name).await.map_err(|error| explain(&error))?;
                (found.iter().collect(), Some(found.valid_until()))
            }
        };
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "a name without addresses"));
        }
        Ok((addresses, expires))
    }
}

/// The resolver's words, in those of the system's.
fn explain(error: &ResolveError) -> io::Error {
    if error.is_nx_domain() || error.is_no_records_found() {
        return io::Error::new(io::ErrorKind::NotFound, "Name or service not known");
    }
    if error.to_string().contains("timed out") {
        return io::Error::new(io::ErrorKind::TimedOut, "no name server has answered in time");
    }
    io::Error::other(format!("Temporary failure in name resolution: {error}"))
}

impl FromStr for NameServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ip = |text: &str| text.trim_matches(['[', ']']).parse().ok();
        let address = text.parse().ok();
        address
            .or_else(|| ip(text).map(|ip: IpAddr| SocketAddr::new(ip, 53)))
            .map(Self)
            .ok_or_else(|| "expected the address of a name server, with ':port' or not".to_owned())
    }
}
