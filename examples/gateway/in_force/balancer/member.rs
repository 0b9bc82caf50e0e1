//! [`Member`]: a target of an upstream, and the addresses that its name has.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::peer::Peer;
use crate::configured::entities::target::split;
use crate::configured::upstream::Target;
use crate::resolver::Resolver;

/// A target of an upstream.
#[derive(Debug)]
pub(crate) struct Member {
    /// As the entity has it: a host and its port.
    pub(crate) target: Box<str>,
    pub(crate) weight: u16,
    site: Arc<Site>,
}

/// Where a target is. It stays when the upstream changes.
#[derive(Debug)]
struct Site {
    host: Box<str>,
    port: u16,
    known: ArcSwap<Known>,
}

/// What is known of a name.
#[derive(Debug)]
struct Known {
    peers: Vec<Arc<Peer>>,
    /// Until when. An address is good for ever.
    until: Option<Instant>,
}

/// How long the system's answers are good for, which says nothing of it.
const KEPT: Duration = Duration::from_secs(30);

/// When a name is asked for again that could not be resolved; and the least time between two questions.
const AGAIN: Duration = Duration::from_secs(1);

impl Member {
    /// A member of an upstream which had `before`.
    pub(super) fn new(target: &Target, before: &[Arc<Self>]) -> Self {
        let same = before.iter().find(|member| *member.target == *target.target);
        let site = same
            .map_or_else(|| Arc::new(Site::of(&target.target)), |member| Arc::clone(&member.site));
        Self { target: target.target.as_str().into(), weight: target.weight, site }
    }

    /// A name or an address, without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.site.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.site.port
    }

    /// Its addresses, as far as they are known.
    pub(crate) fn peers(&self) -> Vec<Arc<Peer>> {
        self.site.known.load().peers.clone()
    }

    /// Until when its addresses are good.
    pub(super) fn known_until(&self) -> Option<Instant> {
        self.site.known.load().until
    }

    /// Asks for its addresses, if they are not good any more. When there is no answer, they are those of
    /// before.
    pub(super) async fn resolve(&self, resolver: &Resolver) {
        let now = Instant::now();
        if self.known_until().is_none_or(|until| until > now) {
            return;
        }
        let before = self.site.known.load_full();
        let (peers, until) = match resolver.addresses(self.host()).await {
            Ok((addresses, expires)) => {
                let peer = |ip: IpAddr| {
                    let addr = SocketAddr::new(ip, self.site.port);
                    let same = before.peers.iter().find(|peer| peer.addr == addr);
                    same.cloned().unwrap_or_else(|| Arc::new(Peer::new(addr)))
                };
                let peers = addresses.into_iter().map(peer).collect();
                (peers, expires.map_or(now + KEPT, |expires| expires.max(now + AGAIN)))
            }
            Err(error) => {
                tracing::warn!("target {}: name resolution failed: {error}", self.target);
                (before.peers.clone(), now + AGAIN)
            }
        };
        self.site.known.store(Arc::new(Known { peers, until: Some(until) }));
    }
}

impl Site {
    fn of(target: &str) -> Self {
        let (host, port) = split(target).unwrap_or((target, None));
        let port = port.unwrap_or_default();
        let known = match host.parse() {
            Ok(ip) => {
                let peer = Arc::new(Peer::new(SocketAddr::new(ip, port)));
                Known { peers: vec![peer], until: None }
            }
            Err(_) => Known { peers: Vec::new(), until: Some(Instant::now()) },
        };
        Self { host: host.into(), port, known: ArcSwap::from_pointee(known) }
    }
}
