//! A request whose function waits.

use std::task::{Context, Poll, ready};

#[cfg(feature = "net")]
use bytes::Bytes;
use http_body::Body;

use super::replay::{BodyReader, Extent, Replay};
use super::request_phases::{Decision, RequestPhases};
#[cfg(feature = "net")]
use crate::transaction::Broken;
use crate::transaction::{ReadBody, RequestBody};

/// The functions of a request, one of which waits, and the service that comes after them.
pub(super) struct Waiting<S, B: Body> {
    service: S,
    /// Taken when the functions have decided.
    held: Option<(RequestPhases, Incoming<B>)>,
}

impl<S, B: Body + 'static> Waiting<S, B> {
    pub(super) fn new(service: S, phases: RequestPhases, body: Incoming<B>) -> Self {
        Self { service, held: Some((phases, body)) }
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
    Unread {
        body: Option<B>,
    },
    /// Boxed: few bodies are read.
    Reading(Box<BodyReader<B>>),
}

impl<B: Body> Incoming<B> {
    pub(super) fn new(body: B) -> Self {
        Self::Unread { body: Some(body) }
    }

    fn reader(&mut self) -> &mut BodyReader<B> {
        if let Self::Unread { body } = self {
            let body = body.take().expect("only taken here, where it is replaced");
            *self = Self::Reading(Box::new(BodyReader::new(body)));
        }
        match self {
            Self::Reading(reader) => reader,
            Self::Unread { .. } => unreachable!("it has just become the other"),
        }
    }

    /// What is left of the body, of which `left` was read and comes again.
    #[cfg(feature = "net")]
    pub(super) fn into_rest(mut self, left: Bytes) -> Replay<B> {
        if let Self::Reading(reader) = &mut self {
            reader.take_back(left);
        }
        self.into_replay()
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

impl<B: Body + 'static> ReadBody for Incoming<B> {
    fn poll_read(&mut self, cx: &mut Context<'_>, limit: u64) -> Poll<RequestBody> {
        Poll::Ready(match ready!(self.reader().poll_read(cx, limit)) {
            Extent::Whole(bytes) => RequestBody::Read(bytes),
            Extent::Part => RequestBody::TooLong { limit },
            Extent::Broken => RequestBody::Broken,
        })
    }

    #[cfg(feature = "net")]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        self.reader().poll_next(cx)
    }

    #[cfg(feature = "net")]
    fn is_over(&self) -> bool {
        match self {
            Self::Unread { body } => body.as_ref().is_some_and(Body::is_end_stream),
            Self::Reading(_) => false,
        }
    }
}
