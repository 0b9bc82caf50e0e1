//! The request's headers: `ngx.req.*_header*`.

use http::header::{CONTENT_LENGTH, HOST, HeaderName};
use mlua::{LuaString, Table, Value};

use super::Noted;
use super::arguments::{Argument, tostring};
use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::convert;
use crate::transaction::headers;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "get_headers", super::REQUEST, calls get_headers;
        "set_header", super::REQUEST, calls set_header;
        "clear_header", super::REQUEST, calls clear_header;
    },
};

/// The headers of which there is one: of several values the last counts.
const SINGLE: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "range",
    "referer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
];

// Kong: `raw` gives names in the case that the client sent. Here they have lost it on the way.
fn get_headers(call: &mut Call<'_>, (max, _raw): (Value, Value)) -> mlua::Result<Noted<Table>> {
    let max = Argument::new(1, "get_headers").max_count(call, max)?;
    convert::headers_table(call.lua, call.tx.request.headers().iter(), max).map(Noted::from)
}

fn set_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    if name.is_nil() {
        return Err(raise_at(call.lua, "bad 'name' argument: string expected, got nil"));
    }
    let name = tostring(call, name)?;
    let name =
        headers::name_of(&name.as_bytes()).map_err(|why| raise_at(call.lua, &why.to_string()))?;
    let values = header_values(call, &name, &value, SINGLE)?;
    if name == HOST && !values.iter().all(|value| is_host(&value.as_bytes())) {
        return Err(raise_at(call.lua, "failed to set header"));
    }
    let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    headers::set(call.tx.request.headers_mut(), &name, values)
        .map_err(|why| raise_at(call.lua, &why.to_string()))
}

/// The values that a header is to have: none for `nil` and for empty text, which unset it.
pub(super) fn header_values(
    call: &Call<'_>,
    name: &HeaderName,
    value: &Value,
    single: &[&str],
) -> mlua::Result<Vec<LuaString>> {
    let texts = match value {
        Value::Nil => Vec::new(),
        Value::Table(values) => values.sequence_values::<Value>().collect::<mlua::Result<_>>()?,
        value => vec![value.clone()],
    };
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        let text = tostring(call, text)?;
        if !text.as_bytes().is_empty() {
            values.push(text);
        }
    }
    if values.len() > 1 && single.contains(&name.as_str()) {
        values.drain(..values.len() - 1);
    }
    if *name == CONTENT_LENGTH && !values.iter().all(|value| is_length(&value.as_bytes())) {
        return Err(raise_at(call.lua, "failed to set header"));
    }
    Ok(values)
}

fn is_length(value: &[u8]) -> bool {
    value.len() < 19 && value.iter().all(u8::is_ascii_digit)
}

/// Whether nginx takes `host` for one: a name, perhaps with a port.
fn is_host(host: &[u8]) -> bool {
    let nameless = host.starts_with(b":") || host == b"." || host.starts_with(b".:");
    !nameless && !host.contains(&b'/') && !host.windows(2).any(|pair| pair == b"..")
}

fn clear_header(call: &mut Call<'_>, name: Value) -> mlua::Result<()> {
    let name = tostring(call, name)?;
    if let Ok(name) = headers::name_of(&name.as_bytes()) {
        call.tx.request.headers_mut().remove(name);
    }
    Ok(())
}
