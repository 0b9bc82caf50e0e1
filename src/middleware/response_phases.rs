//! `header_filter`: from the head of a response to the response that leaves the layer.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{Method, Response, StatusCode, Version};
use http_body::{Body, SizeHint};

use super::exchange::{Duties, Lease, Participant};
use super::log::LogGuard;
use super::replay::{Extent, Replay};
use super::request_phases::Passage;
use super::response;
use super::response_body::{Filter, ResponseBody};
use super::run::poll_run;
use super::streaming::Streaming;
use super::turn::{self, Turn};
use super::{conditional, framing};
use crate::extension::{CloseConnection, HeaderNames, ServiceTimes, Tries};
use crate::function::{Progress, Run};
use crate::message::has_no_body;
use crate::phase::Phase;
use crate::runtime::Runtime;
use crate::transaction::{BodyIsGone, Source, Transaction};

/// What a failing inner service counts as, for the `log` phase: nginx's status for it.
const BAD_GATEWAY: u16 = 502;

impl Passage {
    /// Takes in the head of the inner service's response, with which the transaction [goes on](Self::respond),
    /// unless somebody has it. Whether the functions want all of the body before they see it.
    pub(super) fn receive(&self, head: &mut Parts) -> (Option<Lease>, bool) {
        let Some((mut lease, is_first)) = self.exchange.lease_answered() else {
            return (None, false);
        };
        let headers = std::mem::take(&mut head.headers);
        if !is_first {
            lease.response.resume(head.status, headers);
            return (Some(lease), false);
        }
        lease.answered_at = Some(crate::clock::now());
        if let Some(times) = head.extensions.get::<ServiceTimes>() {
            (lease.called_at, lease.answered_at) = (Some(times.called), Some(times.answered));
        }
        if let Some(tries) = head.extensions.get::<Tries>() {
            lease.rare_mut().tries = Some(tries.clone());
        }
        lease.response.receive(head.status, headers, head.extensions.get().copied());
        lease.request.learn(&head.extensions);
        let wants_body =
            lease.request.buffers_response && head.status != StatusCode::SWITCHING_PROTOCOLS;
        (Some(lease), wants_body)
    }

    /// Says how the inner service failed to respond.
    pub(super) fn receive_failure(&self) {
        if let Some(mut lease) = self.exchange.lease() {
            lease.response.source = Some(Source::Error);
            lease.response.set_status(BAD_GATEWAY);
        }
    }

    /// Gives the functions the body of the inner service's response, if it could be read whole. What it
    /// [goes on](Self::respond) with.
    pub(super) fn receive_body(&self, extent: Extent) -> Option<Lease> {
        let mut lease = self.exchange.lease()?;
        if let Extent::Whole(body) = extent {
            lease.response.service_body = Some(Box::new(body));
        } else {
            lease.request.buffers_response = false;
            tracing::warn!(
                target: "tower_lua::function",
                "response buffering was turned off: the body is too long or broke off"
            );
        }
        Some(lease)
    }

    /// Runs `header_filter` on a response whose head was [received](Self::receive).
    pub(super) fn respond<B: Body>(
        self,
        lease: Option<Lease>,
        head: Parts,
        body: Replay<B>,
    ) -> Filtered<B> {
        let Some(lease) = lease else {
            let body = ResponseBody::new(body, None, None, self.log);
            return Filtered::Done(Response::from_parts(head, body));
        };
        HeadFilter::begin(self, lease, head, Made::ByService(body))
    }

    /// Runs `header_filter` on the response that functions have made.
    pub(super) fn respond_with_own<B: Body>(self) -> Filtered<B> {
        let (head, ()) = Response::new(()).into_parts();
        match self.exchange.lease_answered() {
            Some((mut lease, _)) => {
                conditional::apply(&mut lease);
                HeadFilter::begin(self, lease, head, Made::Whole)
            }
            None => {
                let body = ResponseBody::new(Replay::empty(), None, None, self.log);
                Filtered::Done(Response::from_parts(head, body))
            }
        }
    }
}

impl Passage {
    /// Runs `header_filter` on a response that functions go on with.
    pub(super) fn respond_with_stream<B: Body>(self, streaming: Box<Streaming>) -> Filtered<B> {
        let (mut lease, _) =
            self.exchange.lease_answered().expect("given back when the functions were set aside");
        if conditional::apply(&mut lease) {
            // What functions print from now on is for nobody.
            lease.response.ended = true;
        }
        let (head, ()) = Response::new(()).into_parts();
        HeadFilter::begin(self, lease, head, Made::PieceByPiece(streaming))
    }
}

/// Where the body of a response comes from.
pub(super) enum Made<B: Body> {
    /// The inner service has made it.
    ByService(Replay<B>),
    /// Functions have made it, and it stands in the transaction.
    Whole,
    /// Functions make it.
    PieceByPiece(Box<Streaming>),
}

