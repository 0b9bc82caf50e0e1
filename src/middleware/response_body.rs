//! [`ResponseBody`]: the body that leaves the layer; `body_filter`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::BoxError;
use super::exchange::{Exchange, Lease, Participant};
use super::log::LogGuard;
use super::replay::Replay;
use super::run::poll_run;
use super::streaming::Streaming;
use super::turn::{self, Turn};
use crate::error::Error;
use crate::function::{Progress, Run};
use crate::phase::Phase;
use crate::runtime::Runtime;
use crate::transaction::{BodyIsGone, Chunk};

pin_project! {
    /// The body of a response that has passed the functions of a layer.
    ///
    /// It streams the inner service's body, through the functions of `body_filter` if there are
    /// any, or holds what functions have answered with, or runs those that answer piece by piece.
    /// The `log` phase runs when it is dropped.
    pub struct ResponseBody<B: Body> {
        #[pin]
        body: Replay<B>,
        // Boxed: most bodies have none.
        work: Option<Box<Work>>,
    }
}

/// What functions have to do with a body.
struct Work {
    /// The functions that make it, or go on beside it.
    streaming: Option<Box<Streaming>>,
    filter: Option<Filter>,
    /// After the filter: the log comes last.
    log: Option<LogGuard>,
}

impl<B: Body> ResponseBody<B> {
    pub(super) fn untouched(body: B) -> Self {
        Self { body: Replay::Untouched { body }, work: None }
    }

    pub(super) fn new(
        body: Replay<B>,
        streaming: Option<Box<Streaming>>,
        filter: Option<Filter>,
        log: Option<LogGuard>,
    ) -> Self {
        let has_work = streaming.is_some() || filter.is_some() || log.is_some();
        let work = has_work.then(|| Box::new(Work { streaming, filter, log }));
        Self { body, work }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        match this.work {
            None => this.body.poll_frame(cx).map_err(Into::into),
            Some(work) => work.poll_frame(this.body, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.filter() {
            Some(filter) => filter.ended && filter.trailers.is_none() && filter.turn.is_none(),
            None => self.body.is_end_stream() && self.streaming().is_none_or(Streaming::is_over),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.filter() {
            Some(filter) if filter.ended && filter.turn.is_none() => SizeHint::with_exact(0),
            Some(_) => SizeHint::default(),
            None if self.streaming().is_some_and(|streaming| !streaming.is_over()) => {
                SizeHint::default()
            }
            None => self.body.size_hint(),
        }
    }
}

impl<B: Body> ResponseBody<B> {
    fn filter(&self) -> Option<&Filter> {
        self.work.as_ref().and_then(|work| work.filter.as_ref())
    }

    fn streaming(&self) -> Option<&Streaming> {
        self.work.as_ref().and_then(|work| work.streaming.as_deref())
    }
}

impl Work {
    fn poll_frame<B>(
        &mut self,
        mut body: Pin<&mut Replay<B>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
    where
        B: Body,
        B::Error: Into<BoxError>,
    {
        let frame = loop {
            let Some(filter) = &mut self.filter else {
                break ready!(poll_made(&mut self.streaming, body.as_mut(), cx));
            };
            if filter.ended && filter.turn.is_none() {
                break filter.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)));
            }
            let filtered = if filter.turn.is_some() {
                filter.take_turn(cx)
            } else if filter.waiting.is_some() {
                filter.go_on(cx)
            } else {
                match ready!(poll_made(&mut self.streaming, body.as_mut(), cx)) {
                    Some(Err(error)) => break Some(Err(error)),
                    None => filter.run(cx, Bytes::new(), true),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => filter.run(cx, data, false),
                        Err(frame) => {
                            filter.trailers = frame.into_trailers().ok();
                            filter.run(cx, Bytes::new(), true)
                        }
                    },
                }
            };
            match ready!(filtered) {
                Ok(data) if data.is_empty() => {}
                Ok(data) => break Some(Ok(Frame::data(data))),
                Err(error) => break Some(Err(error.into())),
            }
        };
        if let (Some(log), Some(Ok(frame))) = (&mut self.log, &frame) {
            log.body_bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
        }
        Poll::Ready(frame)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let has_ended = self.filter.as_ref().is_some_and(|filter| filter.ended);
        if let Some(streaming) = self.streaming.take_if(|streaming| streaming.outlives(has_ended)) {
            // The log waits for the transaction, which the functions have until they have ended.
            self.filter = None;
            streaming.run_on();
        }
    }
}

