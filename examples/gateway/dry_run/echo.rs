//! The service that answers in a dry run: what it was told to, or what it was asked.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::DuplexStream;

use super::asked;
use super::message::headers;
use crate::in_force::target::Target;

/// What a service gets.
pub(crate) struct Forwarded {
    /// Scheme and authority of whom it was sent to.
    pub(crate) origin: String,
    pub(crate) request: Request<Bytes>,
}

impl Forwarded {
    /// Where it was sent.
    pub(crate) fn url(&self) -> String {
        let path = self.request.uri().path_and_query().map_or("/", |path| path.as_str());
        format!("{}{path}", self.origin)
    }
}

/// Stands for all services.
#[derive(Clone)]
pub(super) struct Echo {
    answer: Arc<Option<Response<Bytes>>>,
    seen: Arc<Mutex<Option<Forwarded>>>,
}

/// How much is on its way at once, in bytes.
const BUFFER: usize = 64 << 10;

impl Echo {
    /// Answers all requests with `answer`, or says what they are.
    pub(super) fn new(answer: Option<&Response<Bytes>>) -> Self {
        Self { answer: Arc::new(answer.map(asked::copy)), seen: Arc::default() }
    }

    /// Begins to serve a connection: the client's end of it.
    pub(super) fn connect(&self, target: &Target) -> DuplexStream {
        let (client, server) = tokio::io::duplex(BUFFER);
        let origin = format!(
            "{}://{}",
            target.scheme(),
            String::from_utf8_lossy(target.authority().as_bytes())
        );
        let is_http2 = target.is_http2();
        let this = self.clone();
        let service = service_fn(move |request| {
            let (this, origin) = (this.clone(), origin.clone());
            async move { Ok::<_, Infallible>(this.answer(origin, request).await) }
        });
        tokio::spawn(async move {
            let server = TokioIo::new(server);
            // Whoever breaks it off has its reasons.
            if is_http2 {
                let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = http2.serve_connection(server, service).await;
            } else {
                let http1 = hyper::server::conn::http1::Builder::new();
                let _ = http1.serve_connection(server, service).await;
            }
        });
        client
    }

    async fn answer(&self, origin: String, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes);
        let request = Request::from_parts(head, body.unwrap_or_default());
        let answer = (*self.answer).as_ref().map_or_else(|| echo(&request), asked::copy);
        *self.seen.lock() = Some(Forwarded { origin, request });
        answer.map(Full::new)
    }

    /// The last request that it got.
    pub(super) fn seen(&self) -> Option<Forwarded> {
        self.seen.lock().take()
    }
}

fn echo(request: &Request<Bytes>) -> Response<Bytes> {
    let body = json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.uri().query(),
        "headers": headers(request.headers()),
        "body": String::from_utf8_lossy(request.body()),
    });
    let mut response = Response::new(body.to_string().into());
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
