//! [`ResponseFuture`]: a request's way through a layer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::framing;
use super::left::Left;
use super::replay::{BodyReader, Replay};
use super::request_body::RequestBody;
use super::request_phases::{Decision, ForwardedBody, Passage, RequestPhases};
use super::response_body::ResponseBody;
use super::response_phases::{Filtered, HeadFilter, respond_once, unanswered};
use super::wait::{Incoming, Waiting};

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
    enum State<S, F, ReqB: Body, ResB: Body> {
        // A function of the request phases waits. Boxed: most requests never come here, and none
        // should carry about the room for it.
        Waiting { waiting: Box<Waiting<S, ReqB>> },
        // The inner service is at work.
        Inner {
            #[pin]
            future: F,
            // After the future: the layers further in give back what they share before the log runs.
            passage: Option<Passage>,
        },
        // The functions want the whole body of the response.
        Buffering { buffering: Option<Box<Buffering<ResB>>> },
        // A function of `header_filter` waits.
        Filtering { filtering: Box<HeadFilter<ResB>> },
        Ready { response: Option<Response<ResponseBody<ResB>>> },
        // A function has the client's connection, and this waits to be dropped.
        Gone { left: Left },
    }
}

struct Buffering<ResB: Body> {
    head: http::response::Parts,
    reader: BodyReader<ResB>,
    passage: Passage,
}

impl<S, ReqB, ResB> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<RequestBody<ReqB>>, Response = Response<ResB>>,
    ReqB: Body + Send + 'static,
    ReqB::Error: Send,
    ResB: Body,
{
    /// The way of a request that no function is for.
    pub(super) fn passing(future: S::Future) -> Self {
        Self { state: State::Inner { future, passage: None } }
    }

    /// The way of a request whose functions have come to a decision.
    pub(super) fn decided(
        service: &mut S,
        decision: &Decision,
        phases: RequestPhases,
        body: Incoming<ReqB>,
    ) -> Self {
        Self { state: State::decided(service, decision, phases, body) }
    }

    /// The way of a request with a function that waits.
    pub(super) fn waiting(service: S, phases: RequestPhases, body: Incoming<ReqB>) -> Self {
        let waiting = Box::new(Waiting::new(service, phases, body));
        Self { state: State::Waiting { waiting } }
    }
}

impl<S, ReqB, ResB> Future for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<RequestBody<ReqB>>, Response = Response<ResB>>,
    ReqB: Body + Send + 'static,
    ReqB::Error: Send,
    ResB: Body,
{
    type Output = Result<Response<ResponseBody<ResB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Waiting { waiting } => {
                    let (decision, phases, body) = ready!(waiting.poll(cx));
                    State::decided(waiting.service(), &decision, phases, body)
                }
                StateProjection::Inner { future, passage } => {
                    let result = ready!(future.poll(cx));
                    let Some(passage) = passage.take() else {
                        return Poll::Ready(result.map(|r| r.map(ResponseBody::untouched)));
                    };
                    let response = result.inspect_err(|_| passage.receive_failure())?;
                    let (mut head, body) = response.into_parts();
                    let (lease, wants_body) = passage.receive(&mut head);
                    if !wants_body {
                        match passage.respond(lease, head, Replay::Untouched { body }) {
                            // As it is for nearly all: not by way of another state.
                            Filtered::Done(response) => return Poll::Ready(Ok(response)),
                            Filtered::Waiting(filtering) => State::Filtering { filtering },
                        }
                    } else {
                        let reader = BodyReader::new(body);
                        let buffering = Some(Box::new(Buffering { head, reader, passage }));
                        State::Buffering { buffering }
                    }
                }
                StateProjection::Buffering { buffering } => {
                    let Buffering { reader, passage, .. } =
                        buffering.as_deref_mut().expect("polled after completion");
                    let limit = passage.config.runtime().settings().max_body_size;
                    let extent = ready!(reader.poll_read(cx, limit));
                    let lease = passage.receive_body(extent);
                    let Buffering { head, reader, passage } =
                        *buffering.take().expect("looked at above");
                    State::filtered(passage.respond(lease, head, reader.into_replay()))
                }
                StateProjection::Filtering { filtering } => {
                    return filtering.poll(cx).map(Ok);
                }
                StateProjection::Gone { left } => {
                    ready!(left.poll(cx));
                    State::Ready { response: Some(unanswered()) }
                }
                StateProjection::Ready { response } => {
                    return Poll::Ready(Ok(response.take().expect("polled after completion")));
                }
            };
            state.set(next);
        }
    }
}

impl<S, ReqB, ResB> State<S, S::Future, ReqB, ResB>
where
    S: Service<Request<RequestBody<ReqB>>, Response = Response<ResB>>,
    ReqB: Body + Send + 'static,
    ReqB::Error: Send,
    ResB: Body,
{
    fn filtered(filtered: Filtered<ResB>) -> Self {
        match filtered {
            Filtered::Done(response) => Self::Ready { response: Some(response) },
            Filtered::Waiting(filtering) => Self::Filtering { filtering },
        }
    }

    fn decided(
        service: &mut S,
        decision: &Decision,
        phases: RequestPhases,
        body: Incoming<ReqB>,
    ) -> Self {
        #[cfg(feature = "net")]
        if matches!(decision, Decision::Upgrade) {
            return match phases.upgrade(Box::new(body)) {
                Ok(passage) => Self::filtered(passage.respond_with_own()),
                Err(left) => Self::Gone { left },
            };
        }
        if matches!(decision, Decision::Stream) {
            let (passage, streaming) = phases.stream(Box::new(body));
            return Self::filtered(passage.respond_with_stream(streaming));
        }
        if matches!(decision, Decision::Answer) {
            return Self::filtered(match phases.answer() {
                Ok(passage) => passage.respond_with_own(),
                Err((transaction, runtime)) => Filtered::Done(respond_once(transaction, &runtime)),
            });
        }
        let mut forwarded = phases.forward();
        let body = match forwarded.body {
            ForwardedBody::Untouched => body.into_replay(),
            ForwardedBody::Replaced(replacement) => Replay::whole(replacement),
            #[cfg(feature = "net")]
            ForwardedBody::Rest(left) => {
                let rest = body.into_rest(left);
                framing::measure_request(&mut forwarded.head, &rest.size_hint());
                rest
            }
        };
        if forwarded.is_reframed {
            framing::correct_request(&mut forwarded.head, &body.size_hint());
        }
        let request = Request::from_parts(forwarded.head, RequestBody::new(body));
        Self::Inner { future: service.call(request), passage: forwarded.passage }
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
