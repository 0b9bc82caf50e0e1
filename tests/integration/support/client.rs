//! A client that reads like the request it sends.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower_lua::BoxError;

/// A request to an application, before it is sent.
pub struct Call {
    http2: bool,
    request: Request<Full<Bytes>>,
}

/// A whole response.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: Option<HeaderMap>,
}

impl Call {
    pub fn new(addr: SocketAddr, method: Method, path: &str) -> Self {
        let request = Request::builder().method(method).uri(format!("http://{addr}{path}"));
        Self { http2: false, request: request.body(Full::default()).expect("a valid request") }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        let value = http::HeaderValue::from_bytes(value.as_ref()).expect("a header value");
        self.request.headers_mut().append(name, value);
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Full::new(body.into());
        self
    }

    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Sends the request and reads the whole response.
    pub async fn send(self) -> Reply {
        self.try_send().await.expect("a response")
    }

    /// The same, for a connection that may break.
    pub async fn try_send(self) -> Result<Reply, BoxError> {
        let (head, body) = self.open().await?.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes(), trailers })
    }

    /// Sends the request, and leaves the body of the response to be read.
    pub async fn open(self) -> Result<Response<Incoming>, BoxError> {
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new())
            .http2_only(self.http2)
            .http1_max_headers(10_000)
            .http2_max_header_list_size(1 << 20)
            .build_http();
        Ok(client.request(self.request).await?)
    }
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The first value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// A client that keeps its connections from call to call.
#[derive(Clone)]
pub struct KeepAlive(Client<HttpConnector, Full<Bytes>>);

impl KeepAlive {
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// The body of what `path` answers.
    pub async fn get(&self, addr: SocketAddr, path: &str) -> String {
        let uri = format!("http://{addr}{path}");
        let request = Request::get(uri).body(Full::default()).expect("a valid request");
        let response = self.0.request(request).await.expect("a response");
        let body = response.into_body().collect().await.expect("a whole body").to_bytes();
        String::from_utf8_lossy(&body).into_owned()
    }
}
