//! The plugins that find out who calls: what they have in common.
//!
//! Each is a [`Scheme`]. Whom it finds is told to the service in headers, and to functions and later
//! plugins in the extensions of the request and of the response.

pub(super) mod basic_auth;
pub(super) mod hmac_auth;
pub(super) mod jwt;
pub(super) mod key_auth;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower::{Service, ServiceExt};
use tower_lua::{Consumer, Credential};

use super::message::{exit, refusal};
use super::whole::whole;
use super::{Around, Body, Next, once};
use crate::in_force::consumers::Proof;
use crate::request::flight::Flight;

/// A way in which clients prove who they are.
trait Scheme: Send + Sync + 'static {
    /// Whether a request needs any proof.
    fn is_for(&self, _request: &Request<Body>) -> bool {
        true
    }

    /// Whom those are taken for who prove nothing, by id or username.
    fn anonymous(&self) -> Option<&str>;

    /// The anonymous consumer where there is no such entity.
    fn stranger(&self, _name: &str) -> Option<Consumer> {
        None
    }

    /// Looks for a proof, and hides it from the service where it should be hidden.
    fn prove(
        &self,
        request: Request<Body>,
        flight: &Flight,
    ) -> impl Future<Output = (Request<Body>, Result<Identity, Refusal>)> + Send;
}

/// Who calls.
struct Identity {
    consumer: Option<Consumer>,
    /// `None` for whoever is anonymous.
    credential: Option<Credential>,
    /// What the service is told of the credential.
    identifier: Option<String>,
}

impl From<Proof> for Identity {
    fn from(proof: Proof) -> Self {
        let identifier = Some(proof.credential.name.clone());
        Self { consumer: Some(proof.consumer), credential: Some(proof.known), identifier }
    }
}

/// Why somebody may not call.
struct Refusal {
    reason: Reason,
    /// What is asked for.
    challenge: HeaderValue,
}

enum Reason {
    /// An error in the format that the client wants.
    Error(&'static str),
    /// This and nothing else.
    Exit(Value),
}

impl Refusal {
    fn error(text: &'static str, challenge: &HeaderValue) -> Self {
        Self { reason: Reason::Error(text), challenge: challenge.clone() }
    }

    fn response(self, request: &Request<Body>) -> Response<Body> {
        let mut response = match self.reason {
            Reason::Error(text) => refusal(request, StatusCode::UNAUTHORIZED, text),
            Reason::Exit(body) => exit(StatusCode::UNAUTHORIZED, &body),
        };
        response.headers_mut().insert(WWW_AUTHENTICATE, self.challenge);
        response
    }
}

/// A plugin of a scheme.
struct Authentication<S>(Arc<S>);

fn layer(scheme: impl Scheme) -> Arc<dyn Around> {
    Arc::new(Authentication(Arc::new(scheme)))
}

impl<S: Scheme> Around for Authentication<S> {
    fn around(&self, next: Next) -> Next {
        let scheme = Arc::clone(&self.0);
        once(next, async move |request: Request<Body>, mut next: Next| {
            let request = match admit(&*scheme, request).await {
                Ok(request) => request,
                Err(refusal) => return Ok(*refusal),
            };
            let consumer = request.extensions().get::<Consumer>().cloned();
            let credential = request.extensions().get::<Credential>().cloned();
            let mut response = next.ready().await?.call(request).await?;
            let told = response.extensions_mut();
            // A scheme further in has the last word.
            if told.get::<Consumer>().is_none() && told.get::<Credential>().is_none() {
                consumer.into_iter().for_each(|consumer| drop(told.insert(consumer)));
                credential.into_iter().for_each(|credential| drop(told.insert(credential)));
            }
            Ok(response)
        })
    }
}

/// Lets a request pass that has a proof, or needs none, and tells whose it is.
async fn admit(
    scheme: &impl Scheme,
    request: Request<Body>,
) -> Result<Request<Body>, Box<Response<Body>>> {
    if !scheme.is_for(&request) {
        return Ok(request);
    }
    // Any of several schemes will do where one of them lets the anonymous pass.
    if scheme.anonymous().is_some() && request.extensions().get::<Credential>().is_some() {
        return Ok(request);
    }
    let flight = Flight::of(&request).cloned().expect("the first layer puts it there");
    let (mut request, found) = scheme.prove(request, &flight).await;
    let identity = match (found, scheme.anonymous()) {
        (Ok(identity), _) => identity,
        (Err(refusal), None) => return Err(Box::new(refusal.response(&request))),
        (Err(_), Some(name)) => {
            let known = flight.snapshot().consumer(name).cloned();
            let Some(consumer) = known.or_else(|| scheme.stranger(name)) else {
                let text = format!("anonymous consumer {name} is configured but doesn't exist");
                tracing::error!("{text}");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return Err(Box::new(refusal(&request, status, &text)));
            };
            Identity { consumer: Some(consumer), credential: None, identifier: None }
        }
    };
    introduce(&mut request, identity);
    Ok(request)
}

/// Tells the service, functions and later plugins who calls.
fn introduce(request: &mut Request<Body>, identity: Identity) {
    let Identity { consumer, credential, identifier } = identity;
    let headers = request.headers_mut();
    let of_consumer =
        |field: &str| consumer.as_ref().and_then(|consumer| consumer.field(field)?.as_str());
    set(headers, "x-consumer-id", of_consumer("id"));
    set(headers, "x-consumer-custom-id", of_consumer("custom_id"));
    set(headers, "x-consumer-username", of_consumer("username"));
    set(headers, "x-credential-identifier", identifier.as_deref());
    set(headers, "x-anonymous-consumer", credential.is_none().then_some("true"));
    let extensions = request.extensions_mut();
    extensions.remove::<Consumer>();
    extensions.remove::<Credential>();
    consumer.into_iter().for_each(|consumer| drop(extensions.insert(consumer)));
    credential.into_iter().for_each(|credential| drop(extensions.insert(credential)));
}

fn set(headers: &mut HeaderMap, name: &'static str, value: Option<&str>) {
    let name = HeaderName::from_static(name);
    match value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
        Some(value) => headers.insert(name, value),
        None => headers.remove(name),
    };
}

/// A challenge: the name of a scheme, and who asks.
fn challenge(scheme: &str, realm: Option<&str>) -> Result<HeaderValue, crate::BoxError> {
    let realm = realm.map(|realm| format!(" realm=\"{realm}\"")).unwrap_or_default();
    Ok(HeaderValue::from_bytes(format!("{scheme}{realm}").as_bytes())?)
}

/// The largest body that is looked into, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// Reads the body of a request, which gets it back. Of one that is too long there is nothing.
async fn read_body(request: Request<Body>) -> (Request<Body>, Option<Bytes>) {
    let (head, body) = request.into_parts();
    let is_short =
        http_body::Body::size_hint(&body).upper().is_none_or(|n| n <= LARGEST_BODY as u64);
    if !is_short {
        return (Request::from_parts(head, body), None);
    }
    // A body that breaks off here would break off at the service.
    let read = whole(body, LARGEST_BODY).await;
    let body = full(read.clone().unwrap_or_default());
    (Request::from_parts(head, body), read)
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
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
