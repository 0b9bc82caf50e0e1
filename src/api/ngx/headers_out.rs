//! The response's headers: `ngx.header` and `ngx.resp`.

use http::header::TRANSFER_ENCODING;
use mlua::{LuaString, Value};

use super::arguments::{Argument, tostring};
use super::header_names::Written;
use super::headers_in::{header_values, is_true};
use super::log::{complain, note};
use crate::binding::convert::{self, Collected};
use crate::binding::refuse_at;
use crate::binding::{Call, Namespace, bindings};
use crate::error::log::Level;
use crate::lua::raise_at;
use crate::message::headers::{self, Name};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.header",
    bindings: bindings! {
        "HEADER", super::REQUEST, calls get;
        "HEADER =", super::REQUEST, calls set;
    },
};

pub(super) const RESP_NAMESPACE: Namespace = Namespace {
    path: "ngx.resp",
    bindings: bindings! {
        "get_headers", super::REQUEST, calls get_headers;
        "add_header", super::REQUEST, calls add_header;
        "set_status", super::REQUEST, calls set_status;
        "bypass_if_checks", super::REQUEST, calls bypass_if_checks;
    },
};

fn get(call: &mut Call<'_>, name: Value) -> mlua::Result<Value> {
    let name = tostring(call, name)?;
    let name = name.as_bytes();
    let values = headers::get_all(call.tx.response.headers(), &name);
    let mut values: Vec<LuaString> =
        values.map(|value| call.string(value)).collect::<mlua::Result<_>>()?;
    match values.len() {
        0 => Ok(Value::Nil),
        1 => Ok(Value::String(values.remove(0))),
        _ => Ok(Value::Table(call.lua.create_sequence_from(values)?)),
    }
}

fn set(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    let Some(name) = writable(call, name)? else { return Ok(()) };
    let name = name.as_bytes();
    let name = Name::of_response(&name).map_err(|why| refuse_at(call.lua, why))?;
    let values = header_values(call, &value)?;
    let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    let set = call.tx.response.set_header(&name, values, &mut call.tx.share);
    set.map_err(|why| refuse_at(call.lua, why))
}

/// The name of a header that a function may set now.
fn writable(call: &mut Call<'_>, name: Value) -> mlua::Result<Option<LuaString>> {
    if call.tx.response.sent {
        complain(call, "attempt to set ngx.header.HEADER after sending out response headers");
        return Ok(None);
    }
    let name = tostring(call, name)?;
    if headers::same_name(&TRANSFER_ENCODING, &name.as_bytes()) {
        note(call, Level::Warn, "manually setting Transfer-Encoding. Ignored.");
        return Ok(None);
    }
    Ok(Some(name))
}

fn get_headers(call: &mut Call<'_>, (max, raw): (Value, Value)) -> mlua::Result<Collected> {
    let max = Argument::new(1, "get_headers").max_count(call, max)?;
    if is_true(&raw) {
        return Written::of_response(call).table(call.lua, max);
    }
    convert::response_headers_table(call.lua, call.tx, max)
}

fn add_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    if value.is_nil() {
        return Err(raise_at(call.lua, "invalid header value"));
    }
    let Some(name) = writable(call, name)? else { return Ok(()) };
    let name = name.as_bytes();
    let name = Name::of_response(&name).map_err(|why| refuse_at(call.lua, why))?;
    for value in header_values(call, &value)? {
        let tx = &mut *call.tx;
        let added = tx.response.add_header(&name, &value.as_bytes(), &mut tx.share);
        added.map_err(|why| refuse_at(call.lua, why))?;
    }
    Ok(())
}

// Kong: sends the reason, too. Few look at it, and HTTP/2 has none.
fn set_status(call: &mut Call<'_>, (status, reason): (Value, Value)) -> mlua::Result<()> {
    Argument::new(2, "set_status").text(call, &reason)?;
    super::misc::set_status(call, status)
}

/// Has nobody look at `If-Modified-Since` and its like.
fn bypass_if_checks(call: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    call.tx.response.ignores_conditions = true;
    Ok(())
}
