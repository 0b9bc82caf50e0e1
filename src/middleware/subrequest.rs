//! [`Runtime::subrequests`]: who answers the subrequests of functions.

use std::future::poll_fn;
use std::pin::pin;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::Full;
use parking_lot::Mutex;
use tower_service::Service;

use super::BoxError;
use crate::lua::OutOfMemory;
use crate::runtime::Runtime;
use crate::settings::{Answering, Captured, Reception};

impl Runtime {
    /// Says who answers the subrequests of functions, `ngx.location.capture` and `capture_multi`: the
    /// application itself as a rule, with the layers of this runtime. Without, there are none, and the
    /// functions raise an error.
    ///
    /// A subrequest has the method, path and body that the function says, the headers of its request, and
    /// in its extensions the [`Connection`](crate::Connection), [`Tls`](crate::Tls) and
    /// [`RequestId`](crate::RequestId) of that. `ngx.is_subrequest` is true in it; its functions of the
    /// `log` phase do not run. Each is a task of the tokio runtime that the request is served by, and is
    /// given up with it. There are at most 200 at once of one call, 1,000 for one request of a client, and
    /// 50 in each other; a body is cut off, and `truncated`, at
    /// [`max_body_size`](crate::RuntimeBuilder::max_body_size). How long an answer may take is for the
    /// service to say.
    ///
    /// The runtime keeps the service, and a service with layers of the runtime in it keeps the runtime:
    /// they live until another service takes its place, or as long as the process.
    ///
    /// ```
    /// use axum::{Router, body::Body, routing::get};
    /// use http::Request;
    /// use tower::ServiceExt as _;
    /// use tower_lua::{Functions, PreFunctionLayer, Runtime};
    ///
    /// let runtime = Runtime::builder().build()?;
    /// let functions = Functions::access("greet", r#"
    ///     if ngx.var.uri == "/greeting" then
    ///       local name = ngx.location.capture("/name", { args = { id = 7 } })
    ///       kong.response.exit(200, "hello " .. name.body)
    ///     end
    /// "#)?;
    /// let app = Router::new()
    ///     .route("/greeting", get(|| async {}))
    ///     .route("/name", get(|| async { "alice" }))
    ///     .layer(PreFunctionLayer::new(functions).runtime(&runtime));
    /// runtime.subrequests(app.clone());
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let response = app.oneshot(Request::get("/greeting").body(Body::empty())?).await?;
    /// let body = axum::body::to_bytes(response.into_body(), 100).await?;
    /// assert_eq!(body, "hello alice");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subrequests<S, B>(&self, service: S)
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        // A service need not be `Sync`.
        let service = Mutex::new(service);
        self.settings().subrequests.set(Box::new(move |request, reception| {
            let service = service.lock().clone();
            let answering: Answering = Box::pin(answer(service, request.map(Full::new), reception));
            answering
        }));
    }
}

async fn answer<S, B>(
    mut service: S,
    request: Request<Full<Bytes>>,
    reception: Reception,
) -> Result<Captured, OutOfMemory>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let is_head = request.method() == Method::HEAD;
    let ready = poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into);
    let response = match ready {
        Ok(()) => service.call(request).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    match response {
        Ok(response) if is_head => Ok(without_body(response)),
        Ok(response) => capture(response, reception).await,
        Err(error) => Ok(failed(&error)),
    }
}

#[cold]
fn failed(error: &BoxError) -> Captured {
    tracing::error!(target: "tower_lua::function", "a subrequest has failed: {error}");
    Captured::failed()
}

/// The answer to HEAD, which says how long that to GET is, where that is known (RFC 9110, section 9.3.2): what a
/// server sees to that has a client.
fn without_body<B: Body>(response: Response<B>) -> Captured {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
    let response = Response::from_parts(head, Vec::new());
    Captured { response, is_truncated: false, _charge: None }
}

/// Reads a response as far as there is room for it.
async fn capture<B>(
    response: Response<B>,
    Reception { limit, mut charge }: Reception,
) -> Result<Captured, OutOfMemory>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (head, body) = response.into_parts();
    let mut body = pin!(body);
    let (mut bytes, mut is_truncated) = (Vec::new(), false);
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let data = match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => data,
            // Trailers are nothing to a function.
            Ok(Err(_)) => continue,
            Err(error) => {
                let error: BoxError = error.into();
                tracing::error!(target: "tower_lua::function", "a subrequest broke off: {error}");
                is_truncated = true;
                break;
            }
        };
        let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(bytes.len());
        let taken = data.len().min(room);
        if let Some(charge) = &mut charge {
            charge.grow(taken)?;
        }
        bytes.try_reserve(taken).map_err(|_| OutOfMemory)?;
        bytes.extend_from_slice(&data[..taken]);
        if taken < data.len() {
            is_truncated = true;
            break;
        }
    }
    Ok(Captured { response: Response::from_parts(head, bytes), is_truncated, _charge: charge })
}
