//! [`ResponseFuture`]: a request's way through a layer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower_service::Service;

use super::replay::{BodyReader, Extent, Replay};
use super::request_body::RequestBody;
use super::request_phases::{Decision, Passage, RequestPhases};
use super::response_body::ResponseBody;
use super::response_phases::respond_once;
use crate::transaction::{self, Operation};

pin_project! {
    /// The response future of [`PreFunction`](crate::PreFunction) and
    /// [`PostFunction`](crate::PostFunction).
    ///
    /// Dropping it drops a function that waits, and runs the functions of the `log` phase.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqB, ResB>
    where
        S: Service<Request<RequestBody<ReqB>>>,
        ReqB: Body,
        ResB: Body,
    {
        #[pin]
        state: State<S, S::Future, ReqB, ResB>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[project_replace = OwnedState]
    enum State<S, F, ReqB: Body, ResB: Body> {
        /// A function of the request phases waits.
        Waiting {
            service: S,
            phases: RequestPhases,
            body: Incoming<ReqB>,
            #[pin]
            wait: Wait,
        },
        /// The inner service is at work.
        Inner {
            #[pin]
            future: F,
            // After the future: the layers further in give back what they share before the log runs.
            passage: Option<Passage>,
        },
        /// The functions want the whole body of the response.
        Buffering {
            head: http::response::Parts,
            reader: BodyReader<ResB>,
            passage: Passage,
        },
        Ready { response: Response<ResponseBody<ResB>> },
        Done,
    }
}

impl<S, ReqB, ResB> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<RequestBody<ReqB>>, Response = Response<ResB>>,
    ReqB: Body,
    ResB: Body,
{
    /// The way of a request that no function is for.
    pub(super) fn passing(future: S::Future) -> Self {
        Self { state: State::Inner { future, passage: None } }
    }

    /// The way of a request whose functions have come to a decision.
    pub(super) fn decided(
        service: &mut S,
        decision: Decision,
        phases: RequestPhases,
        body: ReqB,
    ) -> Self {
        Self { state: State::decided(service, decision, phases, Incoming::new(body)) }
    }

    /// The way of a request with a function that waits for `operation`.
    pub(super) fn waiting(
        service: S,
        operation: Operation,
        phases: RequestPhases,
        body: ReqB,
    ) -> Self {
        let (body, wait) = (Incoming::new(body), Wait::new(operation));
        Self { state: State::Waiting { service, phases, body, wait } }
    }
}

impl<S, ReqB, ResB> Future for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<RequestBody<ReqB>>, Response = Response<ResB>>,
    ReqB: Body,
    ResB: Body,
{
    type Output = Result<Response<ResponseBody<ResB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Waiting { phases, body, mut wait, .. } => {
                    ready!(wait.as_mut().poll(cx, phases, body));
                    match phases.advance() {
                        Decision::Wait(operation) => {
                            wait.set(Wait::new(operation));
                            continue;
                        }
                        decision => match state.as_mut().project_replace(State::Done) {
                            OwnedState::Waiting { mut service, phases, body, .. } => {
                                State::decided(&mut service, decision, phases, body)
                            }
                            _ => unreachable!("the state was looked at above"),
                        },
                    }
                }
                StateProjection::Inner { future, passage } => match ready!(future.poll(cx)) {
                    Ok(response) => State::answered(response, passage.take()),
                    Err(error) => {
                        if let Some(passage) = passage {
                            passage.receive_failure();
                        }
                        return Poll::Ready(Err(error));
                    }
                },
                StateProjection::Buffering { reader, passage, .. } => {
                    let limit = passage.config.runtime().settings().max_body_size;
                    let extent = ready!(reader.poll_read(cx, limit));
                    passage.receive_body(extent);
                    match state.as_mut().project_replace(State::Done) {
                        OwnedState::Buffering { head, reader, passage } => {
                            State::Ready { response: passage.respond(head, reader.into_replay()) }
                        }
                        _ => unreachable!("the state was looked at above"),
                    }
                }
                StateProjection::Ready { .. } | StateProjection::Done => {
                    return match state.as_mut().project_replace(State::Done) {
                        OwnedState::Ready { response } => Poll::Ready(Ok(response)),
                        _ => panic!("polled after completion"),
                    };
                }
            };
            state.set(next);
        }
    }
}

impl<S, ReqB, ResB> State<S, S::Future, ReqB, ResB>
where
    S: Service<Request<RequestBody<ReqB>>, Response = Response<ResB>>,
    ReqB: Body,
    ResB: Body,
{
    fn decided(
        service: &mut S,
        decision: Decision,
        phases: RequestPhases,
        body: Incoming<ReqB>,
    ) -> Self {
        if let Decision::Answer = decision {
            let response = match phases.answer() {
                Ok(passage) => passage.respond_with_own(),
                Err((transaction, runtime)) => respond_once(transaction, &runtime),
            };
            return Self::Ready { response };
        }
        let forwarded = phases.forward();
        let body = match forwarded.body {
            Some(replacement) => Replay::of_chunks([replacement], true),
            None => body.into_replay(),
        };
        let request = Request::from_parts(forwarded.head, RequestBody::new(body));
        Self::Inner { future: service.call(request), passage: forwarded.passage }
    }

    fn answered(response: Response<ResB>, passage: Option<Passage>) -> Self {
        let Some(passage) = passage else {
            return Self::Ready { response: response.map(ResponseBody::untouched) };
        };
        let (mut head, body) = response.into_parts();
        if passage.receive(&mut head) {
            return Self::Buffering { head, reader: BodyReader::new(body), passage };
        }
        Self::Ready { response: passage.respond(head, Replay::Untouched { body }) }
    }
}

impl<S, ReqB, ResB> fmt::Debug for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<RequestBody<ReqB>>>,
    ReqB: Body,
    ResB: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// The body of the request: as it came, or while it is read.
enum Incoming<B: Body> {
    Unread { body: Option<B> },
    Reading(BodyReader<B>),
}

impl<B: Body> Incoming<B> {
    fn new(body: B) -> Self {
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

    fn into_replay(self) -> Replay<B> {
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
    }
}

impl Wait {
    fn new(operation: Operation) -> Self {
        match operation {
            Operation::Sleep(duration) => Self::Sleep { sleep: tokio::time::sleep(duration) },
            Operation::ReadBody { limit } => Self::Body { limit },
            Operation::Turn => Self::Turn { taken: false },
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
                let read = match ready!(body.poll_read(cx, *limit)) {
                    Extent::Whole(bytes) => transaction::RequestBody::Read(bytes),
                    Extent::Part => transaction::RequestBody::TooLong { limit: *limit },
                    Extent::Broken => transaction::RequestBody::Broken,
                };
                phases.set_body(read);
                Poll::Ready(())
            }
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
