//! [`Caches`]: responses that are kept.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use moka::Expiry;
use moka::sync::Cache;

/// The responses that all plugins keep, up to so many bytes.
#[derive(Clone)]
pub(crate) struct Caches {
    entries: Cache<String, Arc<Entry>>,
    /// The size of the largest body that is kept.
    pub(super) largest: usize,
}

/// A response.
pub(super) struct Entry {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// When it came, in seconds since 1970, and for how long it is good.
    pub(super) since: u64,
    pub(super) ttl: u64,
    /// For how many seconds it is kept.
    pub(super) kept: u64,
    /// What those headers of its request were that its `Vary` names.
    pub(super) vary: Vec<(HeaderName, Vec<HeaderValue>)>,
}

/// The share of a single body in all that is kept.
const LARGEST_SHARE: usize = 16;

/// What an entry takes beside its headers and its body.
const OVERHEAD: usize = 512;

impl Caches {
    pub(crate) fn new(bytes: usize) -> Self {
        let entries = Cache::builder()
            .max_capacity(bytes as u64)
            .weigher(|_, entry: &Arc<Entry>| u32::try_from(entry.size()).unwrap_or(u32::MAX))
            .expire_after(AsLongAsKept)
            .build();
        Self { entries, largest: bytes / LARGEST_SHARE }
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(super) fn put(&self, key: String, entry: Entry) {
        self.entries.insert(key, Arc::new(entry));
    }

    /// Removes an entry. Whether there was one.
    pub(super) fn remove(&self, key: &str) -> bool {
        self.entries.remove(key).is_some()
    }

    pub(super) fn clear(&self) {
        self.entries.invalidate_all();
    }
}

impl Entry {
    fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        OVERHEAD + headers.sum::<usize>() + self.body.len()
    }

    /// How old it is, in seconds.
    pub(super) fn age(&self) -> u64 {
        now().saturating_sub(self.since)
    }

    /// Whether a request with these headers is one that the response was for.
    pub(super) fn is_for(&self, headers: &HeaderMap) -> bool {
        self.vary.iter().all(|(name, values)| headers.get_all(name).iter().eq(values))
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// What `Vary` names of a request's headers. Nothing, if no request is like another.
pub(super) fn varied(
    response: &HeaderMap,
    request: &HeaderMap,
) -> Option<Vec<(HeaderName, Vec<HeaderValue>)>> {
    let lists = response.get_all(VARY).iter().map(|list| list.to_str().unwrap_or("*"));
    let names = lists.flat_map(|list| list.split(',')).map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(|name| {
            let name: HeaderName = (name != "*").then(|| name.parse().ok()).flatten()?;
            let values = request.get_all(&name).iter().cloned().collect();
            Some((name, values))
        })
        .collect()
}

/// The headers of a response that are good for another one.
pub(super) fn lasting(headers: &HeaderMap, keeps_length: bool) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [
        CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    if !keeps_length {
        headers.remove(CONTENT_LENGTH);
    }
    headers
}

struct AsLongAsKept;

impl Expiry<String, Arc<Entry>> for AsLongAsKept {
    fn expire_after_create(&self, _: &String, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(Duration::from_secs(entry.kept))
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Arc<Entry>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(Duration::from_secs(entry.kept))
    }
}
