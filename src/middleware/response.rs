//! [`ResponseForError`]: what the client gets when a function has failed.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, FORWARDED};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use crate::error::Error;
use crate::extension::{Connection, RequestId};
use crate::message::error_page::{Details, ErrorPage};
use crate::message::{error_page, grpc};
use crate::runtime::Runtime;
use crate::transaction::{Source, Transaction};

/// Makes the response of a request whose function has failed.
///
/// The failure has been logged already. What an implementation puts into the response goes to the
/// client: the message of a Lua error is not for its eyes.
///
/// Functions and closures implement it:
///
/// ```
/// use bytes::Bytes;
/// use http::Response;
/// use tower_lua::{Error, FailedRequest, Functions, PreFunctionLayer};
///
/// let layer = PreFunctionLayer::new(Functions::empty()).response_for_error(
///     |error: &Error, request: &FailedRequest<'_>| {
///         let status = if error.is_timeout() { 503 } else { 500 };
///         let body = format!("sorry (request {})", request.id());
///         Response::builder().status(status).body(Bytes::from(body)).expect("a valid response")
///     },
/// );
/// ```
pub trait ResponseForError: Send + Sync + 'static {
    /// The response for `request`, after one of its functions failed with `error`.
    fn response_for_error(&self, error: &Error, request: &FailedRequest<'_>) -> Response<Bytes>;
}

impl<F> ResponseForError for F
where
    F: Fn(&Error, &FailedRequest<'_>) -> Response<Bytes> + Send + Sync + 'static,
{
    fn response_for_error(&self, error: &Error, request: &FailedRequest<'_>) -> Response<Bytes> {
        self(error, request)
    }
}

/// The request whose function failed.
#[derive(Debug)]
pub struct FailedRequest<'a> {
    method: &'a Method,
    headers: &'a HeaderMap,
    is_grpc: bool,
    id: &'a str,
    connection: Option<Connection>,
    client_ip: Option<IpAddr>,
}

impl FailedRequest<'_> {
    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.method
    }

    /// The request's headers, as the functions have left them.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.headers
    }

    /// The request's [id](crate::RequestId), which the log shows as well.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id
    }

    /// The connection that the request came on, if the application [has told](Connection).
    #[must_use]
    pub const fn connection(&self) -> Option<Connection> {
        self.connection
    }

    /// The address of the client, as [`Runtime::client_ip`](crate::Runtime::client_ip) knows it.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        self.client_ip
    }
}

/// Kong's answer: a 500 (503 where the function was [refused](Error::is_refused)) whose body is JSON, or HTML, XML or plain text if the client would rather
/// have that. It says that something went wrong, and the request's id.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultResponseForError;

impl DefaultResponseForError {
    /// The same for another status: what a gateway answers when a service cannot be reached, in
    /// Kong's words for it.
    ///
    /// `headers` are the request's, for its `Accept`; where its `Content-Type` is gRPC's, the response
    /// is one of gRPC, a 200 of trailers only with a `grpc-status`.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use tower_lua::{DefaultResponseForError, RequestId};
    ///
    /// let response = DefaultResponseForError.response_for_status(
    ///     StatusCode::GATEWAY_TIMEOUT,
    ///     &HeaderMap::new(),
    ///     &RequestId::new("4bf92f3577b34da6"),
    /// );
    /// let body = String::from_utf8_lossy(response.body());
    /// assert!(body.contains("The upstream server is timing out"));
    /// ```
    #[must_use]
    pub fn response_for_status(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        id: &RequestId,
    ) -> Response<Bytes> {
        if grpc::is_content_type(headers) {
            return grpc_error(status);
        }
        page_for_status(status, headers, id)
    }
}

impl DefaultResponseForError {
    /// The same with a message of the caller's own, as `kong.response.error(status, message)` has it.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use tower_lua::{DefaultResponseForError, RequestId};
    ///
    /// let response = DefaultResponseForError.response_with_message(
    ///     StatusCode::UNAUTHORIZED,
    ///     "Who are you?",
    ///     &HeaderMap::new(),
    ///     &RequestId::new("4bf92f3577b34da6"),
    /// );
    /// assert!(response.body().starts_with(b"{\n  \"message\":\"Who are you?\""));
    /// ```
    #[must_use]
    pub fn response_with_message(
        self,
        status: StatusCode,
        message: &str,
        headers: &HeaderMap,
        id: &RequestId,
    ) -> Response<Bytes> {
        if grpc::is_content_type(headers) {
            return grpc_error(status);
        }
        let page =
            error_page::for_error(headers, status.as_u16(), id.as_str(), Some(message), None);
        response_of(status, page)
    }
}