/// What has become of a response.
pub(super) enum Filtered<B: Body> {
    Done(Response<ResponseBody<B>>),
    /// A function waits. Boxed: most responses never come here.
    Waiting(Box<HeadFilter<B>>),
}

/// A response whose head passes the functions of `header_filter`.
pub(super) struct HeadFilter<B: Body> {
    /// Those that have not ended.
    runs: [Option<Run>; 2],
    duties: Duties,
    /// What comes before the response goes on.
    turn: Option<Turn>,
    /// Whether all have ended.
    is_filtered: bool,
    /// Taken when the response goes on: the lease before the passage, with which the log runs.
    held: Option<Held<B>>,
}

type Held<B> = (Lease, Parts, Made<B>, Passage);

impl<B: Body> Filtered<B> {
    fn waiting(filter: HeadFilter<B>) -> Self {
        Self::Waiting(Box::new(filter))
    }
}

impl<B: Body> HeadFilter<B> {
    fn begin(passage: Passage, mut lease: Lease, mut head: Parts, made: Made<B>) -> Filtered<B> {
        let duties = passage.exchange.duties();
        lease.response.extensions = std::mem::take(&mut head.extensions);
        lease.response.sent = false;
        lease.response.measure();
        let mut runs = duties.of.each_ref().map(|duty| {
            let Participant { functions, plugin } = duty.as_ref()?;
            Some(Run::new(functions.clone(), *plugin, &[Phase::HeaderFilter]))
        });
        let pool = passage.config.runtime().pool();
        if runs.iter().flatten().any(|run| run.is_quarantined(pool, &lease)) {
            let held = Some((lease, head, made, passage));
            return Filtered::waiting(Self::new(runs, duties, held));
        }
        let advance = |run: &mut Run, lease: &mut Lease| match lease
            .with(|transaction| run.advance(pool, transaction))
        {
            Progress::Waiting => Poll::Pending,
            progress => Poll::Ready(progress),
        };
        let waits = run_all(&mut runs, &mut lease, &passage, advance).is_pending();
        let turn = turn::after_others(&mut lease).filter(|_| !waits);
        if waits || turn.is_some() {
            let held = Some((lease, head, made, passage));
            let is_filtered = !waits;
            return Filtered::waiting(Self { turn, is_filtered, ..Self::new(runs, duties, held) });
        }
        Filtered::Done(passage.finish(lease, head, made, duties))
    }

