//! [`Served`]: a service as hyper asks it, for the requests of one connection.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::Body;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::Service;
use tower_lua::CloseConnection;

use crate::BoxError;
use crate::request::head_names::HeadNames;
use crate::request::hop_by_hop::connection_options;
use crate::request::peer::Peer;

/// A service that is always ready, as all are here, and who asks it.
///
/// It is not cloned for each request: that would be a dozen counts up and down again for the layers
/// that it is made of.
pub(super) struct Served<S> {
    service: RefCell<S>,
    peer: Arc<Peer>,
    /// How the names of headers are written, in HTTP/1.
    names: Option<Arc<HeadNames>>,
}

impl<S> Served<S> {
    pub(super) fn new(service: S, peer: Peer, names: Option<Arc<HeadNames>>) -> Self {
        Self { service: RefCell::new(service), peer: Arc::new(peer), names }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Served<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Answered<S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Arc::clone(&self.peer));
        if let Some(names) = &self.names
            && let Some(came) = names.came(!request.body().is_end_stream())
        {
            request.extensions_mut().insert(came);
        }
        let old = (request.version() == Version::HTTP_10).then(|| OldClient::of(request.headers()));
        let future = self.service.borrow_mut().call(request);
        Answered { future, names: self.names.clone(), old }
    }
}

/// A client that speaks HTTP/1.0.
struct OldClient {
    /// Whether it keeps its connection.
    wants_more: bool,
}

impl OldClient {
    fn of(headers: &HeaderMap) -> Self {
        let mut options = connection_options(headers);
        Self { wants_more: options.any(|option| option.eq_ignore_ascii_case("keep-alive")) }
    }
}

pin_project! {
    /// A response, unless the client is to get nothing but the end of its connection.
    pub(super) struct Answered<F> {
        #[pin]
        future: F,
        names: Option<Arc<HeadNames>>,
        old: Option<OldClient>,
    }
}

impl<F, B> Future for Answered<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
    B: Body,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.future.poll(cx));
        if this.old.as_ref().is_some_and(|client| !client.wants_more || !has_length(&response)) {
            // A body whose length nobody knows ends with the connection. hyper does not say `close`, for in
            // HTTP/1.0 it goes without saying, and would say `keep-alive` in an answer that is not in 1.0.
            *response.version_mut() = Version::HTTP_10;
            let connection = response.headers_mut().entry(CONNECTION);
            connection.or_insert(HeaderValue::from_static("close"));
        }
        let extensions = response.extensions();
        if extensions.get::<CloseConnection>().is_some() {
            return Poll::Ready(Err("a function has closed the connection".into()));
        }
        if let Some(names) = this.names {
            match this.old {
                Some(_) => names.write_to_old_client(extensions),
                None => names.write(extensions),
            }
            names.expect();
        }
        Poll::Ready(Ok(response))
    }
}

fn has_length<B: Body>(response: &Response<B>) -> bool {
    response.headers().contains_key(CONTENT_LENGTH) || response.body().size_hint().exact().is_some()
}