impl ResponseForError for DefaultResponseForError {
    fn response_for_error(&self, error: &Error, request: &FailedRequest<'_>) -> Response<Bytes> {
        let status = status_of(error);
        if request.is_grpc {
            return grpc_error(status);
        }
        page_for_status(status, request.headers(), &RequestId::new(request.id()))
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error.is_refused() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// [`DefaultResponseForError`]'s answer, with what Lua says of the error and its stack, for clients on the
/// machine itself: for who writes functions.
///
/// Others get what they would get without it, and so do all where the application does not tell by which
/// [`Connection`] a request has come. Whoever comes by a proxy on the machine is another, if the proxy
/// names its client in `X-Forwarded-For`, `X-Real-IP` or `Forwarded`.
///
/// ```
/// use tower_lua::{DebugResponseForError, Functions, PreFunctionLayer};
///
/// let functions = Functions::access("broken", "local user = nil; return user.name")?;
/// let layer = PreFunctionLayer::new(functions).response_for_error(DebugResponseForError);
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DebugResponseForError;

impl ResponseForError for DebugResponseForError {
    fn response_for_error(&self, error: &Error, request: &FailedRequest<'_>) -> Response<Bytes> {
        if request.is_grpc || !is_of_this_machine(request) {
            return DefaultResponseForError.response_for_error(error, request);
        }
        let (message, status) = (error.to_string(), status_of(error));
        let details = Details { message: &message, traceback: error.traceback().unwrap_or("") };
        let page =
            error_page::for_failure(request.headers(), status.as_u16(), request.id(), &details);
        response_of(status, page)
    }
}

/// Whether the client is known to be where the server is.
fn is_of_this_machine(request: &FailedRequest<'_>) -> bool {
    let is_here = |ip: IpAddr| ip.to_canonical().is_loopback();
    let peer = request.connection.map(|connection| connection.peer_addr().ip());
    let said = ["x-forwarded-for", "x-real-ip"].map(|name| request.headers.get_all(name));
    let mut said =
        said.into_iter().flatten().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    let is_said_here = |address: &[u8]| {
        let address = std::str::from_utf8(address).map(str::trim);
        address.is_ok_and(|address| address.parse().is_ok_and(is_here))
    };
    [peer, request.client_ip].into_iter().all(|ip| ip.is_some_and(is_here))
        && said.all(is_said_here)
        && !request.headers.contains_key(FORWARDED)
}

fn page_for_status(status: StatusCode, headers: &HeaderMap, id: &RequestId) -> Response<Bytes> {
    response_of(status, error_page::for_status(headers, status.as_u16(), id.as_str()))
}

fn response_of(status: StatusCode, page: ErrorPage) -> Response<Bytes> {
    let mut response = Response::new(page.body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(page.content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An error as gRPC has it: what would be trailers stands in the head, and nothing follows.
fn grpc_error(status: StatusCode) -> Response<Bytes> {
    let (number, meaning) = grpc::status_of(status.as_u16());
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(grpc::MIME));
    headers.insert(grpc::STATUS, HeaderValue::from_static(number));
    headers.insert(grpc::MESSAGE, HeaderValue::from_static(meaning));
    response
}

/// Puts the response for `error` into the transaction, in the place of what it has.
pub(super) fn fail(
    transaction: &mut Transaction,
    runtime: &Runtime,
    errors: &dyn ResponseForError,
    error: &Error,
) {
    let id = transaction.request.id().clone();
    let request = FailedRequest {
        method: transaction.request.method(),
        headers: transaction.request.headers(),
        is_grpc: transaction.request.is_grpc(),
        id: id.as_str(),
        connection: transaction.request.connection(),
        client_ip: transaction.request.client_ip(runtime.settings()),
    };
    let (head, body) = errors.response_for_error(error, &request).into_parts();
    let measured = !head.headers.contains_key(CONTENT_LENGTH);
    let response = &mut transaction.response;
    response.source = Some(Source::Error);
    response.resume(head.status, head.headers);
    response.take_output();
    response.printed = false;
    response.end_with(body, measured);
}
