//! Stream sockets: `ngx.socket.tcp`.

use std::time::{Duration, Instant};

use mlua::{MultiValue, Table, Value};

use super::{Held, Method, Outcome, net, port, sockets, timeout};
use crate::api::ngx;
use crate::binding::{Await, Call, Namespace, bindings};
use crate::extension::{Trace, TraceSpan};
use crate::lua::{raise_at, type_name};
use crate::net::{Fault, PoolOptions, Setting, Socket, Target, Timeouts, local};
use crate::phase::PhaseSet;
use crate::transaction::Traced;

pub(in crate::api::ngx) const NAMESPACE: Namespace = Namespace {
    path: "ngx.socket",
    bindings: bindings! {
        "tcp", PhaseSet::YIELDABLE, calls tcp;
        // Put together in Lua of `tcp` and the method `connect`.
        "stream", PhaseSet::YIELDABLE, calls tcp;
        "connect", PhaseSet::YIELDABLE, calls tcp;
    },
};

pub(super) const METHODS: Namespace = Namespace {
    path: "tcpsock",
    bindings: bindings! {
        "bind", PhaseSet::YIELDABLE, calls bind;
        "connect", PhaseSet::YIELDABLE, awaits connect;
        "send", PhaseSet::YIELDABLE, awaits send;
        "close", PhaseSet::YIELDABLE, calls close;
        "shutdown", PhaseSet::YIELDABLE, calls shutdown;
        "settimeout", PhaseSet::YIELDABLE, calls settimeout;
        "settimeouts", PhaseSet::YIELDABLE, calls settimeouts;
        "setoption", PhaseSet::YIELDABLE, calls setoption;
        "getoption", PhaseSet::YIELDABLE, calls getoption;
        "getfd", PhaseSet::YIELDABLE, calls getfd;
        "setkeepalive", PhaseSet::YIELDABLE, calls setkeepalive;
        "getreusedtimes", PhaseSet::YIELDABLE, calls getreusedtimes;
    },
};