/// The next frame of a body before it is filtered: of what functions print, then of what is there.
fn poll_made<B>(
    streaming: &mut Option<Box<Streaming>>,
    body: Pin<&mut Replay<B>>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BoxError>>>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    if let Some(streaming) = streaming
        && let Some(piece) = ready!(streaming.poll_piece(cx))
    {
        return Poll::Ready(Some(piece.map(Frame::data)));
    }
    body.poll_frame(cx).map_err(Into::into)
}

impl<B: Body + Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::untouched(B::default())
    }
}

impl<B: Body> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("filtered", &self.filter().is_some())
            .finish_non_exhaustive()
    }
}

/// The functions of `body_filter` on their way through a body.
pub(super) struct Filter {
    exchange: Exchange,
    runtime: Arc<Runtime>,
    participants: Vec<Participant>,
    /// Whether the response has no body, whatever the functions make.
    silent: bool,
    chunk: Chunk,
    ended: bool,
    /// The trailers of the inner body, to follow what the functions make of its end.
    trailers: Option<HeaderMap>,
    /// Whether the inner body has ended.
    at_end: bool,
    /// A chunk that a function waits over.
    waiting: Option<Box<Waiting>>,
    /// What goes out when others have had their turn.
    turn: Option<(Turn, Result<Bytes, Error>)>,
}

struct Waiting {
    run: Run,
    /// The place of its participant.
    place: usize,
    lease: Lease,
}

impl Filter {
    pub(super) fn new(
        exchange: Exchange,
        runtime: Arc<Runtime>,
        participants: Vec<Participant>,
        silent: bool,
    ) -> Self {
        let chunk = Chunk::default();
        Self {
            exchange,
            runtime,
            participants,
            silent,
            chunk,
            ended: false,
            trailers: None,
            at_end: false,
            waiting: None,
            turn: None,
        }
    }

    /// What the functions make of a chunk; the last has no data and `eof`.
    fn run(&mut self, cx: &mut Context<'_>, data: Bytes, eof: bool) -> Poll<Result<Bytes, Error>> {
        let Some(mut lease) = self.exchange.lease() else { return Poll::Ready(Ok(data)) };
        self.at_end = eof;
        lease.chunk = Chunk { data, eof, ..std::mem::take(&mut self.chunk) };
        self.run_from(cx, 0, lease)
    }

    /// The same for the chunk that a function waits over.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        let waiting = self.waiting.as_mut().expect("asked for before");
        let Waiting { run, lease, .. } = &mut **waiting;
        let progress = ready!(poll_run(run, cx, lease, self.runtime.pool(), &mut BodyIsGone));
        let Waiting { place, lease, .. } = *self.waiting.take().expect("looked at above");
        if let Progress::Failed(error) = progress {
            return self.settle(cx, lease, Err(error));
        }
        self.run_from(cx, place + 1, lease)
    }

    fn run_from(
        &mut self,
        cx: &mut Context<'_>,
        first: usize,
        mut lease: Lease,
    ) -> Poll<Result<Bytes, Error>> {
        for (place, participant) in self.participants.iter().enumerate().skip(first) {
            let (functions, plugin) = (participant.functions.clone(), participant.plugin);
            let mut run = Run::new(functions, plugin, &[Phase::BodyFilter]);
            match poll_run(&mut run, cx, &mut lease, self.runtime.pool(), &mut BodyIsGone) {
                Poll::Pending => {
                    self.waiting = Some(Box::new(Waiting { run, place, lease }));
                    return Poll::Pending;
                }
                Poll::Ready(Progress::Failed(error)) => return self.settle(cx, lease, Err(error)),
                Poll::Ready(_) => {}
            }
        }
        self.chunk = std::mem::take(&mut lease.chunk);
        self.ended = self.at_end || self.chunk.eof;
        let data = std::mem::take(&mut self.chunk.data);
        self.settle(cx, lease, Ok(if self.silent { Bytes::new() } else { data }))
    }

    /// Lets the chunk go out, when others have had their turn if they have to.
    fn settle(
        &mut self,
        cx: &mut Context<'_>,
        mut lease: Lease,
        filtered: Result<Bytes, Error>,
    ) -> Poll<Result<Bytes, Error>> {
        self.ended |= filtered.is_err();
        match turn::after_others(&mut lease) {
            None => Poll::Ready(filtered),
            Some(turn) => {
                drop(lease);
                self.turn = Some((turn, filtered));
                self.take_turn(cx)
            }
        }
    }

    fn take_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        let (turn, _) = self.turn.as_mut().expect("asked for before");
        ready!(turn.as_mut().poll(cx));
        Poll::Ready(self.turn.take().expect("looked at above").1)
    }
}
