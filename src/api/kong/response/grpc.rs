//! What an exit looks like to a gRPC client: headers that say what happened.

use bytes::Bytes;
use http::Version;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use mlua::LuaString;

use crate::binding::Call;
use crate::binding::refuse;
use crate::lua::Share;
use crate::transaction::{Request, Response};

pub(super) const MIME: &str = "application/grpc";

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// How a gRPC response carries the text of an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grpc {
    /// In a header: the request is gRPC, and nobody has said what the response is.
    Message,
    /// As its body: a function has said that it is gRPC.
    Body,
}

impl Grpc {
    /// Whether the response is gRPC; `given` is the content type among the headers of the exit.
    pub(super) fn of(call: &Call<'_>, given: Option<&LuaString>) -> Option<Self> {
        let is_grpc = |content_type: &[u8]| content_type.starts_with(MIME.as_bytes());
        let named = match given {
            Some(given) => Some(is_grpc(&given.as_bytes())),
            None => call.tx.response.headers().get(CONTENT_TYPE).map(|set| is_grpc(set.as_bytes())),
        };
        match named {
            Some(named) => named.then_some(Self::Body),
            None => is_asked_for(&call.tx.request).then_some(Self::Message),
        }
    }
}

/// Whether the request is a gRPC call.
pub(super) fn is_asked_for(request: &Request) -> bool {
    let content_type = |headers: &HeaderMap| {
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(MIME.as_bytes()))
    };
    request.version() == Version::HTTP_2 && content_type(request.headers())
}

/// Ends the response, whose HTTP status is set.
pub(super) fn end(
    response: &mut Response,
    grpc: Grpc,
    body: Option<Bytes>,
    measured: bool,
    share: &mut Share,
) -> mlua::Result<()> {
    let (number, meaning) = status_of(response.status());
    let is_new = !response.headers().contains_key(&STATUS);
    if is_new {
        response.put(STATUS, number);
    }
    match body {
        Some(message) if grpc == Grpc::Message => {
            response.set_header(MESSAGE, [&message[..]], share).map_err(refuse)?;
            response.end_empty();
        }
        body => {
            if is_new && !response.headers().contains_key(&MESSAGE) {
                response.put(MESSAGE, meaning);
            }
            response.end_with(body.unwrap_or_default(), measured);
        }
    }
    Ok(())
}

/// The gRPC status that stands for an HTTP status, and its name.
fn status_of(status: u16) -> (&'static str, &'static str) {
    match status {
        401 => ("16", "Unauthenticated"),
        403 => ("7", "PermissionDenied"),
        404 => ("5", "NotFound"),
        409 => ("6", "AlreadyExists"),
        429 => ("8", "ResourceExhausted"),
        499 => ("1", "Canceled"),
        501 => ("12", "Unimplemented"),
        503 => ("14", "Unavailable"),
        504 => ("4", "DeadlineExceeded"),
        200..=299 => ("0", "OK"),
        400..=498 => ("3", "InvalidArgument"),
        500..=599 => ("13", "Internal"),
        _ => ("2", "Unknown"),
    }
}
