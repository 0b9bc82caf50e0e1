//! The request's headers: `ngx.req.*_header*`.

use mlua::{LuaString, Value};

use super::args::max_count;
use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::convert::{self, Collected};
use crate::phase::PhaseSet;
use crate::transaction::headers;

const BEFORE_LOG: PhaseSet = super::YIELDABLE.or(PhaseSet::HEADER_FILTER).or(PhaseSet::BODY_FILTER);

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "get_headers", super::REQUEST, calls get_headers;
        "set_header", BEFORE_LOG, calls set_header;
        "clear_header", BEFORE_LOG, calls clear_header;
    },
};

fn get_headers(call: &mut Call<'_>, (max, _raw): (Value, Value)) -> mlua::Result<Collected> {
    convert::headers_table(call.lua, call.tx.request.headers().iter(), max_count(&max))
}

fn set_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    if name.is_nil() {
        return Err(raise_at(call.lua, "bad 'name' argument: string expected, got nil"));
    }
    let name = convert::display(call.lua, &name);
    let name =
        headers::name_of(name.as_bytes()).map_err(|why| raise_at(call.lua, &why.to_string()))?;
    let values = header_values(call, &value)?;
    let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    headers::set(call.tx.request.headers_mut(), &name, values)
        .map_err(|why| raise_at(call.lua, &why.to_string()))
}

/// The values that a header is to have: none for `nil` and for empty text, which unset it.
pub(super) fn header_values(call: &Call<'_>, value: &Value) -> mlua::Result<Vec<LuaString>> {
    let texts = match value {
        Value::Nil => Vec::new(),
        Value::Table(values) => values.sequence_values::<Value>().collect::<mlua::Result<_>>()?,
        value => vec![value.clone()],
    };
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        let text = match text {
            Value::String(text) => text,
            other => call.string(convert::display(call.lua, &other))?,
        };
        if !text.as_bytes().is_empty() {
            values.push(text);
        }
    }
    Ok(values)
}

fn clear_header(call: &mut Call<'_>, name: Value) -> mlua::Result<()> {
    let name = convert::display(call.lua, &name);
    headers::remove(call.tx.request.headers_mut(), name.as_bytes());
    Ok(())
}
