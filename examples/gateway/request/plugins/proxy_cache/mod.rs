//! `proxy-cache`: responses that are good for more than one request.

mod config;
mod control;
mod endpoint;
mod entry;
mod key;
mod recorded;

use std::sync::Arc;

use http::header::{
    AGE, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceExt};
use tower_lua::ResponseSource;

use self::config::Config;
use self::control::Control;
pub(crate) use self::entry::Caches;
use self::entry::{Entry, lasting, now, varied};
use self::recorded::{Recorded, Recording};
use super::message::refusal;
use super::{Around, Body, Next, once};

struct ProxyCache {
    config: Config,
    /// Whose responses they are.
    scope: String,
    caches: Caches,
}

/// What is known of a request before anybody is asked.
enum Found {
    Hit(Response<Body>),
    /// The client wants nothing but what is there, and nothing is.
    Absent,
    /// Nothing that is good for it: what is answered may be kept under the key.
    Missing {
        key: String,
        status: &'static str,
        headers: HeaderMap,
    },
    /// It is none of the cache's business.
    Bypass,
}

const STATUS: HeaderName = HeaderName::from_static("x-cache-status");
const KEY: HeaderName = HeaderName::from_static("x-cache-key");

/// The plugin with the id `scope`.
pub(super) fn layer(config: Config, scope: &str, caches: &Caches) -> Arc<dyn Around> {
    let (scope, caches) = (scope.to_owned(), caches.clone());
    Arc::new(Arc::new(ProxyCache { config, scope, caches }))
}

impl Around for Arc<ProxyCache> {
    fn around(&self, next: Next) -> Next {
        let cache = Self::clone(self);
        once(next, async move |request: Request<Body>, mut next: Next| match cache.find(&request) {
            Found::Hit(response) => Ok(response),
            Found::Absent => {
                let text = "The response is not in the cache";
                Ok(refusal(&request, StatusCode::GATEWAY_TIMEOUT, text))
            }
            Found::Bypass => {
                let mut response = next.ready().await?.call(request).await?;
                cache.show_status(response.headers_mut(), "Bypass");
                Ok(response)
            }
            Found::Missing { key, status, headers } => {
                let is_head = request.method() == Method::HEAD;
                let response = next.ready().await?.call(request).await?;
                Ok(cache.record(response, key, status, &headers, is_head))
            }
        })
    }
}

impl ProxyCache {
    fn find(&self, request: &Request<Body>) -> Found {
        let headers = request.headers();
        let control = Control::of(headers);
        if !self.is_for(request, &control) {
            return Found::Bypass;
        }
        let key = key::of(request, &self.scope, &self.config);
        let entry = self.caches.get(&key).filter(|entry| entry.is_for(headers));
        let status = match entry {
            Some(entry) if self.is_good(&entry, &control) => {
                return Found::Hit(self.answer(&entry, headers, &key));
            }
            Some(_) => "Refresh",
            None if self.config.cache_control && control.has("only-if-cached") => {
                return Found::Absent;
            }
            None => "Miss",
        };
        Found::Missing { key, status, headers: headers.clone() }
    }

    fn is_for(&self, request: &Request<Body>, control: &Control<'_>) -> bool {
        let is_forbidden = self.config.cache_control
            && (control.has("no-store")
                || control.has("no-cache")
                || request.headers().contains_key(AUTHORIZATION));
        let methods = &self.config.request_method;
        !is_forbidden && methods.iter().any(|method| method == request.method().as_str())
    }

    /// Whether what is there is fresh enough.
    fn is_good(&self, entry: &Entry, control: &Control<'_>) -> bool {
        let age = entry.age();
        if !self.config.cache_control {
            return age <= self.config.cache_ttl;
        }
        let stale = age.saturating_sub(entry.ttl);
        let may_be_stale = match control.seconds("max-stale") {
            Some(seconds) => stale <= seconds,
            None => stale == 0 || control.has("max-stale"),
        };
        may_be_stale
            && control.seconds("max-age").is_none_or(|seconds| age <= seconds)
            && control
                .seconds("min-fresh")
                .is_none_or(|seconds| entry.ttl.saturating_sub(age) >= seconds)
    }

    fn answer(&self, entry: &Entry, asked: &HeaderMap, key: &str) -> Response<Body> {
        let body = Full::new(entry.body.clone()).map_err(|never| match never {});
        let mut response = Response::new(body.boxed_unsync());
        *response.status_mut() = entry.status;
        *response.headers_mut() = entry.headers.clone();
        if is_known(asked, entry) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::default();
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        if self.config.response_headers.age() {
            response.headers_mut().insert(AGE, entry.age().into());
        }
        self.show_status(response.headers_mut(), "Hit");
        self.show_key(response.headers_mut(), key);
        response.extensions_mut().insert(ResponseSource::Exit);
        response
    }

