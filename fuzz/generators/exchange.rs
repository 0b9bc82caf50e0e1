//! Requests to a layer with a function in it, without a network. Time does not pass but when all wait.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_lua::{
    Budget, DefaultResponseForError, Error, FailedRequest, Functions, PreFunctionLayer,
    ResponseForError, Runtime,
};

/// A VM, with a budget that ends what does not end by itself.
pub struct Exchange {
    lua: Runtime,
    tokio: tokio::runtime::Runtime,
}

impl Exchange {
    /// One in which a call may run for so long.
    pub fn new(call_time: Duration) -> Self {
        let budget = Budget::default().call_time(call_time).memory(64 << 20);
        let lua = Runtime::builder().vms(1).budget(budget).shared_dict("dict", 1 << 16);
        let lua = lua.build().expect("a runtime");
        let mut tokio = tokio::runtime::Builder::new_current_thread();
        let tokio = tokio.enable_all().start_paused(true).build().expect("a runtime");
        Self { lua, tokio }
    }

    /// What comes of `requests` where `source` runs in `access`, and `response` in `header_filter`. The
    /// service answers with the headers that `answer` has.
    pub fn send(
        &self,
        source: &str,
        response: &str,
        requests: Vec<Request<Full<Bytes>>>,
        answer: impl Fn() -> Response<Full<Bytes>> + Clone + Send + 'static,
    ) -> Vec<Response<Bytes>> {
        let functions = Functions::builder("fuzz")
            .function(tower_lua::Phase::Access, source)
            .function(tower_lua::Phase::HeaderFilter, response);
        let functions = functions.build().unwrap_or_else(|error| panic!("{error}\n{source}"));
        let service = service_fn(move |_| {
            let response = answer();
            async move { Ok::<_, Infallible>(response) }
        });
        let layer =
            PreFunctionLayer::new(functions).runtime(&self.lua).response_for_error(answer_to);
        let service = layer.layer(service);
        self.tokio.block_on(async move {
            let mut responses = Vec::with_capacity(requests.len());
            for request in requests {
                let response = service.clone().oneshot(request).await.expect("an answer");
                let (head, body) = response.into_parts();
                // A function may have broken its body.
                let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
                responses.push(Response::from_parts(head, body));
            }
            responses
        })
    }
}

/// The status of who has used up the time of a call, which a machine that does other things may do for them.
pub const OUT_OF_TIME: StatusCode = StatusCode::GATEWAY_TIMEOUT;

/// As usual, but who has run out of time is told from who has failed.
fn answer_to(error: &Error, request: &FailedRequest<'_>) -> Response<Bytes> {
    let mut response = DefaultResponseForError.response_for_error(error, request);
    if error.is_timeout() {
        *response.status_mut() = OUT_OF_TIME;
    }
    response
}
