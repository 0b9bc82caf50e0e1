//! A request whose function waits: for time to pass, or for the request's body.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::replay::{BodyReader, Extent, Replay};
use super::request_phases::{Decision, RequestPhases};
use crate::store::cache::Waiter;
use crate::transaction::{Operation, RequestBody};

pin_project! {
    /// The functions of a request, the service that comes after them, and what one of them waits
    /// for.
    pub(super) struct Waiting<S, B: Body> {
        service: S,
        // Taken when the functions have decided.
        held: Option<(RequestPhases, Incoming<B>)>,
        #[pin]
        wait: Wait,
    }
}

impl<S, B: Body> Waiting<S, B> {
    pub(super) fn new(service: S, operation: Operation, phases: RequestPhases, body: B) -> Self {
        Self { service, held: Some((phases, Incoming::new(body))), wait: Wait::new(operation) }
    }

    pub(super) fn service(self: Pin<&mut Self>) -> &mut S {
        self.project().service
    }

    /// Waits, and runs functions on, until they have decided.
    pub(super) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<(Decision, RequestPhases, Incoming<B>)> {
        let mut this = self.project();
        loop {
            let (phases, body) = this.held.as_mut().expect("polled after completion");
            ready!(this.wait.as_mut().poll(cx, phases, body));
            match phases.advance() {
                Decision::Wait(operation) => this.wait.set(Wait::new(operation)),
                decision => {
                    let (phases, body) = this.held.take().expect("looked at above");
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

pin_project! {
    /// What a function waits for.
    #[project = WaitProjection]
    enum Wait {
        Sleep { #[pin] sleep: Sleep },
        Body { limit: u64 },
        Turn { taken: bool },
        Load { waiter: Waiter, #[pin] deadline: Sleep },
    }
}

impl Wait {
    fn new(operation: Operation) -> Self {
        match operation {
            Operation::Sleep(duration) => Self::Sleep { sleep: tokio::time::sleep(duration) },
            Operation::ReadBody { limit } => Self::Body { limit },
            Operation::Turn => Self::Turn { taken: false },
            Operation::Load { load, deadline } => Self::Load {
                waiter: Waiter::new(load),
                deadline: tokio::time::sleep_until(deadline),
            },
        }
    }

    fn poll<B: Body>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        phases: &mut RequestPhases,
        body: &mut Incoming<B>,
    ) -> Poll<()> {
        match self.project() {
            WaitProjection::Sleep { sleep } => sleep.poll(cx),
            WaitProjection::Body { limit } => {
                phases.set_body(match ready!(body.poll_read(cx, *limit)) {
                    Extent::Whole(bytes) => RequestBody::Read(bytes),
                    Extent::Part => RequestBody::TooLong { limit: *limit },
                    Extent::Broken => RequestBody::Broken,
                });
                Poll::Ready(())
            }
            WaitProjection::Load { waiter, deadline } => match waiter.poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => deadline.poll(cx),
            },
            WaitProjection::Turn { taken } => {
                if std::mem::replace(taken, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
