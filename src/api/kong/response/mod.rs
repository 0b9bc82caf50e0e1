//! `kong.response`: the response to the client.

mod body;
mod exit;
mod grpc;

use http::HeaderValue;
use http::header::TRANSFER_ENCODING;
use mlua::{LuaString, Value};

use super::{checks, entity};
use crate::binding::convert::{self, Collected};
use crate::binding::refuse;
use crate::binding::{Asked, Call, Namespace, bindings};
use crate::lua::shortcut::{Answer, Arguments};
use crate::lua::{as_number, raise};
use crate::message::headers::{self, Name};
use crate::phase::PhaseSet;
use crate::transaction::Source;

const HEADER_BODY_LOG: PhaseSet = PhaseSet::RESPONSE
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::BODY_FILTER)
    .or(PhaseSet::LOG)
    .or(PhaseSet::ERROR)
    .or(PhaseSet::ADMIN_API);

const REWRITE_ACCESS_HEADER: PhaseSet = PhaseSet::REWRITE
    .or(PhaseSet::ACCESS)
    .or(PhaseSet::RESPONSE)
    .or(PhaseSet::BALANCER)
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::ERROR)
    .or(PhaseSet::ADMIN_API);

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.response",
    bindings: bindings! {
        "get_status", HEADER_BODY_LOG, calls get_status, shortcut get_status_shortcut;
        "get_header", HEADER_BODY_LOG, calls get_header, shortcut get_header_shortcut;
        "get_headers", HEADER_BODY_LOG, calls get_headers;
        "get_source", HEADER_BODY_LOG, calls get_source;
        "set_status", REWRITE_ACCESS_HEADER, calls set_status;
        "set_header", REWRITE_ACCESS_HEADER, calls set_header, shortcut set_header_shortcut;
        "add_header", REWRITE_ACCESS_HEADER, calls add_header;
        "clear_header", REWRITE_ACCESS_HEADER, calls clear_header;
        "set_headers", REWRITE_ACCESS_HEADER, calls set_headers;
        "get_raw_body", PhaseSet::BODY_FILTER, calls body::get_raw_body;
        "set_raw_body", PhaseSet::BODY_FILTER, calls body::set_raw_body;
        "exit", REWRITE_ACCESS_HEADER, exits exit::exit, shortcut exit::exit_shortcut;
        "error", REWRITE_ACCESS_HEADER, exits exit::error;
    },
};

fn get_status(call: &mut Call<'_>, (): ()) -> mlua::Result<u16> {
    Ok(call.tx.response.status())
}

fn get_status_shortcut(Asked { tx, .. }: Asked<'_>, arguments: &Arguments<'_>) -> Option<Answer> {
    let [] = arguments.texts()?;
    Some(Answer::Number(f64::from(tx.response.status())))
}

fn get_header(call: &mut Call<'_>, name: Value) -> mlua::Result<Option<LuaString>> {
    let name = checks::string(name, "header name must be a string")?;
    let value = headers::get(call.tx.response.headers(), &name.as_bytes());
    value.map(|value| call.string(value)).transpose()
}

fn get_header_shortcut(
    Asked { tx, scratch, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [name] = arguments.texts()?;
    let value = headers::get(tx.response.headers(), name);
    Some(scratch.answer(value.map(HeaderValue::as_bytes)))
}

fn get_headers(call: &mut Call<'_>, (max_headers,): (Value,)) -> mlua::Result<Collected> {
    let max = checks::count(&max_headers, "max_headers")?;
    convert::response_headers_table(call.lua, call.tx, max)
}

/// Kong keeps its notes of the source in `ngx.ctx`, where functions may write others.
fn get_source(call: &mut Call<'_>, (): ()) -> mlua::Result<&'static str> {
    let known = call.tx.response.source.unwrap_or(Source::Error);
    let notes = [
        ("KONG_UNEXPECTED", Source::Error, false),
        ("KONG_EXITED", Source::Exit, known == Source::Exit),
        ("KONG_PROXIED", Source::Service, known == Source::Service),
    ];
    for (note, source, unwritten) in notes {
        let is_so = match entity::present(call.lua, call.tx, note)? {
            Value::Nil => unwritten,
            written => !matches!(written, Value::Boolean(false)),
        };
        if is_so {
            return Ok(source.name());
        }
    }
    Ok(Source::Error.name())
}

fn ensure_not_sent(call: &Call<'_>) -> mlua::Result<()> {
    if call.tx.response.sent { Err(raise("headers have already been sent")) } else { Ok(()) }
}

/// A status between `least` and 599. A fraction is cut off.
fn status_code(value: &Value, least: u16) -> mlua::Result<u16> {
    match as_number(value) {
        None => Err(raise("code must be a number")),
        Some(code) if code >= f64::from(least) && code <= 599.0 => Ok(code as u16),
        Some(_) => Err(raise(format!("code must be a number between {least} and 599"))),
    }
}

fn set_status(call: &mut Call<'_>, (status,): (Value,)) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let status = status_code(&status, 100)?;
    call.tx.response.set_status(status);
    Ok(())
}

/// The name of a response header, or nothing for `Transfer-Encoding`, which is hyper's business.
fn settable<'a>(call: &Call<'_>, name: &'a [u8]) -> mlua::Result<Option<Name<'a>>> {
    let name = Name::of_response(name).map_err(refuse)?;
    if name.name == TRANSFER_ENCODING {
        super::log::warn(call, "manually setting Transfer-Encoding. Ignored.");
        return Ok(None);
    }
    super::log::warn_of_escaped(call, &name);
    Ok(Some(name))
}

fn put_header(call: &mut Call<'_>, name: &LuaString, values: &[LuaString]) -> mlua::Result<()> {
    let name = name.as_bytes();
    let Some(name) = settable(call, &name)? else { return Ok(()) };
    let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    call.tx.response.set_header(&name, values, &mut call.tx.share).map_err(refuse)
}

fn set_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let values = checks::header_values(call, &name, &value)?;
    put_header(call, &checks::string(name, "header name must be a string")?, &values)
}

fn set_header_shortcut(Asked { tx, .. }: Asked<'_>, arguments: &Arguments<'_>) -> Option<Answer> {
    let [name, value] = arguments.texts()?;
    let name = Name::of_response(name).ok()?;
    let is_special = name.name == TRANSFER_ENCODING || name.is_escaped() || value.is_empty();
    if tx.response.sent || is_special {
        return None;
    }
    tx.response.set_one_header(&name, value, &mut tx.share).ok()?;
    Some(Answer::Nothing)
}

fn add_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let values = checks::header_values(call, &name, &value)?;
    let name = checks::string(name, "header name must be a string")?;
    let name = name.as_bytes();
    let Some(name) = settable(call, &name)? else { return Ok(()) };
    for value in values {
        let tx = &mut *call.tx;
        let added = tx.response.add_header(&name, &value.as_bytes(), &mut tx.share);
        added.map_err(refuse)?;
    }
    Ok(())
}

fn clear_header(call: &mut Call<'_>, name: Value) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let name = checks::string(name, "header name must be a string")?;
    let name = name.as_bytes();
    let name = Name::of_response(&name).map_err(refuse)?;
    call.tx.response.set_header(&name, [], &mut call.tx.share).map_err(refuse)
}

fn set_headers(call: &mut Call<'_>, headers: Value) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let headers = checks::table(headers, "headers must be a table")?;
    for (name, values) in checks::headers(call, &headers)? {
        put_header(call, &name, &values)?;
    }
    Ok(())
}
