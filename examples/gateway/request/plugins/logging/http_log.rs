//! `http-log`: requests as JSON for a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

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
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tower_lua::Runtime;

use super::queue::QueueConfig;
use super::{Logs, entries};
use crate::BoxError;
use crate::in_force::plugins::Around;
use crate::request::plugins::outward::{Outward, Server, Tls};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::request::plugins) struct Config {
    http_endpoint: String,
    method: String,
    content_type: String,
    timeout: f64,
    keepalive: f64,
    ssl_verify: bool,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    queue: QueueConfig,
    #[serde(default)]
    custom_fields_by_lua: BTreeMap<String, String>,
    // Kong: tries for as long as the queue says, whatever this is.
    #[serde(default)]
    #[expect(dead_code, reason = "files have it")]
    retry_count: Option<i64>,
    #[serde(default)]
    queue_size: Option<usize>,
    #[serde(default)]
    flush_timeout: Option<f64>,
}

pub(in crate::request::plugins) fn layer(
    config: Config,
    logs: &Logs,
    outward: &Arc<Outward>,
    runtime: &Runtime,
) -> Result<Arc<dyn Around>, BoxError> {
    let receiver = Arc::new(Mutex::new(Receiver::new(&config, outward)?));
    let Config { mut queue, custom_fields_by_lua, queue_size, flush_timeout, .. } = config;
    queue.max_batch_size = queue_size.unwrap_or(queue.max_batch_size);
    queue.max_coalescing_delay = flush_timeout.unwrap_or(queue.max_coalescing_delay);
    let is_list = queue.max_batch_size > 1;
    let log = logs.open(queue);
    let queue = Arc::clone(&log.queue);
    let plugin = entries::layer("http-log", &custom_fields_by_lua, log, runtime)?;
    let taker = logs.0.takers.subscribe();
    logs.0.handle.spawn(async move {
        let send = |batch: Vec<Bytes>| {
            let receiver = Arc::clone(&receiver);
            let body = if is_list { list(&batch) } else { batch.concat().into() };
            async move { receiver.lock().await.send(body).await }
        };
        queue.empty("http-log", send).await;
        drop(taker);
    });
    Ok(plugin)
}

/// Entries as a list of JSON.
fn list(entries: &[Bytes]) -> Bytes {
    let mut list = b"[".to_vec();
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            list.push(b',');
        }
        list.extend_from_slice(entry);
    }
    list.push(b']');
    list.into()
}

/// The server that entries are for, and the connection to it.
struct Receiver {
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
    fn new(config: &Config, outward: &Arc<Outward>) -> Result<Self, BoxError> {
        let uri: Uri = config.http_endpoint.parse()?;
        let authority = uri.authority().ok_or("http-log: missing host in url")?;
        let is_tls = uri.scheme_str() == Some("https");
        let host = authority.host().to_owned();
        let tls = is_tls.then(|| Tls { verify: config.ssl_verify, name: host.clone() });
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let (server, headers) = (Server { host, port, tls }, headers(config, authority)?);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let milliseconds = |number: f64| Duration::try_from_secs_f64(number / 1000.0);
        Ok(Self {
            url: format!("{}:{port}", server.host),
            path: path.parse()?,
            server,
            outward: Arc::clone(outward),
            method: config.method.parse()?,
            headers,
            timeout: milliseconds(config.timeout)?,
            keepalive: milliseconds(config.keepalive)?,
            connection: None,
        })
    }

    async fn send(&mut self, body: Bytes) -> Result<(), BoxError> {
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
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("http-log: the connection broke: {error}");
            }
        });
        Ok(sender)
    }
}

fn headers(config: &Config, authority: &Authority) -> Result<HeaderMap, BoxError> {
    let (user, host) = match authority.as_str().rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority.as_str()),
    };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, host.parse()?);
    headers.insert(CONTENT_TYPE, config.content_type.parse()?);
    let agent = concat!("tower-lua/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    if let Some(user) = user {
        let user: Vec<u8> = percent_decode_str(user).collect();
        headers.insert(AUTHORIZATION, format!("Basic {}", STANDARD.encode(user)).parse()?);
    }
    for (name, value) in &config.headers {
        let name: HeaderName = name.parse()?;
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes())?);
    }
    Ok(headers)
}
