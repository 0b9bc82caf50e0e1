//! `key-auth`: only who has a key may call.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use serde::Deserialize;
use serde_json::json;
use tower_lua::{Consumer, Credential};

use super::{
    Around, Body, Identity, Refusal, Scheme, arguments, challenge, decode, full, read_body,
};
use crate::BoxError;
use crate::configured::entities::Kind;
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in super::super) struct Config {
    keys: Vec<Key>,
    key_names: Vec<String>,
    hide_credentials: bool,
    anonymous: Option<String>,
    key_in_header: bool,
    key_in_query: bool,
    key_in_body: bool,
    run_on_preflight: bool,
    realm: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            key_names: vec!["apikey".to_owned()],
            hide_credentials: false,
            anonymous: None,
            key_in_header: true,
            key_in_query: true,
            key_in_body: false,
            run_on_preflight: true,
            realm: None,
        }
    }
}

/// A key, and whose it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Key {
    Plain(String),
    Owned {
        key: String,
        #[serde(default)]
        consumer: Option<String>,
    },
}

struct KeyAuth {
    /// The keys of the configuration, beside those of consumers.
    keys: HashMap<String, Option<Consumer>>,
    names: Vec<(HeaderName, String)>,
    challenge: HeaderValue,
    config: Config,
}

pub(in super::super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let keys = config.keys.iter().map(|key| match key {
        Key::Plain(key) => (key.clone(), None),
        Key::Owned { key, consumer } => (key.clone(), consumer.as_deref().and_then(named)),
    });
    let keys = keys.collect();
    let names = config.key_names.iter().map(|name| Ok((name.parse()?, name.clone())));
    let names = names.collect::<Result<_, BoxError>>()?;
    let challenge = challenge("Key", config.realm.as_deref())?;
    Ok(super::layer(KeyAuth { keys, names, challenge, config }))
}

/// A consumer that is nothing but a name.
fn named(name: &str) -> Option<Consumer> {
    Consumer::new(json!({ "username": name })).ok()
}

impl Scheme for KeyAuth {
    fn is_for(&self, request: &Request<Body>) -> bool {
        request.method() != Method::OPTIONS || self.config.run_on_preflight
    }

    fn anonymous(&self) -> Option<&str> {
        self.config.anonymous.as_deref()
    }

    fn stranger(&self, name: &str) -> Option<Consumer> {
        if self.keys.is_empty() { None } else { named(name) }
    }

    async fn prove(
        &self,
        request: Request<Body>,
        flight: &Flight,
    ) -> (Request<Body>, Result<Identity, Refusal>) {
        let (request, found) = self.search(request).await;
        let refused = |text| Err(Refusal::error(text, &self.challenge));
        match found {
            Search::Several => (request, refused("Duplicate API key found")),
            Search::Nothing => (request, refused("No API key found in request")),
            Search::Key { name, value, body } => {
                let request =
                    if self.config.hide_credentials { hide(request, &name, body) } else { request };
                let identity = self.identity(&value, flight);
                (request, identity.map_or_else(|| refused("Unauthorized"), Ok))
            }
        }
    }
}

/// What was found where a key may be.
enum Search {
    Nothing,
    Several,
    Key {
        name: String,
        value: String,
        /// The body, if it was read.
        body: Option<Bytes>,
    },
}

impl KeyAuth {
    /// Whose a key is.
    fn identity(&self, key: &str, flight: &Flight) -> Option<Identity> {
        if let Some(proof) = flight.snapshot().credential(Kind::KeyAuths, key) {
            let identifier = Some(proof.credential.id.clone());
            return Some(Identity { identifier, ..Identity::from(proof) });
        }
        let consumer = self.keys.get(key)?.clone();
        let credential = Credential::new(json!({ "key": key })).ok();
        Some(Identity { consumer, credential, identifier: None })
    }

    async fn search(&self, mut request: Request<Body>) -> (Request<Body>, Search) {
        let mut form: Option<Bytes> = None;
        for (header, name) in &self.names {
            let mut values: Vec<String> = Vec::new();
            if self.config.key_in_header {
                let found = request.headers().get_all(header).iter();
                values.extend(found.filter_map(|value| Some(value.to_str().ok()?.to_owned())));
            }
            if values.is_empty() && self.config.key_in_query {
                values = arguments(request.uri().query().unwrap_or_default(), name);
            }
            if values.is_empty() && self.config.key_in_body {
                if form.is_none() {
                    let read;
                    (request, read) = read_body(request).await;
                    form = Some(read.unwrap_or_default());
                }
                values = fields(request.headers(), form.as_deref().unwrap_or_default(), name);
            }
            match values.as_slice() {
                [] => {}
                [value] if value.is_empty() => return (request, Search::Nothing),
                [value] => {
                    let (name, value) = (name.clone(), value.clone());
                    return (request, Search::Key { name, value, body: form });
                }
                _ => return (request, Search::Several),
            }
        }
        (request, Search::Nothing)
    }
}

/// The values of a field in a body: a form, or JSON.
fn fields(headers: &HeaderMap, body: &[u8], name: &str) -> Vec<String> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return arguments(&String::from_utf8_lossy(body), name);
    }
    let json: serde_json::Value = match kind.starts_with("application/json") {
        true => serde_json::from_slice(body).unwrap_or_default(),
        false => return Vec::new(),
    };
    json.get(name).and_then(|value| value.as_str()).map(str::to_owned).into_iter().collect()
}

/// A request without its key.
//
// Kong: takes it out of multipart forms, too.
fn hide(mut request: Request<Body>, name: &str, body: Option<Bytes>) -> Request<Body> {
    request.headers_mut().remove(name);
    let uri = request.uri();
    if let Some(query) = uri.query() {
        let (path, kept) = (uri.path(), without(query, name));
        let whole = if kept.is_empty() { path.to_owned() } else { format!("{path}?{kept}") };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(whole).ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    if let Some(body) = body.and_then(|body| body_without(request.headers(), &body, name)) {
        request.headers_mut().insert(CONTENT_LENGTH, body.len().into());
        *request.body_mut() = full(body);
    }
    request
}

/// A query or form without an argument.
fn without(query: &str, name: &str) -> String {
    let is_other = |pair: &&str| decode(pair.split('=').next().unwrap_or_default()) != name;
    query.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

/// A body without a field, if it had that.
fn body_without(headers: &HeaderMap, body: &[u8], name: &str) -> Option<Bytes> {
    if fields(headers, body, name).is_empty() {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    if let Ok(serde_json::Value::Object(mut object)) = serde_json::from_str(text) {
        object.remove(name);
        return Some(serde_json::Value::Object(object).to_string().into());
    }
    Some(without(text, name).into())
}
