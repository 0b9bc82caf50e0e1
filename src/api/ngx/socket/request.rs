//! `ngx.req.socket`: the request's body as a socket, which receives it as it arrives.
//!
//! Kong: what functions leave unread goes nowhere, and the service waits for it in vain. Here it is the
//! body that the service gets.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Version;
use http::header::TRANSFER_ENCODING;
use mlua::{MultiValue, Value};

use super::outcome::Receipt;
use super::receive::{Wanted, reading_until, sought, wanted, wanted_any, wanted_until};
use super::tcp::{all_timeouts, one_timeout};
use super::{Held, Method, Outcome, net};
use crate::api::ngx;
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::raise_at;
use crate::net::{BodySocket, Fault};
use crate::transaction::{Broken, Operation, RequestBody};

pub(in crate::api::ngx) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "socket", ngx::BEFORE, awaits socket;
    },
};

pub(super) const METHODS: Namespace = Namespace {
    path: "reqsock",
    bindings: bindings! {
        "receive", ngx::BEFORE, awaits receive;
        "receiveany", ngx::BEFORE, awaits receiveany;
        "receiveuntil", ngx::BEFORE, calls sought;
        "send", ngx::BEFORE, calls send;
        "close", ngx::BEFORE, calls close;
        "settimeout", ngx::BEFORE, calls settimeout;
        "settimeouts", ngx::BEFORE, calls settimeouts;
    },
};

/// What `receiveuntil` is put together of: what compiles the pattern, and what reads up to it.
pub(super) const PARTS: Namespace = Namespace {
    path: "reqsock",
    bindings: bindings! {
        "receiveuntil.PATTERN", ngx::BEFORE, calls sought;
        "receiveuntil.READ", ngx::BEFORE, awaits read_until;
    },
};

fn socket(
    call: &mut Call<'_>,
    arguments: MultiValue,
) -> mlua::Result<Await<Outcome<Held<BodySocket>>>> {
    if arguments.len() > 1 {
        let message = format!("expecting 0 or 1 argument, but got {}", arguments.len());
        return Err(raise_at(call.lua, &message));
    }
    if call.tx.is_subrequest() {
        return Err(raise_at(call.lua, "attempt to read the request body in a subrequest"));
    }
    let refused = |words| Ok(Await::Ready(Outcome::fault(Fault::new(words))));
    match call.tx.request.body {
        RequestBody::Unread if call.tx.request.is_being_read => {
            return refused("pending request body reading in some other thread");
        }
        RequestBody::Unread => {}
        RequestBody::Discarded => return refused("request body discarded"),
        _ => return refused("request body already exists"),
    }
    // Kong: refuses bodies without a length, those in chunks and those over HTTP/2 as well.
    let is_chunked = call.tx.request.headers().contains_key(TRANSFER_ENCODING);
    match call.tx.request.content_length() {
        Some(0) => return refused(NO_BODY),
        None if is_chunked => {}
        None if call.tx.request.version() < Version::HTTP_2 => return refused(NO_BODY),
        _ => {}
    }
    let says_nothing = call.tx.request.content_length().is_none() && !is_chunked;
    let socket = Arc::new(BodySocket::default());
    call.tx.request.body = RequestBody::Socket;
    call.tx.rare_mut().body_socket = Some(Arc::clone(&socket));
    if !says_nothing {
        return Ok(Await::Ready(Outcome(Ok(Held(socket)))));
    }
    Ok(Await::Future(Operation::arriving(move |_, body| {
        Poll::Ready(match body.is_over() {
            true => Outcome::fault(Fault::new(NO_BODY)),
            false => Outcome(Ok(Held(Arc::clone(&socket)))),
        })
    })))
}

const NO_BODY: &str = "no body";

/// The body that a method is called on.
///
/// # Errors
///
/// When it is that of another request.
fn held(call: &Call<'_>, method: &Method<'_>) -> mlua::Result<Option<Arc<BodySocket>>> {
    let Some(socket) = method.held::<BodySocket>()? else { return Ok(None) };
    let own = call.tx.rare().and_then(|rare| rare.body_socket.as_ref());
    match own.is_some_and(|own| Arc::ptr_eq(own, &socket)) {
        true => Ok(Some(socket)),
        false => Err(raise_at(call.lua, "bad request")),
    }
}

/// Receives what the call wants, at once or when it has arrived.
fn from(
    call: &mut Call<'_>,
    method: &Method<'_>,
    wanted: fn(&Call<'_>, &Method<'_>) -> mlua::Result<Wanted>,
) -> mlua::Result<Await<Receipt>> {
    let refused = |fault| Ok(Await::Ready(Receipt::Refused(fault)));
    let Some(socket) = held(call, method)? else { return refused(Fault::CLOSED) };
    if let Err(fault) = socket.check_readable() {
        return refused(fault);
    }
    let filter = match wanted(call, method)? {
        Wanted::Filter(filter) => filter,
        Wanted::Receipt(receipt) => return Ok(Await::Ready(receipt)),
    };
    let mut receiving = match socket.receive(filter, &net(call)) {
        Ok(receiving) => receiving,
        Err(fault) => return refused(fault),
    };
    if let Some(received) = receiving.now() {
        return Ok(Await::Ready(Receipt::Received(received)));
    }
    Ok(Await::Future(Operation::arriving(move |cx, body| {
        let aborted = |Broken| Fault::new("client aborted");
        let mut next = |cx: &mut Context<'_>| {
            body.poll_next(cx).map(|next| next.map(|data| data.map_err(aborted)))
        };
        receiving.poll(cx, &mut next).map(Receipt::Received)
    })))
}

fn receive(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Receipt>> {
    let problem = "expecting 1 or 2 arguments (including the object), but got";
    let method = Method::new(call, "receive", &arguments, 1..=2, problem)?;
    from(call, &method, wanted)
}

fn receiveany(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Receipt>> {
    let problem = "expecting 2 arguments (including the object), but got";
    let method = Method::new(call, "receiveany", &arguments, 2..=2, problem)?;
    from(call, &method, wanted_any)
}

fn read_until(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Receipt>> {
    let method = reading_until(call, &arguments)?;
    from(call, &method, wanted_until)
}

fn send(call: &mut Call<'_>, _: MultiValue) -> mlua::Result<()> {
    Err(raise_at(call.lua, "attempt to write to request sockets"))
}

#[expect(clippy::unnecessary_wraps, reason = "a binding may fail")]
fn close(_: &mut Call<'_>, _: Value) -> mlua::Result<Outcome<u8>> {
    Ok(Outcome::fault(Fault::new("attempt to close a request socket")))
}

fn settimeout(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let (method, timeout) = one_timeout(call, &arguments)?;
    if let Some(socket) = method.held::<BodySocket>()? {
        socket.set_timeout(timeout);
    }
    Ok(())
}

/// Only the last is for what is received.
fn settimeouts(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let (method, timeouts) = all_timeouts(call, &arguments)?;
    if let Some(socket) = method.held::<BodySocket>()? {
        socket.set_timeout(timeouts.read);
    }
    Ok(())
}
