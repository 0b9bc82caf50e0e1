//! To the service, and back: the innermost service of the stack.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tower::Service;
use tower_lua::{Connection, RequestId, Upstream};

use crate::BoxError;
use crate::routes::{Matched, Route};
use crate::uri::upstream_path;

type RequestBody = UnsyncBoxBody<Bytes, BoxError>;
type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// Forwards each request to the service of its route.
#[derive(Clone)]
pub(crate) struct Proxy {
    client: Client<HttpConnector, RequestBody>,
}

impl Proxy {
    pub(crate) fn new() -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http() }
    }
}

impl<B> Service<Request<B>> for Proxy
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let client = self.client.clone();
        Box::pin(async move {
            let matched = request.extensions().get::<Matched>().cloned();
            let Some((route, prefix)) =
                matched.and_then(|found| Some((found.route?, found.prefix)))
            else {
                return Ok(message(StatusCode::NOT_FOUND, "no Route matched with those values"));
            };
            Ok(forward(client, request, &route, prefix).await.unwrap_or_else(|error| {
                tracing::error!("cannot reach the service: {error}");
                let reason = "An invalid response was received from the upstream server";
                message(StatusCode::BAD_GATEWAY, reason)
            }))
        })
    }
}

async fn forward<B>(
    client: Client<HttpConnector, RequestBody>,
    mut request: Request<B>,
    route: &Route,
    prefix: usize,
) -> Result<Response<ResponseBody>, BoxError>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let upgrade = upgrade_of(request.headers());
    let client_side = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    add_forwarded_headers(&mut head, route, prefix);
    let upstream = head.extensions.remove::<Upstream>().unwrap_or_default();
    head.uri = upstream_uri(&head.uri, route, &upstream, prefix)?;
    remove_hop_by_hop(&mut head.headers);
    if !route.preserve_host && upstream.host().is_none() {
        let authority = head.uri.authority().ok_or("a service has a host")?.as_str();
        head.headers.insert(header::HOST, HeaderValue::from_str(authority)?);
    }
    if let Some(protocol) = &upgrade {
        head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(header::UPGRADE, protocol.clone());
    }
    head.version = http::Version::HTTP_11;
    head.extensions = http::Extensions::new();

    let body = body.map_err(Into::into).boxed_unsync();
    let mut response = client.request(Request::from_parts(head, body)).await?;
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if let (true, Some(client_side)) = (switches, client_side) {
        let service_side = hyper::upgrade::on(&mut response);
        tokio::spawn(tunnel(client_side, service_side));
    }
    let (mut head, body) = response.into_parts();
    let protocol = head.headers.get(header::UPGRADE).cloned().filter(|_| switches);
    remove_hop_by_hop(&mut head.headers);
    if let Some(protocol) = protocol {
        head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(header::UPGRADE, protocol);
    }
    Ok(Response::from_parts(head, body.map_err(Into::into).boxed_unsync()))
}

/// Passes bytes both ways until one side closes.
async fn tunnel(client: hyper::upgrade::OnUpgrade, service: hyper::upgrade::OnUpgrade) {
    let both = tokio::try_join!(client, service);
    if let Ok((client, service)) = both {
        let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
        // Either side may go away at any time: that is how such a connection ends.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
    }
}

fn upstream_uri(
    uri: &Uri,
    route: &Route,
    upstream: &Upstream,
    prefix: usize,
) -> Result<Uri, BoxError> {
    let service = &route.service;
    let scheme = upstream.scheme().unwrap_or("http");
    let path = if upstream.has_path() {
        uri.path().to_owned()
    } else {
        upstream_path(service, uri.path(), if route.strip_path { prefix } else { 0 })
    };
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let default_port = if scheme == "https" { 443 } else { 80 };
    let authority = match service.port {
        port if port == default_port => service.host.clone(),
        port => format!("{}:{port}", service.host),
    };
    let builder = Uri::builder().scheme(scheme).authority(authority);
    Ok(builder.path_and_query(path_and_query).build()?)
}

/// Tells the service about the client, as Kong does.
fn add_forwarded_headers(head: &mut http::request::Parts, route: &Route, prefix: usize) {
    let connection = head.extensions.get::<Connection>().copied();
    let client = connection.map(|connection| connection.peer_addr().ip().to_string());
    let local_port = connection.and_then(|connection| Some(connection.local_addr()?.port()));
    let before = head.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let chain = match (before, &client) {
        (Some(before), Some(client)) => Some(format!("{before}, {client}")),
        (None, client) => client.clone(),
        (before, None) => before.map(str::to_owned),
    };
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = head.uri.host().or(host).map(str::to_owned);
    let path = head.uri.path().to_owned();
    let id = head.extensions.get::<RequestId>().map(|id| id.as_str().to_owned());
    let stripped = route.strip_path.then(|| path.get(..prefix).unwrap_or_default().to_owned());
    let version = if head.version == http::Version::HTTP_2 { "2" } else { "1.1" };
    for (name, value) in [
        ("x-forwarded-for", chain),
        ("x-forwarded-proto", Some("http".to_owned())),
        ("x-forwarded-host", host),
        ("x-forwarded-port", local_port.map(|port| port.to_string())),
        ("x-forwarded-path", Some(path)),
        ("x-forwarded-prefix", stripped.filter(|prefix| !prefix.is_empty())),
        ("x-real-ip", client),
        ("x-kong-request-id", id),
        ("via", Some(format!("{version} kong"))),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            head.headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The protocol that a client asks to switch to.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get(header::CONNECTION)?.to_str().ok()?;
    let wanted = connection.split(',').any(|name| name.trim().eq_ignore_ascii_case("upgrade"));
    headers.get(header::UPGRADE).filter(|_| wanted).cloned()
}

/// Removes what is between two neighbours only (RFC 9110, section 7.6.1).
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [
        header::CONNECTION,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in named.iter().chain(&always) {
        headers.remove(name);
    }
}

/// An answer of the gateway itself.
fn message(status: StatusCode, text: &str) -> Response<ResponseBody> {
    let body = json!({ "message": text }).to_string();
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .body(body.boxed_unsync())
        .expect("a valid response")
}
