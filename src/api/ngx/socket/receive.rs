//! What stream sockets receive: `receive`, `receiveany`, `receiveuntil`.

use std::sync::Arc;

use mlua::{MultiValue, Table, UserData, Value};
use parking_lot::Mutex;

use super::outcome::Receipt;
use super::{Method, Outcome};
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::{raise_at, type_name};
use crate::net::{Fault, Filter, Socket, Until};
use crate::phase::PhaseSet;

pub(super) const METHODS: Namespace = Namespace {
    path: "tcpsock",
    bindings: bindings! {
        "receive", PhaseSet::YIELDABLE, awaits receive;
        "receiveany", PhaseSet::YIELDABLE, awaits receiveany;
        "receiveuntil", PhaseSet::YIELDABLE, calls sought;
    },
};

/// What `receiveuntil` is put together of: what compiles the pattern, and what reads up to it.
pub(super) const PARTS: Namespace = Namespace {
    path: "tcpsock",
    bindings: bindings! {
        "receiveuntil.PATTERN", PhaseSet::YIELDABLE, calls sought;
        "receiveuntil.READ", PhaseSet::YIELDABLE, awaits read_until;
    },
};

/// Receives what `filter` wants, at once or later.
fn begin(socket: &Arc<Socket>, filter: Filter) -> mlua::Result<Await<Receipt>> {
    let mut receiving = match socket.receive(filter) {
        Ok(receiving) => receiving,
        Err(fault) => return Ok(Await::Ready(Receipt::Refused(fault))),
    };
    Ok(match receiving.now() {
        Some(received) => Await::Ready(Receipt::Received(received)),
        None => Await::future(async move { Ok(Receipt::Received(receiving.await)) }),
    })
}

/// What a call wants to receive, or what it gets without.
pub(super) enum Wanted {
    Filter(Filter),
    Receipt(Receipt),
}

/// Receives what the call wants, if something may be received.
fn from(
    call: &mut Call<'_>,
    method: &Method<'_>,
    wanted: fn(&Call<'_>, &Method<'_>) -> mlua::Result<Wanted>,
) -> mlua::Result<Await<Receipt>> {
    let refused = |fault| Ok(Await::Ready(Receipt::Refused(fault)));
    let Some(socket) = method.socket(call)? else { return refused(Fault::CLOSED) };
    if let Err(fault) = socket.check_readable() {
        return refused(fault);
    }
    match wanted(call, method)? {
        Wanted::Filter(filter) => begin(&socket, filter),
        Wanted::Receipt(receipt) => Ok(Await::Ready(receipt)),
    }
}

