//! `resty.http`: lua-resty-http's API over `ngx.socket`. What reads and writes HTTP is here, what puts
//! it together in Lua.

#![expect(clippy::needless_pass_by_value, reason = "a binding owns what Lua passes")]

mod head;
mod request;
mod uri;
mod whole;

use std::sync::Arc;

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, MultiValue, Table, UserData, Value};
use parking_lot::Mutex;

use self::head::Head;
use crate::api::modules::{self, Loader};
use crate::api::ngx::socket;
use crate::binding::{Await, Call, Namespace, bindings};
use crate::extension::Trace;
use crate::lua::{raise_at, short_string};
use crate::net::{Chunked, Fault, Filter, Limits, Portion, Received, Socket};
use crate::phase::PhaseSet;

/// What the Lua half is made with. Functions do not see these.
pub(in crate::api::modules) const NAMESPACE: Namespace = Namespace {
    path: "resty.http",
    bindings: bindings! {
        "request", PhaseSet::YIELDABLE, awaits whole::request;
        "parse_uri", PhaseSet::YIELDABLE, calls uri::parse_uri;
        "send_head", PhaseSet::YIELDABLE, awaits request::send_head;
        "read_head", PhaseSet::YIELDABLE, awaits read_head;
        "chunks", PhaseSet::YIELDABLE, calls chunks;
        "read_chunks", PhaseSet::YIELDABLE, awaits read_chunks;
        "trailers", PhaseSet::YIELDABLE, calls trailers;
        "fingerprint", PhaseSet::YIELDABLE, calls fingerprint;
    },
};

pub(in crate::api::modules) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = modules::bound(lua, &NAMESPACE)?;
    let ngx: Table = lua.globals().get("ngx")?;
    let half = |source| lua.chunk(source);
    let halves = [half(include_str!("connect.lua"))?, half(include_str!("response.lua"))?];
    let (_, headers_of): (Table, Function) = headers(lua)?;
    let given = (native.clone(), ngx.clone());
    let extend = lua.create_function(move |_, http: Table| {
        halves.iter().try_for_each(|half| half.call::<()>((&given.0, &given.1, &http, &headers_of)))
    })?;
    half(include_str!("http.lua"))?.call((native, ngx, extend))
}

/// `resty.http_headers`, and what makes headers of fields.
pub(in crate::api::modules) fn headers<R: FromLuaMulti>(lua: &Loader<'_>) -> mlua::Result<R> {
    lua.chunk(include_str!("headers.lua"))?.call(())
}

/// What came of reading a head.
type Heading = Result<Head, Fault>;

/// How many interim heads a response may have. Each has the whole of the timeout, and a server could go on for
/// ever.
const MAX_INTERIM: usize = 16;

/// The head of a response. Interim ones are passed over, unless the caller waits for one.
fn read_head(
    call: &mut Call<'_>,
    (object, waits): (Value, bool),
) -> mlua::Result<Await<socket::Outcome<Head>>> {
    let Some(socket) = socket::stream(call, &object)? else {
        return Ok(Await::Ready(socket::Outcome::closed()));
    };
    let limits = call.settings.reach.limits;
    let trace = call.tx.traced().map(|traced| traced.trace.clone());
    let call_key = Arc::as_ptr(&socket).addr();
    let told = move |heading: Heading| {
        if let Some(trace) = &trace {
            end_call(trace, call_key, &heading);
        }
        socket::Outcome(heading)
    };
    let mut receiving = match socket.receive(Filter::head(&limits)) {
        Ok(receiving) => receiving,
        Err(fault) => return Ok(Await::Ready(told(Err(fault)))),
    };
    let first = match receiving.now().map(heading) {
        Some(Ok(head)) if head.is_interim() && !waits => Some(Ok(head)),
        Some(heading) => return Ok(Await::Ready(told(heading))),
        None => None,
    };
    Ok(Await::future(async move {
        let first = match first {
            Some(first) => first,
            None => heading(receiving.await),
        };
        let last = if waits { first } else { last(first, &socket, &limits).await };
        Ok(told(last))
    }))
}

