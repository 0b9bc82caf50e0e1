//! The request's headers: `ngx.req.*_header*`.

use http::Version;
use mlua::{LuaString, Value};

use super::arguments::{Argument, tostring};
use crate::binding::convert::{self, Collected};
use crate::binding::refuse_at;
use crate::binding::{Call, Namespace, bindings};
use crate::lua::Buffer;
use crate::lua::raise_at;
use crate::message::headers;
use crate::transaction::Request;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "get_headers", super::REQUEST, calls get_headers;
        "set_header", super::REQUEST, calls set_header;
        "clear_header", super::REQUEST, calls clear_header;
        "raw_header", super::REQUEST, calls raw_header;
    },
};

// Kong: `raw` gives names in the case that the client sent. Here they have lost it on the way.
fn get_headers(call: &mut Call<'_>, (max, _raw): (Value, Value)) -> mlua::Result<Collected> {
    let max = Argument::new(1, "get_headers").max_count(call, max)?;
    convert::request_headers_table(call.lua, &call.tx.request, max)
}

fn set_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    if name.is_nil() {
        return Err(raise_at(call.lua, "bad 'name' argument: string expected, got nil"));
    }
    let name = tostring(call, name)?;
    let name = headers::name_of(&name.as_bytes()).map_err(|why| refuse_at(call.lua, why))?;
    let values = header_values(call, &value)?;
    let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    let set = call.tx.request.set_header(&name, values, &mut call.tx.share);
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

// Kong: gives the bytes that the client sent. Here it is what they say now, names in lower case.
fn raw_header(call: &mut Call<'_>, no_request_line: Value) -> mlua::Result<LuaString> {
    let request = &call.tx.request;
    if request.version() >= Version::HTTP_2 {
        return Err(raise_at(call.lua, "http2 requests not supported yet"));
    }
    let with_line = matches!(no_request_line, Value::Nil | Value::Boolean(false));
    let mut head = call.buffer();
    write_head(request, with_line, &mut head)?;
    call.string(head)
}

fn write_head(request: &Request, with_line: bool, head: &mut Buffer<'_>) -> mlua::Result<()> {
    if with_line {
        let (method, uri) = (request.method(), request.original_path_and_query());
        head.extend(format!("{method} {uri} {:?}\r\n", request.version()).as_bytes())?;
    }
    for (name, value) in request.headers() {
        head.extend(name.as_str().as_bytes())?;
        head.extend(b": ")?;
        head.extend(value.as_bytes())?;
        head.extend(b"\r\n")?;
    }
    head.extend(b"\r\n")
}
