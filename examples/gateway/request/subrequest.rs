//! Subrequests of functions, `ngx.location.capture`: the worker whose request makes them answers.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Incoming};
use tower::util::BoxCloneService;
use tower::{Service, ServiceExt};
use tower_lua::{Connection, RequestId, Tls};

use super::peer::Peer;
use crate::BoxError;

/// The body of a client's request, or of a subrequest.
pub(crate) type ReceivedBody = Either<Incoming, Full<Bytes>>;

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

thread_local! {
    /// The whole gateway, on threads of workers. Each has connections to services of its own.
    static WHOLE: RefCell<Option<BoxCloneService<Request<ReceivedBody>, Answer, Infallible>>> =
        const { RefCell::new(None) };
}

/// Has `service` answer the subrequests of this thread until this is dropped.
pub(crate) struct Answering(());

impl Answering {
    pub(crate) fn by<S, B>(service: S) -> Self
    where
        S: Service<Request<ReceivedBody>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
    {
        let boxed = service.map_response(|response| response.map(BodyExt::boxed_unsync));
        WHOLE.set(Some(BoxCloneService::new(boxed)));
        Self(())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        WHOLE.take();
    }
}

/// Whoever answers on the thread that it is called on.
#[derive(Clone, Copy)]
pub(crate) struct OfThread;

impl Service<Request<Full<Bytes>>> for OfThread {
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Self::Future {
        let extensions = request.extensions_mut();
        let (connection, id) =
            (extensions.remove::<Connection>(), extensions.remove::<RequestId>());
        let tls = extensions.remove::<Tls>();
        let whole = WHOLE.with_borrow(Clone::clone);
        let (Some(whole), Some(connection), Some(id)) = (whole, connection, id) else {
            return Box::pin(ready(Err("nobody answers subrequests here".into())));
        };
        let name = tls.as_ref().and_then(Tls::server_name).map(Arc::from);
        let peer = Peer::new(connection, tls, name).of_subrequest(id);
        extensions.insert(Arc::new(peer));
        let answered = whole.oneshot(request.map(Either::Right));
        Box::pin(async { Ok(answered.await.unwrap_or_else(|never| match never {})) })
    }
}