/// The head that comes after those that are interim, of which `heading` may be the first.
async fn last(mut heading: Heading, socket: &Arc<Socket>, limits: &Limits) -> Heading {
    for _ in 0..MAX_INTERIM {
        if !matches!(&heading, Ok(head) if head.is_interim()) {
            return heading;
        }
        heading = match socket.receive(Filter::head(limits)) {
            Ok(receiving) => self::heading(receiving.await),
            Err(fault) => Err(fault),
        };
    }
    heading.and_then(|head| match head.is_interim() {
        true => Err(Fault::new("too many interim responses")),
        false => Ok(head),
    })
}

/// Ends the span of a request whose response has this head.
#[cold]
fn end_call(trace: &Trace, key: usize, heading: &Heading) {
    trace.end_call(key, |span| match heading {
        Ok(head) => span.set("http.status_code", head.status()),
        Err(fault) => {
            span.is_ok = Some(false);
            span.set("exception.message", fault.as_str());
        }
    });
}

fn heading(received: Received) -> Heading {
    let bytes = received.map_err(|(fault, _)| fault)?;
    Head::parse(bytes)
}

/// A body in chunks that Lua has in its hands.
struct Chunks(Arc<Mutex<Chunked>>);

impl UserData for Chunks {}

#[expect(clippy::unnecessary_wraps, reason = "a binding may fail")]
fn chunks(_: &mut Call<'_>, (): ()) -> mlua::Result<Chunks> {
    Ok(Chunks(Arc::default()))
}

/// What was read of a body: `nil` at its end.
enum Piece {
    Data(Received),
    End,
}

impl IntoLuaMulti for Piece {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self {
            Self::Data(Ok(data)) => short_string(lua, &data)?.into_lua_multi(lua),
            Self::Data(Err((fault, partial))) => {
                (Value::Nil, fault.as_str(), lua.create_string(partial)?).into_lua_multi(lua)
            }
            Self::End => Value::Nil.into_lua_multi(lua),
        }
    }
}

/// Reads of a body in chunks: all of it, or a piece.
fn read_chunks(
    call: &mut Call<'_>,
    (object, chunks, portion): (Value, mlua::AnyUserData, Value),
) -> mlua::Result<Await<Piece>> {
    let closed = || Await::Ready(Piece::Data(Err((Fault::CLOSED, bytes::BytesMut::new()))));
    let Some(socket) = socket::stream(call, &object)? else { return Ok(closed()) };
    let portion = match portion {
        Value::Boolean(true) => Portion::All,
        size => match call.lua.coerce_number(size)? {
            Some(size) if size >= 1.0 => Portion::Piece(size as usize),
            _ => Portion::Piece(usize::MAX),
        },
    };
    let body = Arc::clone(&chunks.borrow::<Chunks>()?.0);
    if body.lock().is_over() {
        return Ok(Await::Ready(match portion {
            Portion::All => Piece::Data(Ok(bytes::BytesMut::new())),
            Portion::Piece(_) => Piece::End,
        }));
    }
    let filter = Filter::chunks(body, portion, &call.settings.reach.limits);
    let mut receiving = match socket.receive(filter) {
        Ok(receiving) => receiving,
        Err(fault) => {
            return Ok(Await::Ready(Piece::Data(Err((fault, bytes::BytesMut::new())))));
        }
    };
    let piece = move |received: Received| match received {
        Ok(data) if data.is_empty() && portion != Portion::All => Piece::End,
        received => Piece::Data(received),
    };
    Ok(match receiving.now() {
        Some(received) => Await::Ready(piece(received)),
        None => Await::future(async move { Ok(piece(receiving.await)) }),
    })
}

/// The fields that came after a body in chunks.
fn trailers(call: &mut Call<'_>, chunks: mlua::AnyUserData) -> mlua::Result<Table> {
    let body = Arc::clone(&chunks.borrow::<Chunks>()?.0);
    let body = body.lock();
    head::trailer_fields(call.lua, &body.trailers)
}

/// What tells a client certificate from others, in the names of pools.
fn fingerprint(call: &mut Call<'_>, (cert, key): (Value, Value)) -> mlua::Result<String> {
    #[cfg(feature = "tls")]
    if let (Value::UserData(cert), Value::UserData(_)) = (&cert, &key)
        && cert.is::<socket::Certificate>()
    {
        let der = cert.borrow::<socket::Certificate>()?.0.der();
        return Ok(sha1_smol::Sha1::from(der).digest().to_string());
    }
    let _ = (cert, key);
    Err(raise_at(call.lua, "bad ssl_client_cert: cdata expected"))
}
