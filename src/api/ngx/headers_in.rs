//! The request's headers: `ngx.req.*_header*`.

use http::Version;
use mlua::{LuaString, Value};

use super::arguments::{Argument, tostring};
use super::header_names::Written;
use crate::binding::convert::{self, Collected};
use crate::binding::refuse_at;
use crate::binding::{Call, Namespace, bindings};
use crate::lua::Buffer;
use crate::lua::raise_at;
use crate::message::headers::{self, Name};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "get_headers", super::REQUEST, calls get_headers;
        "set_header", super::REQUEST, calls set_header;
        "clear_header", super::REQUEST, calls clear_header;
        "raw_header", super::REQUEST, calls raw_header;
    },
};

fn get_headers(call: &mut Call<'_>, (max, raw): (Value, Value)) -> mlua::Result<Collected> {
    let max = Argument::new(1, "get_headers").max_count(call, max)?;
    if is_true(&raw) && call.tx.request.version() < Version::HTTP_2 {
        return Written::of_request(call).table(call.lua, max);
    }
    convert::request_headers_table(call.lua, &call.tx.request, max)
}

/// What Lua takes for true.
pub(super) fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Nil | Value::Boolean(false))
}

fn set_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    if name.is_nil() {
        return Err(raise_at(call.lua, "bad 'name' argument: string expected, got nil"));
    }
    let name = tostring(call, name)?;
    let name = name.as_bytes();
    let name = Name::of_request(&name).map_err(|why| refuse_at(call.lua, why))?;
    let set = match &value {
        // Nearly always.
        Value::String(value) if !value.as_bytes().is_empty() => {
            call.tx.request.set_one_header(&name, &value.as_bytes(), &mut call.tx.share)
        }
        value => {
            let values = header_values(call, value)?;
            let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
            let values = values.iter().map(|value| &**value);
            call.tx.request.set_header(&name, values, &mut call.tx.share)
        }
    };
    set.map_err(|why| refuse_at(call.lua, why))
}

/// The values that a header is to have: none for `nil` and for empty text, which unset it.
pub(crate) fn header_values(call: &Call<'_>, value: &Value) -> mlua::Result<Vec<LuaString>> {
    let mut values = Vec::new();
    let mut add = |text| {
        let text = tostring(call, text)?;
        if text.as_bytes().is_empty() {
            return Ok(());
        }
        // mlua has no room to refer to many thousands of values.
        if values.len() == headers::MAX_COUNT {
            return Err(refuse_at(call.lua, headers::Refused::TooMany));
        }
        values.push(text);
        Ok(())
    };
    match value {
        Value::Nil => {}
        Value::Table(texts) => texts.sequence_values().try_for_each(|text| add(text?))?,
        value => add(value.clone())?,
    }
    Ok(values)
}

fn clear_header(call: &mut Call<'_>, name: Value) -> mlua::Result<()> {
    let name = tostring(call, name)?;
    call.tx.request.remove_header(&name.as_bytes());
    Ok(())
}

// Kong: gives the bytes that the client sent. Here it is what they say now.
fn raw_header(call: &mut Call<'_>, no_request_line: Value) -> mlua::Result<LuaString> {
    if call.tx.request.version() >= Version::HTTP_2 {
        return Err(raise_at(call.lua, "http2 requests not supported yet"));
    }
    let with_line = !is_true(&no_request_line);
    let mut head = call.buffer();
    write_head(call, with_line, &mut head)?;
    call.string(head)
}

fn write_head(call: &Call<'_>, with_line: bool, head: &mut Buffer<'_>) -> mlua::Result<()> {
    let (request, written) = (&call.tx.request, Written::of_request(call));
    if with_line {
        let (method, uri) = (request.method(), request.original_path_and_query());
        head.extend(format!("{method} {uri} {:?}\r\n", request.version()).as_bytes())?;
    }
    for (name, value) in written.fields() {
        head.extend(name.as_bytes())?;
        head.extend(b": ")?;
        head.extend(value.as_bytes())?;
        head.extend(b"\r\n")?;
    }
    head.extend(b"\r\n")
}
