//! The outermost layer: what every request gets first, and every response last.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, SERVER, VIA};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::ext::ReasonPhrase;
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tower_lua::{DefaultResponseForError, RequestId};

use crate::in_force::published::OfWorker;
use crate::request::flight::Flight;
use crate::request::hop_by_hop::remove_named_by_connection;
use crate::request::peer::Peer;
use crate::request::record::{Record, Recorder};
use crate::request::sound;
use crate::request::trace::Tracer;
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
    snapshots: Arc<OfWorker>,
    recorder: Arc<Recorder>,
    trusted: Trusted,
    tracer: Arc<Tracer>,
}

impl EdgeLayer {
    pub(crate) fn new(
        snapshots: Arc<OfWorker>,
        recorder: Arc<Recorder>,
        trusted: Trusted,
        tracer: Arc<Tracer>,
    ) -> Self {
        Self { snapshots, recorder, trusted, tracer }
    }

    /// Begins the trace of a request that somebody wants to know of.
    fn trace<B>(&self, request: &mut Request<B>, flight: &Flight) {
        let may_want = flight.snapshot().is_traced();
        let is_wanted = self.tracer.sink.is_some() || may_want;
        // A subrequest is a function's, and part of its span.
        if is_wanted && flight.peer.maker.is_none() {
            let (id, from) = (flight.id.as_str(), (&*flight.peer, flight.client));
            flight.trace_into(self.tracer.begin(request, flight.started, id, from, may_want));
        }
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
        let extensions = request.extensions_mut();
        let peer: Arc<Peer> = extensions.remove().expect("who accepts a connection puts it there");
        let client = self.layer.trusted.client(&peer, request.headers());
        let snapshot = self.layer.snapshots.current();
        let flight = Arc::new(Flight::new(snapshot, peer, client, request.headers()));
        let record = self.layer.recorder.begin(&request, flight);
        let flight = record.flight();
        if let Some(status) = sound::refusal(&request) {
            let refused = Some(refuse(status, request.headers(), &flight.id));
            return ResponseFuture { future: None, refused, record: Some(record) };
        }
        self.layer.trace(&mut request, flight);
        // Before functions and the gateway set headers of their own: a client cannot name those.
        remove_named_by_connection(request.headers_mut());
        request.extensions_mut().insert(Arc::clone(flight));
        let future = Some(self.inner.call(request));
        ResponseFuture { future, refused: None, record: Some(record) }
    }
}

pin_project! {
    /// The response future of [`Edge`].
    pub(crate) struct ResponseFuture<F> {
        #[pin]
        future: Option<F>,
        // The answer to a request that nobody gets to see.
        refused: Option<Response<Bytes>>,
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
        let mut response = match this.future.as_pin_mut() {
            Some(future) => {
                let Ok(response) = ready!(future.poll(cx));
                response.map(|body| (Some(body), Bytes::new()))
            }
            None => this.refused.take().expect("polled after completion").map(|page| (None, page)),
        };
        let mut record = this.record.take().expect("polled after completion");
        set_reason(&mut response, record.flight());
        add_headers(response.headers_mut(), record.flight());
        record.respond(response.status());
        Poll::Ready(Ok(response.map(|(body, page)| RecordedBody { body, page, record })))
    }
}

/// The answer to a request that nobody gets to see, on a connection that ends with it: where the next
/// request begins is not known.
fn refuse(status: StatusCode, headers: &HeaderMap, id: &RequestId) -> Response<Bytes> {
    let accept = headers.get(header::ACCEPT).map(|accept| (header::ACCEPT, accept.clone()));
    let wishes = HeaderMap::from_iter(accept);
    let mut response = DefaultResponseForError.response_for_status(status, &wishes, id);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Has hyper write the reason that belongs to the status: the service's if the status is, too, and
/// none rather than `<none>` where HTTP knows of none.
fn set_reason<B>(response: &mut Response<B>, flight: &Flight) {
    let status = response.status();
    if flight.service_status() != Some(status) {
        if status.canonical_reason().is_none() {
            response.extensions_mut().insert(ReasonPhrase::from_static(b""));
        } else if flight.service_status().is_some() {
            response.extensions_mut().remove::<ReasonPhrase>();
        }
    } else if status.canonical_reason().is_none()
        && response.extensions().get::<ReasonPhrase>().is_none()
    {
        response.extensions_mut().insert(ReasonPhrase::from_static(b""));
    }
}

fn add_headers(headers: &mut HeaderMap, flight: &Flight) {
    headers.insert(REQUEST_ID, flight.id_value.clone());
    if let Some((gateway, service)) = flight.latencies() {
        headers.insert(VIA, HeaderValue::from_static(VIA_1_1));
        headers.insert(UPSTREAM_LATENCY, milliseconds(service));
        headers.insert(PROXY_LATENCY, milliseconds(gateway));
    } else {
        headers.insert(SERVER, HeaderValue::from_static(SERVER_NAME));
        headers.insert(RESPONSE_LATENCY, milliseconds(flight.started.elapsed()));
    }
}

/// A time in milliseconds as a header has it.
fn milliseconds(time: Duration) -> HeaderValue {
    // Most are short: their values are there already.
    static SHORT: [HeaderValue; 10] = [
        HeaderValue::from_static("0"),
        HeaderValue::from_static("1"),
        HeaderValue::from_static("2"),
        HeaderValue::from_static("3"),
        HeaderValue::from_static("4"),
        HeaderValue::from_static("5"),
        HeaderValue::from_static("6"),
        HeaderValue::from_static("7"),
        HeaderValue::from_static("8"),
        HeaderValue::from_static("9"),
    ];
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let short = usize::try_from(milliseconds).ok().and_then(|number| SHORT.get(number));
    short.cloned().unwrap_or_else(|| milliseconds.into())
}

pin_project! {
    /// A response's body, which is recorded when it has ended or is dropped.
    pub(crate) struct RecordedBody<B> {
        #[pin]
        body: Option<B>,
        // The body where there is no other.
        page: Bytes,
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
        let frame = match this.body.as_pin_mut() {
            Some(body) => ready!(body.poll_frame(cx)),
            None if this.page.is_empty() => None,
            None => Some(Ok(Frame::data(std::mem::take(this.page)))),
        };
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.record.sent(data.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().map_or(self.page.is_empty(), B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let page = || SizeHint::with_exact(self.page.len() as u64);
        self.body.as_ref().map_or_else(page, B::size_hint)
    }
}