fn tcp(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Held<Socket>> {
    if !arguments.is_empty() {
        let message = format!("expecting zero arguments, but got {}", arguments.len());
        return Err(raise_at(call.lua, &message));
    }
    let (net, owner) = (net(call), sockets(call));
    Ok(Held(Socket::new(&net, &owner)))
}

fn bind(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u8>> {
    let problem = "expecting 2 or 3 arguments, but got";
    let method = Method::new(call, "bind", &arguments, 2..=3, problem)?;
    let address = method.argument(1).text(call, &method.get(1))?;
    let number = match method.get(2) {
        Value::Nil => 0.0,
        value => match call.lua.coerce_number(value.clone())? {
            Some(number) => number,
            None => {
                let kind = type_name(&value);
                let message = format!("expecting port to be anumber but got type: {kind}");
                return Ok(Outcome::fault(message.into()));
            }
        },
    };
    let port = match port(number) {
        Ok(port) => port,
        Err(fault) => return Ok(Outcome::fault(fault)),
    };
    let Some(address) = address.to_str().ok().and_then(|text| local(&text, port)) else {
        return Ok(Outcome::fault(Fault::new("bad address")));
    };
    if let Some(socket) = method.socket(call)? {
        socket.bind(address);
    }
    Ok(Outcome(Ok(1)))
}

fn connect(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Outcome<u8>>> {
    let problem = "ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but \
                   seen";
    let method = Method::new(call, "connect", &arguments, 2..=4, problem)?;
    let host = method.argument(1).text(call, &method.get(1))?;
    let last = arguments.len() - 1;
    let (mut options, mut count) = (None, arguments.len());
    if let Some(Value::Table(table)) = arguments.get(last) {
        options = Some(pool_options(call, &method, last, table)?);
        count = last;
    }
    let given = if count >= 3 { call.lua.coerce_number(method.get(2))? } else { None };
    let host_text = host.to_string_lossy();
    let is_unix = host_text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("unix:"));
    let (number, pool) = match given {
        Some(number) => {
            let text = method.argument(2).text(call, &method.get(2))?;
            let pool = [&*host.as_bytes(), b":", &*text.as_bytes()].concat();
            (number, pool)
        }
        None if is_unix => (0.0, host.as_bytes().to_vec()),
        None => return ready(Err(Fault::new("missing the port number"))),
    };
    let port = match port(number) {
        Ok(port) => port,
        Err(fault) => return ready(Err(fault)),
    };
    let Some(socket) = method.socket(call)? else { return ready(Err(Fault::CLOSED)) };
    let (name, size, backlog) = options.unwrap_or_default();
    let pool = PoolOptions { name: name.unwrap_or(pool), size, backlog };
    let owner = sockets(call);
    let span = call.tx.traced().and_then(|traced| span(traced, &host_text, port));
    match socket.connect(Target::new(&host_text, port), pool, &owner) {
        Err(fault) => ready(end(span, Err(fault))),
        // A connection that there was.
        Ok(None) => ready(Ok(1)),
        Ok(Some(connecting)) => {
            Ok(Await::future(async move { Ok(Outcome(end(span, connecting.await.map(|()| 1)))) }))
        }
    }
}

/// The span of a connection that is to be made, if anybody wants it.
#[cold]
fn span(traced: &Traced, host: &str, port: u16) -> Option<(Trace, TraceSpan)> {
    let trace = traced.trace.clone();
    if !trace.is_sampled() {
        return None;
    }
    let mut span = trace.span("kong.internal.connect", Instant::now());
    (span.kind, span.parent_id) = ("client", traced.function);
    span.set("net.peer.name", host);
    span.set("net.peer.port", port);
    Some((trace, span))
}

fn end(span: Option<(Trace, TraceSpan)>, result: Result<u8, Fault>) -> Result<u8, Fault> {
    if let Some((trace, mut span)) = span {
        if let Err(fault) = &result {
            span.is_ok = Some(false);
            span.set("exception.message", fault.as_str());
        }
        trace.end(span);
    }
    result
}

fn ready<T: Send + 'static>(result: Result<T, Fault>) -> mlua::Result<Await<Outcome<T>>> {
    Ok(Await::Ready(Outcome(result)))
}

/// The name, size and backlog of a pool, as far as they are given.
type Pool = (Option<Vec<u8>>, Option<usize>, Option<usize>);

/// The size of a pool whose size nobody has said: nginx's `lua_socket_pool_size`.
pub(crate) const POOL_SIZE: usize = 30;

fn pool_options(
    call: &Call<'_>,
    method: &Method<'_>,
    place: usize,
    options: &Table,
) -> mlua::Result<Pool> {
    let bad = |what: &str, problem: String| {
        method.argument(place).bad(call, &format!("bad \"{what}\" option {problem}"))
    };
    let number = |name: &str, least: f64| {
        let value: Value = options.raw_get(name)?;
        match call.lua.coerce_number(value.clone())? {
            Some(number) if number.trunc() >= least => Ok(Some(number as usize)),
            Some(number) => Err(bad(name, format!("value: {}", number.trunc()))),
            None if value.is_nil() => Ok(None),
            None => Err(bad(name, format!("type: {}", type_name(&value)))),
        }
    };
    let mut size = number("pool_size", 1.0)?;
    let backlog = number("backlog", 0.0)?;
    if backlog.is_some() {
        size = size.or(Some(POOL_SIZE));
    }
    let name = match options.raw_get("pool")? {
        Value::Nil => None,
        value @ (Value::String(_) | Value::Integer(_) | Value::Number(_)) => {
            Some(method.argument(place).text(call, &value)?.as_bytes().to_vec())
        }
        other => return Err(bad("pool", format!("type: {}", type_name(&other)))),
    };
    Ok((name, size, backlog))
}

fn send(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Outcome<usize>>> {
    let problem = "expecting 2 arguments (including the object), but got";
    let method = Method::new(call, "send", &arguments, 2..=2, problem)?;
    let Some(socket) = method.socket(call)? else { return ready(Err(Fault::CLOSED)) };
    if let Err(fault) = socket.check_writable() {
        return ready(Err(fault));
    }
    let data = method.data(call)?;
    let length = data.with(<[u8]>::len);
    if length == 0 {
        return ready(Ok(0));
    }
    match data.with(|data| socket.send(data)) {
        Err(fault) => ready(Err(fault)),
        Ok(None) => ready(Ok(length)),
        Ok(Some(sending)) => {
            let sending = sending.counted(&mut call.tx.share)?;
            Ok(Await::future(async move { Ok(Outcome(sending.await.map(|()| length))) }))
        }
    }
}

fn close(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u8>> {
    let problem = "expecting 1 argument (including the object) but seen";
    let method = Method::new(call, "close", &arguments, 1..=1, problem)?;
    let Some(socket) = method.held::<Socket>()? else { return Ok(Outcome::closed()) };
    Ok(Outcome(socket.close().map(|()| 1)))
}

/// As stream-lua-nginx-module has it: the half that sends.
fn shutdown(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u8>> {
    let problem = "expecting 2 arguments (including the object), but got";
    let method = Method::new(call, "shutdown", &arguments, 2..=2, problem)?;
    let direction = method.argument(1).text(call, &method.get(1))?;
    if &*direction.as_bytes() != b"send" {
        let problem = format!("bad shutdown argument: {}", direction.display());
        return Err(method.argument(1).bad(call, &problem));
    }
    let Some(socket) = method.socket(call)? else { return Ok(Outcome::closed()) };
    Ok(Outcome(socket.shut_down().map(|()| 1)))
}

fn settimeout(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let (method, all) = one_timeout(call, &arguments)?;
    if let Some(socket) = method.held::<Socket>()? {
        socket.set_timeouts(Timeouts { connect: all, send: all, read: all });
    }
    Ok(())
}

fn settimeouts(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let (method, timeouts) = all_timeouts(call, &arguments)?;
    if let Some(socket) = method.held::<Socket>()? {
        socket.set_timeouts(timeouts);
    }
    Ok(())
}

/// What `settimeout` is called on, and with.
pub(super) fn one_timeout<'a>(
    call: &Call<'_>,
    arguments: &'a MultiValue,
) -> mlua::Result<(Method<'a>, Duration)> {
    let problem = "ngx.socket settimeout: expecting 2 arguments (including the object) but seen";
    let method = Method::new(call, "settimeout", arguments, 2..=2, problem)?;
    let given = timeout(call, &method.get(1))?;
    Ok((method, given))
}

/// What `settimeouts` is called on, and with.
pub(super) fn all_timeouts<'a>(
    call: &Call<'_>,
    arguments: &'a MultiValue,
) -> mlua::Result<(Method<'a>, Timeouts)> {
    let problem = "ngx.socket settimeouts: expecting 4 arguments (including the object) but seen";
    let method = Method::new(call, "settimeouts", arguments, 4..=4, problem)?;
    let timeouts = Timeouts {
        connect: timeout(call, &method.get(1))?,
        send: timeout(call, &method.get(2))?,
        read: timeout(call, &method.get(3))?,
    };
    Ok((method, timeouts))
}

/// The socket and the option that a call is about.
fn option(
    call: &mut Call<'_>,
    method: &Method<'_>,
) -> mlua::Result<Result<(std::sync::Arc<Socket>, Setting), Fault>> {
    let name = method.get(1);
    if name.is_nil() {
        return Ok(Err(Fault::new("missing the \"option\" argument")));
    }
    let Some(socket) = method.socket(call)?.filter(|socket| socket.was_used()) else {
        return Err(raise_at(call.lua, "socket is never created nor connected"));
    };
    let name = ngx::tostring(call, name)?;
    let Some(setting) = Setting::named(&name.as_bytes()) else {
        return Ok(Err(format!("unsupported option {}", name.display()).into()));
    };
    Ok(Ok((socket, setting)))
}

fn setoption(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<bool>> {
    let problem = "expecting 2 or 3 arguments (including the object), but got";
    let method = Method::new(call, "setoption", &arguments, 1..=3, problem)?;
    if method.get(1).is_nil() {
        return Ok(Outcome::fault(Fault::new("missing the \"option\" argument")));
    }
    let value = match method.get(2) {
        Value::Nil => return Ok(Outcome::fault(Fault::new("missing the \"value\" argument"))),
        Value::Boolean(value) => u32::from(value).into(),
        value => match call.lua.coerce_number(value)? {
            Some(value) => value,
            None => return Ok(Outcome::fault(Fault::new("bad \"value\" argument"))),
        },
    };
    Ok(Outcome(match option(call, &method)? {
        Err(fault) => Err(fault),
        Ok((socket, setting)) => socket.set_option(setting, value as u32).map(|()| true),
    }))
}

fn getoption(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<usize>> {
    let problem = "expecting 2 arguments (including the object), but got";
    let method = Method::new(call, "getoption", &arguments, 1..=2, problem)?;
    Ok(Outcome(match option(call, &method)? {
        Err(fault) => Err(fault),
        Ok((socket, setting)) => socket.option(setting),
    }))
}

fn getfd(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<i32>> {
    let problem = "ngx.socket getfd: expecting the cosocket object, but seen";
    let method = Method::new(call, "getfd", &arguments, 1..=1, problem)?;
    let Some(socket) = method.socket(call)?.filter(|socket| socket.was_used()) else {
        return Err(raise_at(call.lua, "socket is never created nor connected"));
    };
    Ok(Outcome(socket.descriptor()))
}

/// How long a connection waits when nobody says: nginx's `lua_socket_keepalive_timeout`.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(60);

fn setkeepalive(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u8>> {
    let problem = "expecting 1 to 3 arguments (including the object), but got";
    let method = Method::new(call, "setkeepalive", &arguments, 1..=3, problem)?;
    let timeout = match method.get(1) {
        Value::Nil => Some(KEEPALIVE),
        value => match method.argument(1).number(call, value)? {
            millis if millis >= 1.0 => Some(Duration::from_millis(millis as u64)),
            _ => None,
        },
    };
    let size = match method.get(2) {
        Value::Nil => POOL_SIZE as f64,
        value => method.argument(2).number(call, value)?.trunc(),
    };
    if size <= 0.0 {
        let problem = format!("bad \"pool_size\" option value: {size}");
        return Err(method.argument(2).bad(call, &problem));
    }
    let Some(socket) = method.socket(call)? else { return Ok(Outcome::closed()) };
    Ok(Outcome(socket.keep(timeout, size as usize).map(|()| 1)))
}

fn getreusedtimes(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u32>> {
    let problem = "expecting 1 argument (including the object), but got";
    let method = Method::new(call, "getreusedtimes", &arguments, 1..=1, problem)?;
    let Some(socket) = method.held::<Socket>()? else { return Ok(Outcome::closed()) };
    Ok(Outcome(socket.reused()))
}
