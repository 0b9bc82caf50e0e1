//! Names and their addresses.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Fault;

/// What a name has been resolved to.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
/// use std::time::Duration;
/// use tower_lua::Resolved;
///
/// let forever = Resolved::from(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]);
/// let for_a_minute = forever.with_ttl(Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    addresses: Vec<IpAddr>,
    ttl: Option<Duration>,
}

impl Resolved {
    /// Says how long the addresses are good for: 30 seconds when nothing is said.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

impl From<Vec<IpAddr>> for Resolved {
    fn from(addresses: Vec<IpAddr>) -> Self {
        Self { addresses, ttl: None }
    }
}

pub(crate) type Resolving = Pin<Box<dyn Future<Output = io::Result<Resolved>> + Send>>;

/// Resolves names, and remembers what they were resolved to.
pub(crate) struct Resolver {
    resolve: Box<dyn Fn(String) -> Resolving + Send + Sync>,
    known: Mutex<LruCache<String, Arc<Lookup>>>,
}

/// A name that is being looked up, once for all who ask, or has been.
type Lookup = OnceCell<Answer>;

#[derive(Clone)]
struct Answer {
    addresses: Arc<[IpAddr]>,
    expires: Instant,
}

/// How many names are remembered.
const KNOWN: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// How long a name is good for whose resolver does not say.
const TTL: Duration = Duration::from_secs(30);

/// How long a look-up may take: nginx's `resolver_timeout`.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Resolver {
    pub(crate) fn new(resolve: impl Fn(String) -> Resolving + Send + Sync + 'static) -> Self {
        Self { resolve: Box::new(resolve), known: Mutex::new(LruCache::new(KNOWN)) }
    }

    /// The system's resolver, on tokio's pool of blocking threads.
    pub(crate) fn system() -> Self {
        Self::new(|name| {
            Box::pin(async move {
                let addresses = tokio::net::lookup_host((name, 0)).await?;
                Ok(addresses.map(|address| address.ip()).collect::<Vec<_>>().into())
            })
        })
    }

    /// The addresses of `name`, at least one.
    pub(super) async fn resolve(&self, name: &str) -> Result<Arc<[IpAddr]>, Fault> {
        let lookup = self.lookup(name);
        let answer = lookup.get_or_try_init(|| async {
            let resolving = (self.resolve)(name.to_owned());
            let resolved = tokio::time::timeout(TIMEOUT, resolving).await;
            let resolved = resolved.map_err(|_| failure(name, 110, "Operation timed out"))?;
            let resolved = resolved.map_err(|error| explain(name, &error))?;
            if resolved.addresses.is_empty() {
                return Err(failure(name, 3, "Host not found"));
            }
            let expires = Instant::now() + resolved.ttl.unwrap_or(TTL).min(MAX_TTL);
            Ok(Answer { addresses: in_order(resolved.addresses).into(), expires })
        });
        answer.await.map(|answer| Arc::clone(&answer.addresses))
    }

    fn lookup(&self, name: &str) -> Arc<Lookup> {
        let mut known = self.known.lock();
        if let Some(lookup) = known.get(name)
            && lookup.get().is_none_or(|answer| answer.expires > Instant::now())
        {
            return Arc::clone(lookup);
        }
        let lookup = Arc::new(Lookup::new());
        known.put(name.to_owned(), Arc::clone(&lookup));
        lookup
    }
}

/// The longest that a name is believed for.
const MAX_TTL: Duration = Duration::from_secs(3600);

/// IPv4 first: more networks have it.
fn in_order(mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    addresses
}

/// The system's words in nginx's.
fn explain(name: &str, error: &io::Error) -> Fault {
    if error.kind() == io::ErrorKind::TimedOut {
        return failure(name, 110, "Operation timed out");
    }
    if error.to_string().contains("Temporary failure") {
        return failure(name, 2, "Server failure");
    }
    failure(name, 3, "Host not found")
}

fn failure(name: &str, code: u32, words: &str) -> Fault {
    format!("{name} could not be resolved ({code}: {words})").into()
}
