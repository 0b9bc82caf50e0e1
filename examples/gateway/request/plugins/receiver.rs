//! [`Receiver`]: a server that entries of logs are sent to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::time::timeout;

use super::outward::{Outward, Server, Tls};
use crate::BoxError;

/// Where entries go, and how. Times are milliseconds.
pub(super) struct Destination {
    pub(super) url: String,
    pub(super) method: String,
    pub(super) content_type: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) ssl_verify: bool,
    pub(super) timeout: f64,
    pub(super) keepalive: f64,
}

/// The server that entries are for, and the connection to it.
pub(super) struct Receiver {
    /// Whose entries they are.
    name: &'static str,
    url: String,
    server: Server,
    outward: Arc<Outward>,
    method: Method,
    path: Uri,
    headers: HeaderMap,
    timeout: Duration,
    keepalive: Duration,
    connection: Option<(SendRequest<Full<Bytes>>, Instant)>,
}

impl Receiver {
    /// A way to `to` for entries of `name`.
    ///
    /// # Errors
    ///
    /// When it is no URL, or a header is none.
    pub(super) fn new(
        name: &'static str,
        to: &Destination,
        outward: &Arc<Outward>,
    ) -> Result<Self, BoxError> {
        let uri: Uri = to.url.parse()?;
        let authority = uri.authority().ok_or_else(|| format!("{name}: missing host in url"))?;
        let is_tls = uri.scheme_str() == Some("https");
        let host = authority.host().to_owned();
        let tls = is_tls.then(|| Tls { verify: to.ssl_verify, name: host.clone() });
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let (server, headers) = (Server { host, port, tls }, headers(to, authority)?);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let milliseconds = |number: f64| Duration::try_from_secs_f64(number / 1000.0);
        Ok(Self {
            name,
            url: format!("{}:{port}", server.host),
            path: path.parse()?,
            server,
            outward: Arc::clone(outward),
            method: to.method.parse()?,
            headers,
            timeout: milliseconds(to.timeout)?,
            keepalive: milliseconds(to.keepalive)?,
            connection: None,
        })
    }

    pub(super) async fn send(&mut self, body: Bytes) -> Result<(), BoxError> {
        let patience = self.timeout;
        let sent = timeout(patience, self.send_now(body)).await;
        let sent = sent.unwrap_or_else(|_| Err(format!("no answer for {patience:?}").into()));
        if sent.is_err() {
            self.connection = None;
        }
        sent.map_err(|error| format!("{}: {error}", self.url).into())
    }

    async fn send_now(&mut self, body: Bytes) -> Result<(), BoxError> {
        let mut connection = match self.connection.take() {
            Some((kept, since)) if since.elapsed() < self.keepalive && !kept.is_closed() => kept,
            _ => self.connect().await?,
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        connection.ready().await?;
        let response = connection.send_request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        self.connection = Some((connection, Instant::now()));
        if status.is_success() {
            return Ok(());
        }
        Err(format!("it answers with the status {}", status.as_u16()).into())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, BoxError> {
        let stream = self.outward.connect(&self.server).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let name = self.name;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("{name}: the connection broke: {error}");
            }
        });
        Ok(sender)
    }
}

fn headers(to: &Destination, authority: &Authority) -> Result<HeaderMap, BoxError> {
    let (user, host) = match authority.as_str().rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority.as_str()),
    };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, host.parse()?);
    headers.insert(CONTENT_TYPE, to.content_type.parse()?);
    let agent = concat!("tower-lua/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    if let Some(user) = user {
        let user: Vec<u8> = percent_decode_str(user).collect();
        headers.insert(AUTHORIZATION, format!("Basic {}", STANDARD.encode(user)).parse()?);
    }
    for (name, value) in &to.headers {
        let name: HeaderName = name.parse()?;
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes())?);
    }
    Ok(headers)
}
