//! The outermost layer: what every request gets first, and every response last.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{HeaderName, SERVER, VIA};
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tower_lua::RequestId;

use crate::in_force::snapshot::Published;
use crate::request::flight::Flight;
use crate::request::record::{Record, Recorder};
use crate::request::trusted::Trusted;

/// What the gateway calls itself, with its version.
pub(crate) const SERVER_NAME: &str = concat!("tower-lua/", env!("CARGO_PKG_VERSION"));

const VIA_1_1: &str = concat!("1.1 tower-lua/", env!("CARGO_PKG_VERSION"));
const VIA_2: &str = concat!("2 tower-lua/", env!("CARGO_PKG_VERSION"));
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-kong-request-id");
const UPSTREAM_LATENCY: HeaderName = HeaderName::from_static("x-kong-upstream-latency");
const PROXY_LATENCY: HeaderName = HeaderName::from_static("x-kong-proxy-latency");
const RESPONSE_LATENCY: HeaderName = HeaderName::from_static("x-kong-response-latency");

/// The `Via` of a message that came in this version.
pub(crate) fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(if version == Version::HTTP_2 { VIA_2 } else { VIA_1_1 })
}

/// Gives each request an id and the snapshot in force, each response the gateway's headers, and
/// records both when the response has ended.
#[derive(Clone)]
pub(crate) struct EdgeLayer {
    published: Published,
    recorder: Recorder,
    trusted: Trusted,
}

impl EdgeLayer {
    pub(crate) fn new(published: Published, recorder: Recorder, trusted: Trusted) -> Self {
        Self { published, recorder, trusted }
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge { inner, layer: self.clone() }
    }
}

/// A service with an [`EdgeLayer`] around it.
#[derive(Clone)]
pub(crate) struct Edge<S> {
    inner: S,
    layer: EdgeLayer,
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for Edge<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>, Error = Infallible>,
{
    type Response = Response<RecordedBody<ResB>>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let id = RequestId::random();
        let value = HeaderValue::from_str(id.as_str()).expect("hexadecimal digits");
        let client = self.layer.trusted.client(&request);
        let flight = Arc::new(Flight::new(self.layer.published.current(), value, client));
        let record = self.layer.recorder.begin(&request, &flight);
        request.extensions_mut().insert(id);
        request.extensions_mut().insert(Arc::clone(&flight));
        ResponseFuture { future: self.inner.call(request), flight, record: Some(record) }
    }
}

pin_project! {
    /// The response future of [`Edge`].
    pub(crate) struct ResponseFuture<F> {
        #[pin]
        future: F,
        flight: Arc<Flight>,
        record: Option<Record>,
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<RecordedBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match ready!(this.future.poll(cx)) {
            Ok(response) => response,
            Err(never) => match never {},
        };
        add_headers(response.headers_mut(), this.flight);
        let mut record = this.record.take().expect("polled after completion");
        record.respond(response.status());
        Poll::Ready(Ok(response.map(|body| RecordedBody { body, record })))
    }
}

fn add_headers(headers: &mut HeaderMap, flight: &Flight) {
    headers.insert(REQUEST_ID, flight.id.clone());
    let milliseconds = |time: std::time::Duration| {
        HeaderValue::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    };
    if let Some((gateway, service)) = flight.latencies() {
        headers.insert(VIA, HeaderValue::from_static(VIA_1_1));
        headers.insert(UPSTREAM_LATENCY, milliseconds(service));
        headers.insert(PROXY_LATENCY, milliseconds(gateway));
    } else {
        headers.insert(SERVER, HeaderValue::from_static(SERVER_NAME));
        headers.insert(RESPONSE_LATENCY, milliseconds(flight.started.elapsed()));
    }
}

pin_project! {
    /// A response's body, which is recorded when it has ended or is dropped.
    pub(crate) struct RecordedBody<B> {
        #[pin]
        body: B,
        record: Record,
    }
}

impl<B: Body<Data = Bytes>> Body for RecordedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.record.sent(data.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
