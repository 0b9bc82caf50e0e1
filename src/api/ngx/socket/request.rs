//! `ngx.req.socket`: the request's body as a socket.
//!
//! Kong: reads from the connection as it goes. Here the body is read whole when something is first
//! received, and goes on to the service as well.

use std::sync::Arc;

use bytes::BytesMut;
use http::header::TRANSFER_ENCODING;
use mlua::{MultiValue, Value};
use parking_lot::Mutex;

use super::outcome::Receipt;
use super::receive::{Wanted, sought, wanted, wanted_any, wanted_until};
use super::{Held, Method, Outcome, net};
use crate::api::ngx;
use crate::binding::{Call, Namespace, Wait, bindings};
use crate::lua::raise_at;
use crate::net::{Fault, LastPattern};
use crate::transaction::{Operation, RequestBody};

pub(in crate::api::ngx) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "socket", ngx::BEFORE, calls socket;
    },
};

pub(super) const METHODS: Namespace = Namespace {
    path: "reqsock",
    bindings: bindings! {
        "receive", ngx::BEFORE, waits receive;
        "receiveany", ngx::BEFORE, waits receiveany;
        "receiveuntil", ngx::BEFORE, calls sought;
        "send", ngx::BEFORE, calls send;
        "close", ngx::BEFORE, calls close;
        "settimeout", ngx::BEFORE, calls settimeout;
        "settimeouts", ngx::BEFORE, calls settimeout;
    },
};

/// What `receiveuntil` is put together of: what compiles the pattern, and what reads up to it.
pub(super) const PARTS: Namespace = Namespace {
    path: "reqsock",
    bindings: bindings! {
        "receiveuntil.PATTERN", ngx::BEFORE, calls sought;
        "receiveuntil.READ", ngx::BEFORE, waits read_until;
    },
};

/// A body that is read as a socket is: what is left of it, once it is there.
#[derive(Default)]
pub(super) struct Body {
    left: Mutex<Option<Left>>,
}

struct Left {
    input: BytesMut,
    last_pattern: LastPattern,
}

fn socket(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<Held<Body>>> {
    if arguments.len() > 1 {
        let message = format!("expecting 0 or 1 argument, but got {}", arguments.len());
        return Err(raise_at(call.lua, &message));
    }
    let request = &call.tx.request;
    let refused = |words| Ok(Outcome::fault(Fault::new(words)));
    if request.headers().contains_key(TRANSFER_ENCODING) {
        return refused("chunked request bodies not supported yet");
    }
    match request.body {
        RequestBody::Unread => {}
        _ => return refused("request body already exists"),
    }
    let length = request.headers().get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_none_or(|length| length == 0) {
        return refused("no body");
    }
    call.tx.rare_mut().has_body_socket = true;
    Ok(Outcome(Ok(Held(Arc::default()))))
}

/// What comes of receiving what `filter` wants, once the body is there.
fn take(
    call: &mut Call<'_>,
    method: &Method<'_>,
    filter: impl FnOnce(&Call<'_>) -> mlua::Result<Wanted>,
) -> mlua::Result<Wait<Receipt>> {
    let Some(body) = method.held::<Body>()? else {
        return Ok(Wait::Ready(Receipt::Refused(Fault::CLOSED)));
    };
    let mut left = body.left.lock();
    if left.is_none() {
        let whole = match &call.tx.request.body {
            RequestBody::Unread => {
                let limit = call.settings.max_body_size;
                return call.wait(Operation::ReadBody { limit });
            }
            RequestBody::Read(bytes) | RequestBody::Replaced(bytes) => BytesMut::from(&bytes[..]),
            RequestBody::TooLong { .. } => {
                return Ok(Wait::Ready(Receipt::Refused(Fault::TOO_LONG)));
            }
            RequestBody::Broken => {
                return Ok(Wait::Ready(Receipt::Refused(Fault::new("client aborted"))));
            }
        };
        *left = Some(Left { input: whole, last_pattern: LastPattern::default() });
    }
    let filter = match filter(call)? {
        Wanted::Filter(filter) => filter,
        Wanted::Receipt(receipt) => return Ok(Wait::Ready(receipt)),
    };
    let Left { input, last_pattern } = left.as_mut().expect("made above");
    last_pattern.turn_to(&filter, input);
    Ok(Wait::Ready(Receipt::Received(filter.feed_whole(input, &net(call)))))
}

/// The arguments without the `nil`s at their end, which who waits gets more of.
fn given(mut arguments: MultiValue) -> MultiValue {
    while arguments.back().is_some_and(Value::is_nil) {
        arguments.pop_back();
    }
    arguments
}

fn receive(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Wait<Receipt>> {
    let arguments = given(arguments);
    let problem = "expecting 1 or 2 arguments (including the object), but got";
    let method = Method::new(call, "receive", &arguments, 1..=2, problem)?;
    take(call, &method, |call| wanted(call, &method))
}

fn receiveany(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Wait<Receipt>> {
    let arguments = given(arguments);
    let problem = "expecting 2 arguments (including the object), but got";
    let method = Method::new(call, "receiveany", &arguments, 2..=2, problem)?;
    take(call, &method, |call| wanted_any(call, &method))
}

fn read_until(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Wait<Receipt>> {
    let arguments = given(arguments);
    let method = Method::new(call, "receiveuntil", &arguments, 2..=3, "expecting 0 or 1 argument")?;
    take(call, &method, |call| wanted_until(call, &method))
}

fn send(call: &mut Call<'_>, _: MultiValue) -> mlua::Result<()> {
    Err(raise_at(call.lua, "attempt to write to request sockets"))
}

#[expect(clippy::unnecessary_wraps, reason = "a binding may fail")]
fn close(_: &mut Call<'_>, _: Value) -> mlua::Result<Outcome<u8>> {
    Ok(Outcome::fault(Fault::new("attempt to close a request socket")))
}

/// The body comes as fast as the client sends it, and whoever serves the client has timeouts.
#[expect(clippy::unnecessary_wraps, reason = "a binding may fail")]
fn settimeout(_: &mut Call<'_>, _: MultiValue) -> mlua::Result<()> {
    Ok(())
}
