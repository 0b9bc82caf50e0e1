//! A request whose function waits.

use std::task::{Context, Poll, ready};

use http_body::Body;

use super::replay::{BodyReader, Extent, Replay};
use super::request_phases::{Decision, RequestPhases};
use crate::transaction::{Operation, RequestBody};

/// The functions of a request, the service that comes after them, and what one of them waits for.
pub(super) struct Waiting<S, B: Body> {
    service: S,
    operation: Operation,
    /// Taken when the functions have decided. After what they wait for, which is given up first.
    held: Option<(RequestPhases, Incoming<B>)>,
}

impl<S, B: Body> Waiting<S, B> {
    pub(super) fn new(service: S, operation: Operation, phases: RequestPhases, body: B) -> Self {
        Self { service, held: Some((phases, Incoming::new(body))), operation }
    }

    pub(super) fn service(&mut self) -> &mut S {
        &mut self.service
    }

    /// Waits, and runs functions on, until they have decided.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(Decision, RequestPhases, Incoming<B>)> {
        loop {
            let (phases, body) = self.held.as_mut().expect("polled after completion");
            ready!(self.operation.poll(cx, phases, body));
            match phases.advance() {
                Decision::Wait(operation) => self.operation = operation,
                decision => {
                    let (phases, body) = self.held.take().expect("looked at above");
                    return Poll::Ready((decision, phases, body));
                }
            }
        }
    }
}

/// The body of the request: as it came, or while it is read.
pub(super) enum Incoming<B: Body> {
    Unread { body: Option<B> },
    Reading(BodyReader<B>),
}

impl<B: Body> Incoming<B> {
    pub(super) fn new(body: B) -> Self {
        Self::Unread { body: Some(body) }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<Extent> {
        loop {
            match self {
                Self::Reading(reader) => return reader.poll_read(cx, limit),
                Self::Unread { body } => {
                    let body = body.take().expect("only taken here, where it is replaced");
                    *self = Self::Reading(BodyReader::new(body));
                }
            }
        }
    }

    /// The body from its beginning.
    pub(super) fn into_replay(self) -> Replay<B> {
        match self {
            Self::Unread { body } => {
                Replay::Untouched { body: body.expect("taken only to be read") }
            }
            Self::Reading(reader) => reader.into_replay(),
        }
    }
}

impl Operation {
    fn poll<B: Body>(
        &mut self,
        cx: &mut Context<'_>,
        phases: &mut RequestPhases,
        body: &mut Incoming<B>,
    ) -> Poll<()> {
        match self {
            Self::ReadBody { limit } => {
                phases.set_body(match ready!(body.poll_read(cx, *limit)) {
                    Extent::Whole(bytes) => RequestBody::Read(bytes),
                    Extent::Part => RequestBody::TooLong { limit: *limit },
                    Extent::Broken => RequestBody::Broken,
                });
            }
            Self::Future(future) => phases.set_answer(ready!(future.as_mut().poll(cx))),
        }
        Poll::Ready(())
    }
}
