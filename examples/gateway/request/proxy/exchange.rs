//! A request to a service, until the head of the response is there.

use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode, header};
use hyper::body::{Body, Incoming};
use hyper::client::conn::TrySendError;
use tower_lua::RetryCallback;

use super::Shared;
use super::connect::ConnectError;
use super::pool::{Lease, Sender};
use super::request_body::{Progress, RequestBody};
use super::response_body::ResponseBody;
use crate::in_force::target::{Plan, Target};
use crate::in_force::timeouts::Timeouts;
use crate::request::flight::Flight;
use crate::request::patience::Patience;

/// Why a service gave no response.
pub(super) enum Failure {
    /// There is no connection.
    Connect(ConnectError),
    /// It was silent for too long.
    TimedOut,
    /// The client did not send the rest of its body.
    ClientTimedOut,
    Broken(hyper::Error),
    /// The response could be understood in two ways.
    Unsound,
    /// The request cannot be sent at all.
    Invalid,
    /// The service cannot be reached, and functions knew of nothing else.
    NowhereElse,
    /// No target of an upstream is well.
    NoPeer,
}

type Sent = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

/// After this time without work, a connection may have been closed at the other end and nobody here
/// have noticed.
const STALE: Duration = Duration::from_millis(500);

impl Shared {
    /// Sends a request on a connection that is there, or on a new one. What cannot be sent stays in its place.
    pub(super) async fn exchange(
        &self,
        request: &mut Request<RequestBody>,
        plan: &Plan,
        progress: Option<&Progress>,
        flight: &Flight,
        callback: Option<&RetryCallback>,
    ) -> Result<Response<ResponseBody>, Failure> {
        let mut now = Instant::now();
        if let Some(trace) = flight.trace() {
            trace.call(request.headers_mut(), &plan.target);
        }
        while let Some((mut lease, idle)) = self.pool.take(&plan.target, now) {
            if !lease.sender().ready().await {
                continue;
            }
            let copy = (idle > STALE).then(|| copy(request)).flatten();
            match self.send(&mut lease, request, plan, progress, flight, now).await? {
                Ok(response) => return Ok(answered(response, lease, plan, flight)),
                Err(mut unsent) => match unsent.take_message().or(copy.map(|copy| *copy)) {
                    Some(message) => (*request, now) = (message, Instant::now()),
                    None => return Err(Failure::Broken(unsent.into_error())),
                },
            }
        }
        // Boxed: few requests connect, and none should carry about the room that it takes.
        let (sender, target) = Box::pin(self.connect(plan, flight, callback)).await?;
        if !Arc::ptr_eq(&target, &plan.target) {
            target.take_over(&plan.target, request);
        }
        let mut lease = Lease::new(&self.pool, target, sender);
        lease.share();
        match self.send(&mut lease, request, plan, progress, flight, Instant::now()).await? {
            Ok(response) => Ok(answered(response, lease, plan, flight)),
            Err(unsent) => Err(Failure::Broken(unsent.into_error())),
        }
    }

    /// A connection to the service, or to where `callback` says when there is none to be had.
    async fn connect(
        &self,
        plan: &Plan,
        flight: &Flight,
        callback: Option<&RetryCallback>,
    ) -> Result<(Sender, Arc<Target>), Failure> {
        let mut target = Arc::clone(&plan.target);
        let mut attempt = 0;
        loop {
            let timeout = plan.timeouts.connect;
            match self.connector.connect(&target, attempt as usize, timeout).await {
                Ok(sender) => return Ok((sender, target)),
                Err(error) if attempt >= plan.retries => return Err(Failure::Connect(error)),
                Err(error) => tracing::debug!("{error}, trying again"),
            }
            if let Some(callback) = callback {
                let asked = callback.call().map_err(|_| Failure::NowhereElse)?;
                if let Some((host, port)) = asked {
                    target = Arc::new(target.at(&host, port).map_err(|_| Failure::NowhereElse)?);
                    if let Some(trace) = flight.trace() {
                        trace.redirect(&target);
                    }
                }
            }
            attempt += 1;
        }
    }

