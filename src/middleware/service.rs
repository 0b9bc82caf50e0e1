//! [`FunctionService`]: functions around an inner service.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::config::Config;
use super::future::ResponseFuture;
use super::request_body::RequestBody;
use super::request_phases::{Decision, RequestPhases};
use super::response_body::ResponseBody;
use super::wait::Incoming;

/// A service with Lua functions around it.
///
/// It goes by the names [`PreFunction`](crate::PreFunction) and
/// [`PostFunction`](crate::PostFunction).
pub struct FunctionService<S, P> {
    inner: S,
    config: Arc<Config>,
    plugin: PhantomData<fn() -> P>,
}

impl<S, P> FunctionService<S, P> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config, plugin: PhantomData }
    }

    /// The service inside.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service inside.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service inside, without the functions.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, P, ReqB, ResB> Service<Request<ReqB>> for FunctionService<S, P>
where
    S: Service<Request<RequestBody<ReqB>>, Response = Response<ResB>> + Clone,
    ReqB: Body + Send + 'static,
    ReqB::Error: Send,
    ResB: Body,
{
    type Response = Response<ResponseBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqB, ResB>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        if self.config.is_idle() {
            let request = request.map(RequestBody::untouched);
            return ResponseFuture::passing(self.inner.call(request));
        }
        let (head, body) = request.into_parts();
        let mut phases = match RequestPhases::begin(&self.config, head, &body) {
            Ok(phases) => phases,
            Err(head) => {
                let request = Request::from_parts(head, RequestBody::untouched(body));
                return ResponseFuture::passing(self.inner.call(request));
            }
        };
        // One way on for both: it is long, and is to be made part of this.
        let (decision, body) = match phases.want_body(&body) {
            true => phases.advance_with(Incoming::new(body)),
            false => (phases.advance(), Incoming::new(body)),
        };
        match decision {
            Decision::Wait => {
                // The service that was found ready is this one, not its clone.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ResponseFuture::waiting(ready, phases, body)
            }
            decision => ResponseFuture::decided(&mut self.inner, &decision, phases, body),
        }
    }
}

impl<S: Clone, P> Clone for FunctionService<S, P> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.config))
    }
}

impl<S: fmt::Debug, P> fmt::Debug for FunctionService<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionService")
            .field("inner", &self.inner)
            .field("config", &self.config)
            .finish()
    }
}