    const fn new(runs: [Option<Run>; 2], duties: Duties, held: Option<Held<B>>) -> Self {
        Self { runs, duties, turn: None, is_filtered: false, held }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Response<ResponseBody<B>>> {
        let (lease, _, _, passage) = self.held.as_mut().expect("polled after completion");
        let runtime = passage.config.runtime();
        loop {
            if let Some(turn) = &mut self.turn {
                ready!(turn.as_mut().poll(cx));
                self.turn = None;
            }
            if self.is_filtered {
                break;
            }
            ready!(run_all(&mut self.runs, lease, passage, |run, lease| {
                poll_run(run, cx, lease, runtime.pool(), &mut BodyIsGone)
            }));
            self.is_filtered = true;
            self.turn = turn::after_others(lease);
        }
        let (lease, head, made, passage) = self.held.take().expect("looked at above");
        let duties = std::mem::take(&mut self.duties);
        Poll::Ready(passage.finish(lease, head, made, duties))
    }
}

/// Runs functions one after the other until all have ended, or one waits.
fn run_all(
    runs: &mut [Option<Run>; 2],
    lease: &mut Lease,
    passage: &Passage,
    mut poll: impl FnMut(&mut Run, &mut Lease) -> Poll<Progress>,
) -> Poll<()> {
    for slot in runs {
        let Some(run) = slot else { continue };
        if let Progress::Failed(error) = ready!(poll(run, lease)) {
            let config = &passage.config;
            response::fail(lease, config.runtime(), &*config.errors, &error);
        }
        *slot = None;
    }
    Poll::Ready(())
}

impl Passage {
    /// The response that has passed the functions.
    fn finish<B: Body>(
        self,
        mut lease: Lease,
        mut head: Parts,
        made: Made<B>,
        duties: Duties,
    ) -> Response<ResponseBody<B>> {
        head.extensions = std::mem::take(&mut lease.response.extensions);
        lease.response.measure();
        let (body, streaming) = body_of(&mut lease, made);
        let wants_body = |one: &Participant| one.functions.phases().contains(Phase::BodyFilter);
        let filters: Vec<_> = duties.of.into_iter().flatten().filter(wants_body).collect();
        let response = &mut lease.response;
        let phases = duties.everybodys;
        let has_log = phases.contains(Phase::Log);
        let is_seen_again = has_log || phases.contains(Phase::BodyFilter);
        let is_kept =
            !filters.is_empty() || (self.log.is_some() && is_seen_again) || streaming.is_some();
        let names = match is_kept {
            true => response.names().cloned(),
            false => response.take_names(),
        };
        match is_kept {
            true => response.share_head(&mut head),
            false => response.give_head(&mut head),
        }
        response.sent = true;
        if !filters.is_empty() {
            // Kong: leaves this to the function, and many forget it.
            head.headers.remove(CONTENT_LENGTH);
        }
        let silent = lease.request.method() == Method::HEAD || has_no_body(head.status.as_u16());
        let length = match &streaming {
            Some(_) if filters.is_empty() && !lease.response.ended => said_length(&head),
            _ if filters.is_empty() => body.size_hint(),
            _ => SizeHint::default(),
        };
        finish_head(&mut head, names, &lease, &length, silent);
        if is_kept {
            let framing = framing::of_response(&lease.request, &head, &length, silent);
            let framing = framing.filter(|_| !lease.response.upgrades);
            framing.into_iter().for_each(|framing| lease.response.show_framing(framing));
        }
        drop(lease);
        let mut log = self.log;
        if !has_log {
            log.take().into_iter().for_each(LogGuard::dismiss);
        }
        let filter = (!filters.is_empty()).then(|| {
            Filter::new(self.exchange, Arc::clone(self.config.runtime()), filters, silent)
        });
        Response::from_parts(head, ResponseBody::new(body, streaming, filter, log))
    }
}

/// The response that stands in a transaction which no later phase looks at.
pub(super) fn respond_once<B: Body>(
    mut transaction: Box<Transaction>,
    runtime: &Runtime,
) -> Response<ResponseBody<B>> {
    let (mut head, ()) = Response::new(()).into_parts();
    conditional::apply(&mut transaction);
    let request = &transaction.request;
    // hyper says it itself, but not of nothing in HTTP/2.
    if request.method() == Method::HEAD || request.version() >= Version::HTTP_2 {
        transaction.response.measure();
    }
    let body = own_body(&mut transaction);
    transaction.response.give_head(&mut head);
    let silent = transaction.request.method() == Method::HEAD || has_no_body(head.status.as_u16());
    let names = transaction.response.take_names();
    finish_head(&mut head, names, &transaction, &body.size_hint(), silent);
    runtime.release(transaction);
    Response::from_parts(head, ResponseBody::new(body, None, None, None))
}

/// The response of a request that a function has left with the connection, which then was not to be had.
pub(super) fn unanswered<B: Body>() -> Response<ResponseBody<B>> {
    let mut response = Response::new(ResponseBody::new(Replay::empty(), None, None, None));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// What a head must say, or must not, whatever functions have made of it.
fn finish_head(
    head: &mut Parts,
    names: Option<HeaderNames>,
    transaction: &Transaction,
    length: &SizeHint,
    silent: bool,
) {
    if head.status == StatusCode::NO_CONTENT {
        head.headers.remove(CONTENT_LENGTH);
    }
    if !silent {
        framing::correct_response(head, length, transaction.response.says_length);
    }
    if let Some(names) = names {
        names.put_into(&mut head.extensions);
    }
    if transaction.response.closes {
        head.extensions.insert(CloseConnection);
    }
}

/// The body of a response, and the functions that go on with it or beside it.
fn body_of<B: Body>(lease: &mut Lease, made: Made<B>) -> (Replay<B>, Option<Box<Streaming>>) {
    let is_replaced = lease.response.replacement.is_some();
    match made {
        Made::ByService(body) if !is_replaced => (body, None),
        // What functions of `header_filter` have put in its place ends the others.
        Made::PieceByPiece(mut streaming) if !is_replaced || lease.response.ended => {
            match streaming.begin(lease) {
                true => (own_body(lease), Some(streaming)),
                false => (Replay::empty(), Some(streaming)),
            }
        }
        _ => (own_body(lease), None),
    }
}

/// The length that a function has said a body will have.
fn said_length(head: &Parts) -> SizeHint {
    let said =
        head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    said.map_or_else(SizeHint::default, SizeHint::with_exact)
}

/// The body that functions have made.
fn own_body<B: Body>(transaction: &mut Transaction) -> Replay<B> {
    let bodiless = transaction.request.method() == Method::HEAD;
    let response = &mut transaction.response;
    let replacement = response.replacement.take();
    let status = response.status();
    // What was printed chunk by chunk has no length, as nginx sends it; HTTP/1.0 has no other way
    // to tell the end.
    let output = response.take_output();
    if bodiless || has_no_body(status) {
        return Replay::empty();
    }
    if let Some(body) = replacement {
        return Replay::whole(body);
    }
    let says_length = response.headers().contains_key(CONTENT_LENGTH);
    let is_old = transaction.request.version() == Version::HTTP_10;
    Replay::of_chunks(output, !transaction.response.printed || says_length || is_old)
}