    /// Sends a request on a connection, and waits for the head of the response.
    async fn send(
        &self,
        lease: &mut Lease,
        request: &mut Request<RequestBody>,
        plan: &Plan,
        progress: Option<&Progress>,
        flight: &Flight,
        began: Instant,
    ) -> Result<Sent, Failure> {
        flight.call(began);
        let asks_to_switch = request.headers().contains_key(header::UPGRADE);
        let sent = match lease.sender() {
            Sender::Http1(sender, names, patience) => {
                names.write(request.extensions());
                names.expect();
                let sent = pin!(sender.try_send_request(mem::take(request)));
                let mut sent = timed(sent, patience, plan.timeouts, progress, began).await?;
                if let Ok(response) = &mut sent
                    && let Some(came) = names.came(true)
                {
                    response.extensions_mut().insert(came);
                }
                sent
            }
            Sender::Http2(sender, patience) => {
                let sent = pin!(sender.try_send_request(mem::take(request)));
                timed(sent, patience, plan.timeouts, progress, began).await?
            }
        };
        if sent.as_ref().is_ok_and(|response| !is_sound(response, asks_to_switch)) {
            // The connection goes, too: where the next response begins is not known.
            return Err(Failure::Unsound);
        }
        Ok(sent)
    }
}

/// Notes that a service has answered on a connection, which is leased as long as its body comes.
fn answered(
    response: Response<Incoming>,
    lease: Lease,
    plan: &Plan,
    flight: &Flight,
) -> Response<ResponseBody> {
    let now = Instant::now();
    flight.answer(now, response.status());
    let lease = (!lease.is_shared()).then_some(lease);
    response.map(|body| ResponseBody::new(body, lease, plan.timeouts.read, now))
}

/// Whether a response has one length, and speaks the protocol that it was asked in.
fn is_sound<B>(response: &Response<B>, asks_to_switch: bool) -> bool {
    let mut codings = response.headers().get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = match codings.next() {
        None => return response.status() != StatusCode::SWITCHING_PROTOCOLS || asks_to_switch,
        Some(coding) => coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
    };
    let has_length = response.headers().contains_key(header::CONTENT_LENGTH);
    is_chunked && codings.next().is_none() && !has_length
}

/// A request that may be sent twice without harm, once more.
pub(super) fn copy(request: &Request<RequestBody>) -> Option<Box<Request<RequestBody>>> {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !harmless || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Box::new(Request::new(RequestBody::default()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

/// Waits for the head of a response, from `now` on: as long as the body of the request moves, and then as long as
/// the service may take to answer.
fn timed(
    mut response: Pin<&mut impl Future<Output = Sent>>,
    patience: &mut Patience,
    timeouts: Timeouts,
    progress: Option<&Progress>,
    mut now: Instant,
) -> impl Future<Output = Result<Sent, Failure>> {
    let seen = move || progress.map(|progress| (progress.frames(), progress.has_ended()));
    let mut before = seen();
    poll_fn(move |cx| {
        if let Poll::Ready(sent) = response.as_mut().poll(cx) {
            return Poll::Ready(Ok(sent));
        }
        loop {
            let writing = progress.filter(|progress| !progress.has_ended());
            let wait = if writing.is_some() { timeouts.write } else { timeouts.read };
            ready!(patience.poll_until(now + wait, cx));
            let moved = seen();
            if moved == before || moved.is_none() {
                let client = writing.is_some_and(Progress::waits_for_client);
                let failure = if client { Failure::ClientTimedOut } else { Failure::TimedOut };
                return Poll::Ready(Err(failure));
            }
            (before, now) = (moved, Instant::now());
        }
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::TimedOut => f.write_str("it timed out"),
            Self::ClientTimedOut => f.write_str("the client's body timed out"),
            Self::Broken(error) => write!(f, "{}", chain(error)),
            Self::Unsound => f.write_str("its response can be understood in two ways"),
            Self::Invalid => f.write_str("the request cannot be forwarded"),
            Self::NowhereElse => f.write_str("failure to get a peer from retry handler"),
            Self::NoPeer => f.write_str(NO_PEER),
        }
    }
}

/// What is said where no target is well: Kong's words.
pub(super) const NO_PEER: &str = "failure to get a peer from the ring-balancer";

/// An error with all that it is the consequence of.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