fn receive(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Receipt>> {
    let problem = "expecting 1 or 2 arguments (including the object), but got";
    let method = Method::new(call, "receive", &arguments, 1..=2, problem)?;
    from(call, &method, wanted)
}

/// What `receive` wants.
pub(super) fn wanted(call: &Call<'_>, method: &Method<'_>) -> mlua::Result<Wanted> {
    let argument = method.argument(1);
    let limits = call.settings.reach.limits;
    if method.arguments.len() == 1 {
        return Ok(Wanted::Filter(Filter::line(&limits)));
    }
    let wanted = method.get(1);
    let number = if wanted.is_boolean() { None } else { call.lua.coerce_number(wanted.clone())? };
    Ok(Wanted::Filter(match (number, &wanted) {
        (Some(size), _) if size.trunc() < 0.0 => {
            return Err(argument.bad(call, "bad number argument"));
        }
        (Some(size), _) if size < 1.0 => {
            return Ok(Wanted::Receipt(Receipt::Received(Ok(bytes::BytesMut::new()))));
        }
        (Some(size), _) => Filter::size(size as usize, &limits),
        (None, Value::String(pattern)) => match &*pattern.as_bytes() {
            b"*l" => Filter::line(&limits),
            b"*a" => Filter::all(&limits),
            [b'*', _] => return Err(argument.bad(call, "bad pattern argument")),
            _ => {
                let problem = format!("bad pattern argument: {}", pattern.display());
                return Err(argument.bad(call, &problem));
            }
        },
        _ => return Err(argument.bad(call, "bad argument")),
    }))
}

fn receiveany(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Receipt>> {
    let problem = "expecting 2 arguments (including the object), but got";
    let method = Method::new(call, "receiveany", &arguments, 2..=2, problem)?;
    from(call, &method, wanted_any)
}

/// What `receiveany` wants.
pub(super) fn wanted_any(call: &Call<'_>, method: &Method<'_>) -> mlua::Result<Wanted> {
    let max = method.get(1);
    let max = if max.is_boolean() { None } else { call.lua.coerce_number(max)? };
    match max {
        Some(max) if max >= 1.0 => Ok(Wanted::Filter(Filter::any(max as usize))),
        _ => Err(method.argument(1).bad(call, "bad max argument")),
    }
}

/// A pattern that Lua has in its hands.
pub(super) struct Sought(Arc<Mutex<Until>>);

impl UserData for Sought {}

pub(super) fn sought(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<Sought>> {
    let problem = "expecting 2 or 3 arguments (including the object), but got";
    let method = Method::new(call, "receiveuntil", &arguments, 2..=3, problem)?;
    let inclusive = match arguments.get(2) {
        None => false,
        Some(Value::Table(options)) => is_inclusive(call, options)?,
        Some(other) => {
            return Err(method.argument(2).mismatch(call, "table", type_name(other)));
        }
    };
    let pattern = method.argument(1).text(call, &method.get(1))?;
    if pattern.as_bytes().is_empty() {
        return Ok(Outcome::fault(Fault::new("pattern is empty")));
    }
    let until = Until::new(&pattern.as_bytes(), inclusive);
    Ok(Outcome(Ok(Sought(Arc::new(Mutex::new(until))))))
}

fn is_inclusive(call: &Call<'_>, options: &Table) -> mlua::Result<bool> {
    match options.raw_get("inclusive")? {
        Value::Nil => Ok(false),
        Value::Boolean(inclusive) => Ok(inclusive),
        other => {
            let kind = type_name(&other);
            let message = format!("bad \"inclusive\" option value type: {kind}");
            Err(raise_at(call.lua, &message))
        }
    }
}

/// One call of what `receiveuntil` returns: the socket, the pattern, and perhaps a size.
fn read_until(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Receipt>> {
    let method = reading_until(call, &arguments)?;
    from(call, &method, wanted_until)
}

/// The same as a method.
pub(super) fn reading_until<'a>(
    call: &Call<'_>,
    arguments: &'a MultiValue,
) -> mlua::Result<Method<'a>> {
    let given = arguments.len().saturating_sub(2);
    if given > 1 {
        return Err(raise_at(call.lua, &format!("expecting 0 or 1 argument, but seen {given}")));
    }
    Method::new(call, "receiveuntil", arguments, 2..=3, "")
}

/// What such a call wants.
pub(super) fn wanted_until(call: &Call<'_>, method: &Method<'_>) -> mlua::Result<Wanted> {
    let size = match method.arguments.get(2) {
        None => None,
        Some(size) => {
            let size = method.argument(1).number(call, size.clone())?;
            (size >= 1.0).then_some(size as usize)
        }
    };
    let Some(Value::UserData(sought)) = method.arguments.get(1) else {
        return Ok(Wanted::Receipt(Receipt::Refused(Fault::CLOSED)));
    };
    let pattern = Arc::clone(&sought.borrow::<Sought>()?.0);
    if std::mem::take(&mut pattern.lock().found) {
        return Ok(Wanted::Receipt(Receipt::Over));
    }
    Ok(Wanted::Filter(Filter::until(pattern, size, &call.settings.reach.limits)))
}
