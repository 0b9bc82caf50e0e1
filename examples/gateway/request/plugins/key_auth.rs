//! `key-auth`: only who has a key may call.
//
// Kong: keeps keys in entities of their own, each with its consumer. Here they stand in the
// plugin's configuration.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use serde_json::json;
use tower::{Service, ServiceExt};

use super::whole::whole;
use super::{Around, Body, Next, message};
use crate::BoxError;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
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
    consumers: HashMap<String, Option<Arc<str>>>,
    names: Vec<(HeaderName, String)>,
    challenge: HeaderValue,
    config: Config,
}

/// Who has called, in the request's extensions.
#[derive(Clone, Debug)]
pub(super) struct Authenticated {
    /// `None` for whoever is anonymous.
    key: Option<Arc<str>>,
    consumer: Option<Arc<str>>,
}

impl Authenticated {
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(super) fn consumer_or_key(&self) -> Option<&str> {
        self.consumer.as_deref().or(self.key())
    }
}

pub(super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    let consumers = config.keys.iter().map(|key| match key {
        Key::Plain(key) => (key.clone(), None),
        Key::Owned { key, consumer } => (key.clone(), consumer.as_deref().map(Arc::from)),
    });
    let consumers = consumers.collect();
    let names = config.key_names.iter().map(|name| Ok((name.parse()?, name.clone())));
    let names = names.collect::<Result<_, BoxError>>()?;
    let realm = config.realm.as_ref().map(|realm| format!("Key realm=\"{realm}\""));
    let challenge = realm.as_deref().unwrap_or("Key").parse()?;
    Ok(Arc::new(Arc::new(KeyAuth { consumers, names, challenge, config })))
}

impl Around for Arc<KeyAuth> {
    fn around(&self, next: Next) -> Next {
        let auth = Self::clone(self);
        let mut next = Some(next);
        Next::new(
            tower::service_fn(move |request: Request<Body>| {
                let (auth, next) = (Self::clone(&auth), next.take());
                async move {
                    match auth.admit(request).await {
                        Ok(request) => {
                            let mut next = next.expect("a stack of plugins is for one request");
                            next.ready().await?.call(request).await
                        }
                        Err(refusal) => Ok::<_, Infallible>(*refusal),
                    }
                }
            })
            .boxed(),
        )
    }
}

/// What was found where a key may be.
enum Search {
    Nothing,
    Several,
    Key { name: String, value: String },
}

impl KeyAuth {
    /// Lets a request pass that has a key, and tells the service whose.
    async fn admit(&self, request: Request<Body>) -> Result<Request<Body>, Box<Response<Body>>> {
        if request.method() == Method::OPTIONS && !self.config.run_on_preflight {
            return Ok(request);
        }
        let (mut request, found) = self.search(request).await;
        let refusal = match found {
            Search::Several => "Duplicate API key found",
            Search::Nothing => "No API key found in request",
            Search::Key { name, value } => match self.consumers.get(&value) {
                Some(consumer) => {
                    if self.config.hide_credentials {
                        request = hide(request, &name);
                    }
                    introduce(&mut request, Some(&value), consumer.as_ref());
                    return Ok(request);
                }
                None => "Unauthorized",
            },
        };
        if let Some(anonymous) = &self.config.anonymous {
            introduce(&mut request, None, Some(&anonymous.as_str().into()));
            return Ok(request);
        }
        let mut response = message(StatusCode::UNAUTHORIZED, refusal);
        response.headers_mut().insert(WWW_AUTHENTICATE, self.challenge.clone());
        Err(Box::new(response))
    }

    async fn search(&self, mut request: Request<Body>) -> (Request<Body>, Search) {
        let mut form = None;
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
                    form = Some(read);
                }
                values = fields(request.headers(), form.as_deref().unwrap_or_default(), name);
            }
            match values.as_slice() {
                [] => {}
                [value] if value.is_empty() => return (request, Search::Nothing),
                [value] => {
                    let (name, value) = (name.clone(), value.clone());
                    return (request, Search::Key { name, value });
                }
                _ => return (request, Search::Several),
            }
        }
        (request, Search::Nothing)
    }
}

/// The largest body that a key is looked for in, in bytes.
const LARGEST_FORM: usize = 1 << 20;

/// Reads the body of a request, which gets it back. Of one that is too long there is nothing.
async fn read_body(request: Request<Body>) -> (Request<Body>, Bytes) {
    let (head, body) = request.into_parts();
    let is_short =
        http_body::Body::size_hint(&body).upper().is_none_or(|n| n <= LARGEST_FORM as u64);
    if !is_short {
        return (Request::from_parts(head, body), Bytes::new());
    }
    // A body that breaks off here would break off at the service.
    let read = whole(body, LARGEST_FORM).await.unwrap_or_default();
    let body = Full::new(read.clone()).map_err(|never| match never {}).boxed_unsync();
    (Request::from_parts(head, body), read)
}

/// The values of an argument in a query or form.
fn arguments(query: &str, name: &str) -> Vec<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| decode(value)).collect()
}

fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let mut ahead = bytes.clone();
        let escaped = match byte {
            b'%' => ahead.next().and_then(hex).zip(ahead.next().and_then(hex)),
            _ => None,
        };
        decoded.push(match escaped {
            Some((high, low)) => {
                bytes = ahead;
                high * 16 + low
            }
            None if byte == b'+' => b' ',
            None => byte,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
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
// Kong: takes it out of the body, too. Here a body goes to the service as it came.
fn hide(mut request: Request<Body>, name: &str) -> Request<Body> {
    request.headers_mut().remove(name);
    let uri = request.uri();
    if let Some(query) = uri.query() {
        let kept: Vec<_> = query
            .split('&')
            .filter(|pair| decode(pair.split('=').next().unwrap_or_default()) != name)
            .collect();
        let path = uri.path();
        let whole =
            if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(whole).ok();
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Tells the service, and the functions of `post-function`, who has called.
fn introduce(request: &mut Request<Body>, key: Option<&str>, consumer: Option<&Arc<str>>) {
    let headers = request.headers_mut();
    for name in ["x-consumer-id", "x-consumer-custom-id", "x-credential-identifier"] {
        headers.remove(name);
    }
    let username = consumer.and_then(|consumer| HeaderValue::from_str(consumer).ok());
    match username {
        Some(name) => headers.insert("x-consumer-username", name),
        None => headers.remove("x-consumer-username"),
    };
    match key {
        Some(_) => headers.remove("x-anonymous-consumer"),
        None => headers.insert("x-anonymous-consumer", HeaderValue::from_static("true")),
    };
    let extensions = request.extensions_mut();
    if let Some(consumer) = consumer {
        extensions.extend_with(tower_lua::Consumer::new(json!({ "username": &**consumer })).ok());
    }
    if let Some(key) = key {
        extensions.extend_with(tower_lua::Credential::new(json!({ "key": key })).ok());
    }
    extensions.insert(Authenticated { key: key.map(Arc::from), consumer: consumer.cloned() });
}

trait ExtendWith {
    fn extend_with<T: Clone + Send + Sync + 'static>(&mut self, value: Option<T>);
}

impl ExtendWith for http::Extensions {
    fn extend_with<T: Clone + Send + Sync + 'static>(&mut self, value: Option<T>) {
        if let Some(value) = value {
            self.insert(value);
        }
    }
}
