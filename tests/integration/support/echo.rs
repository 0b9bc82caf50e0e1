//! A service that answers with what it was asked.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::Service;

/// Answers with a JSON object of the request's `method`, `uri`, `headers` and `body`.
#[derive(Clone, Copy)]
pub struct Echo;

/// The echo service.
pub fn echo() -> Echo {
    Echo
}

impl<B> Service<Request<B>> for Echo
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Debug,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("the request body").to_bytes();
            let mut headers = serde_json::Map::new();
            for name in head.headers.keys() {
                let values = head.headers.get_all(name).iter();
                let values: Vec<_> =
                    values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
                headers.insert(name.to_string(), Value::from(values.join("|")));
            }
            let seen = json!({
                "method": head.method.as_str(),
                "uri": head.uri.to_string(),
                "headers": headers,
                "body": String::from_utf8_lossy(&body),
            });
            Ok(Response::builder()
                .header("content-type", "application/json")
                .header("x-service", "echo")
                .body(Full::new(Bytes::from(seen.to_string())))
                .expect("a valid response"))
        })
    }
}