    /// Keeps what the service answers, if it is good for others.
    fn record(
        &self,
        mut response: Response<Body>,
        key: String,
        status: &str,
        asked: &HeaderMap,
        is_head: bool,
    ) -> Response<Body> {
        let entry = self.entry(&response, asked, is_head);
        let status = if entry.is_some() { status } else { "Bypass" };
        // Without those of this plugin.
        self.show_status(response.headers_mut(), status);
        self.show_key(response.headers_mut(), &key);
        let Some(entry) = entry else { return response };
        let (caches, chunks) = (self.caches.clone(), Vec::new());
        let recording = Recording { caches, key, entry, chunks, size: 0 };
        response.map(|body| Recorded::new(body, recording).boxed_unsync())
    }

    /// A response as it is kept, without its body. Nothing, if it must not be.
    fn entry(&self, response: &Response<Body>, asked: &HeaderMap, is_head: bool) -> Option<Entry> {
        let (status, headers) = (response.status(), response.headers());
        let config = &self.config;
        let is_of_service = response.extensions().get::<ResponseSource>().is_none();
        let fits =
            http_body::Body::size_hint(response.body()).lower() <= self.caches.largest as u64;
        // Kong: keeps cookies, and gives them to others.
        if !(is_of_service && fits) || headers.contains_key(SET_COOKIE) {
            return None;
        }
        if !config.response_code.contains(&status.as_u16()) || !self.is_of_kind(headers) {
            return None;
        }
        let control = Control::of(headers);
        let ttl = if config.cache_control { control.lifetime(headers) } else { config.cache_ttl };
        let is_forbidden = ["private", "no-store", "no-cache"].iter().any(|name| control.has(name));
        if config.cache_control && (is_forbidden || ttl == 0) {
            return None;
        }
        Some(Entry {
            status,
            headers: lasting(headers, is_head),
            body: bytes::Bytes::new(),
            since: now(),
            ttl,
            kept: config.storage_ttl.unwrap_or(ttl),
            vary: varied(headers, asked)?,
        })
    }

    /// Whether a response has one of the types that are kept.
    fn is_of_kind(&self, headers: &HeaderMap) -> bool {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        kind.is_some_and(|kind| self.config.content_type.iter().any(|wanted| is_kind(kind, wanted)))
    }

    fn show_status(&self, headers: &mut HeaderMap, status: &str) {
        if self.config.response_headers.status {
            let status = HeaderValue::from_str(status).expect("a word");
            headers.insert(STATUS, status);
        }
    }

    fn show_key(&self, headers: &mut HeaderMap, key: &str) {
        if self.config.response_headers.key {
            headers.insert(KEY, HeaderValue::from_str(key).expect("hexadecimal digits"));
        }
    }
}

/// Whether a type is the one that is `wanted`, which may leave something open: `text/*`, or parameters.
fn is_kind(kind: &str, wanted: &str) -> bool {
    let (name, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let (wanted, wanted_parameters) = wanted.split_once(';').unwrap_or((wanted, ""));
    let halves = |name: &str| {
        let (kind, subkind) = name.trim().split_once('/').unwrap_or((name.trim(), ""));
        [kind.to_ascii_lowercase(), subkind.to_ascii_lowercase()]
    };
    let is_same = halves(name).iter().zip(&halves(wanted)).all(|(a, b)| b == "*" || a == b);
    let list = |text: &str| -> Vec<String> {
        let each = text.split(';').map(|one| one.trim().to_ascii_lowercase());
        each.filter(|one| !one.is_empty()).collect()
    };
    let has = list(parameters);
    is_same && list(wanted_parameters).iter().all(|parameter| has.contains(parameter))
}

/// Whether the client has what is kept.
fn is_known(asked: &HeaderMap, entry: &Entry) -> bool {
    if entry.status != StatusCode::OK {
        return false;
    }
    let Some(tags) = asked.get(IF_NONE_MATCH) else {
        // A copy of another time is another copy.
        let since = asked.get(IF_MODIFIED_SINCE);
        return since.is_some() && since == entry.headers.get(LAST_MODIFIED);
    };
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let own = entry.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(bare);
    let tags = tags.to_str().unwrap_or_default();
    own.is_some_and(|own| tags.split(',').any(|tag| bare(tag) == own)) || tags.trim() == "*"
}
