//! A request whose function waits.

use std::task::{Context, Poll, ready};

use http_body::Body;

use super::replay::{BodyReader, Extent, Replay};
use super::request_phases::{Decision, RequestPhases};
use crate::transaction::{ReadBody, RequestBody};

/// The functions of a request, one of which waits, and the service that comes after them.
pub(super) struct Waiting<S, B: Body> {
    service: S,
    /// Taken when the functions have decided.
    held: Option<(RequestPhases, Incoming<B>)>,
}

impl<S, B: Body> Waiting<S, B> {
    pub(super) fn new(service: S, phases: RequestPhases, body: B) -> Self {
        Self { service, held: Some((phases, Incoming::new(body))) }
    }

    pub(super) fn service(&mut self) -> &mut S {
        &mut self.service
    }

    /// Waits, and runs functions on, until they have decided.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(Decision, RequestPhases, Incoming<B>)> {
        let (phases, body) = self.held.as_mut().expect("polled after completion");
        let decision = ready!(phases.poll(cx, body));
        let (phases, body) = self.held.take().expect("looked at above");
        Poll::Ready((decision, phases, body))
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

impl<B: Body> ReadBody for Incoming<B> {
    fn poll_read(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<RequestBody> {
        loop {
            match self {
                Self::Reading(reader) => {
                    return Poll::Ready(match ready!(reader.poll_read(cx, limit)) {
                        Extent::Whole(bytes) => RequestBody::Read(bytes),
                        Extent::Part => RequestBody::TooLong { limit },
                        Extent::Broken => RequestBody::Broken,
                    });
                }
                Self::Unread { body } => {
                    let body = body.take().expect("only taken here, where it is replaced");
                    *self = Self::Reading(BodyReader::new(body));
                }
            }
        }
    }
}
