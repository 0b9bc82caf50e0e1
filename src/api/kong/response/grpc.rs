//! What an exit looks like to a gRPC client: headers that say what happened.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use mlua::LuaString;

use crate::binding::refuse;
use crate::lua::Share;
use crate::message::grpc::{MESSAGE, MIME, STATUS, status_of};
use crate::transaction::{Response, Transaction};

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
    pub(super) fn of(tx: &Transaction, given: Option<&LuaString>) -> Option<Self> {
        let is_grpc = |content_type: &[u8]| content_type.starts_with(MIME.as_bytes());
        let named = match given {
            Some(given) => Some(is_grpc(&given.as_bytes())),
            None => tx.response.headers().get(CONTENT_TYPE).map(|set| is_grpc(set.as_bytes())),
        };
        match named {
            Some(named) => named.then_some(Self::Body),
            None => tx.request.is_grpc().then_some(Self::Message),
        }
    }
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
            response.set_header(&MESSAGE.into(), [&message[..]], share).map_err(refuse)?;
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
