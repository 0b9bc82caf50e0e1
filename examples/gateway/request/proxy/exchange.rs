//! A request to a service, until the head of the response is there.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
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

/// Why there is no connection.
enum Unconnected {
    Failed(ConnectError),
    NowhereElse,
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
        while let Some(mut reused) = self.pool.take(&plan.target, now) {
            if !reused.sender.ready().await {
                continue;
            }
            let copy = (reused.idle > STALE).then(|| copy(request)).flatten();
            let lease = Lease::new(&self.pool, reused.target, reused.sender);
            match self.send(lease, request, plan, progress, flight, now).await? {
                Ok(response) => return Ok(response),
                Err(mut unsent) => match unsent.take_message().or(copy.map(|copy| *copy)) {
                    Some(message) => (*request, now) = (message, Instant::now()),
                    None => return Err(Failure::Broken(unsent.into_error())),
                },
            }
        }
        // Boxed: few requests connect, and none should carry about the room that it takes.
        let connected = Box::pin(self.connect(plan, flight, callback)).await;
        let (sender, target) = match connected {
            Ok(connected) => connected,
            Err(Unconnected::Failed(error)) => {
                return Err(Failure::Connect(error));
            }
            Err(Unconnected::NowhereElse) => return Err(Failure::NowhereElse),
        };
        if !Arc::ptr_eq(&target, &plan.target) {
            target.take_over(&plan.target, request);
        }
        let lease = Lease::new(&self.pool, target, sender);
        lease.share();
        let now = Instant::now();
        let response = self.send(lease, request, plan, progress, flight, now).await?;
        response.map_err(|unsent| Failure::Broken(unsent.into_error()))
    }

    /// A connection to the service, or to where `callback` says when there is none to be had.
    async fn connect(
        &self,
        plan: &Plan,
        flight: &Flight,
        callback: Option<&RetryCallback>,
    ) -> Result<(Sender, Arc<Target>), Unconnected> {
        let mut target = Arc::clone(&plan.target);
        let mut attempt = 0;
        loop {
            let timeout = plan.timeouts.connect;
            match self.connector.connect(&target, attempt as usize, timeout).await {
                Ok(sender) => return Ok((sender, target)),
                Err(error) if attempt >= plan.retries => return Err(Unconnected::Failed(error)),
                Err(error) => tracing::debug!("{error}, trying again"),
            }
            if let Some(callback) = callback {
                let asked = callback.call().map_err(|_| Unconnected::NowhereElse)?;
                if let Some((host, port)) = asked {
                    target =
                        Arc::new(target.at(&host, port).map_err(|_| Unconnected::NowhereElse)?);
                    if let Some(trace) = flight.trace() {
                        trace.redirect(&target);
                    }
                }
            }
            attempt += 1;
        }
    }

    async fn send(
        &self,
        mut lease: Lease,
        request: &mut Request<RequestBody>,
        plan: &Plan,
        progress: Option<&Progress>,
        flight: &Flight,
        began: Instant,
    ) -> Result<Result<Response<ResponseBody>, TrySendError<Request<RequestBody>>>, Failure> {
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
        let response = match sent {
            Ok(response) => response,
            Err(unsent) => return Ok(Err(unsent)),
        };
        if !is_sound(&response, asks_to_switch) {
            // The connection goes, too: where the next response begins is not known.
            return Err(Failure::Unsound);
        }
        let now = Instant::now();
        flight.answer(now, response.status());
        let lease = (!lease.is_shared()).then_some(lease);
        Ok(Ok(response.map(|body| ResponseBody::new(body, lease, plan.timeouts.read, now))))
    }
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
async fn timed(
    mut response: Pin<&mut impl Future<Output = Sent>>,
    patience: &mut Patience,
    timeouts: Timeouts,
    progress: Option<&Progress>,
    mut now: Instant,
) -> Result<Sent, Failure> {
    let mut seen = progress.map(|progress| (progress.frames(), progress.has_ended()));
    loop {
        let writing = progress.filter(|progress| !progress.has_ended());
        let wait = if writing.is_some() { timeouts.write } else { timeouts.read };
        if let Some(sent) = patience.before(now + wait, response.as_mut()).await {
            return Ok(sent);
        }
        let moved = progress.map(|progress| (progress.frames(), progress.has_ended()));
        if moved == seen || moved.is_none() {
            let client = writing.is_some_and(Progress::waits_for_client);
            return Err(if client { Failure::ClientTimedOut } else { Failure::TimedOut });
        }
        (seen, now) = (moved, Instant::now());
    }
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
