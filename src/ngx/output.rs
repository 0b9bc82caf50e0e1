//! `ngx.say` and `ngx.print`.
//!
//! Kong: what is printed is on its way to the client at once. Here it goes when the phase ends.

use bytes::Bytes;
use http::Method;
use mlua::{MultiValue, Value};

use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::convert;
use crate::pdk::type_name;
use crate::transaction::Source;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "say", super::YIELDABLE, calls say;
        "print", super::YIELDABLE, calls print;
    },
};

/// 1, or `nil` and why nothing was printed.
type Printed = (Option<u8>, Option<&'static str>);

fn say(call: &mut Call<'_>, values: MultiValue) -> mlua::Result<Printed> {
    echo(call, &values, "say", b"\n")
}

fn print(call: &mut Call<'_>, values: MultiValue) -> mlua::Result<Printed> {
    echo(call, &values, "print", b"")
}

fn echo(call: &mut Call<'_>, values: &MultiValue, name: &str, end: &[u8]) -> mlua::Result<Printed> {
    if call.tx.request.method() == Method::HEAD {
        mark_printed(call);
        return Ok((None, Some("header only")));
    }
    let mut text = Vec::new();
    for (position, value) in values.iter().enumerate() {
        append(call, &mut text, value).map_err(|kind| {
            raise_at(
                call.lua,
                &format!(
                    "bad argument #{} to '{name}' (string, number, boolean, nil, ngx.null, or \
                     array table expected, but got {kind})",
                    position + 1
                ),
            )
        })?;
    }
    text.extend_from_slice(end);
    mark_printed(call);
    if !text.is_empty() {
        call.tx.response.output.push(Bytes::from(text));
    }
    Ok((Some(1), None))
}

fn mark_printed(call: &mut Call<'_>) {
    let response = &mut call.tx.response;
    if response.status() == 0 {
        response.set_status(200);
    }
    response.printed = true;
    response.sent = true;
    response.source.get_or_insert(Source::Error);
}

/// Adds what `value` looks like; the name of its type if it looks like nothing.
fn append(call: &Call<'_>, text: &mut Vec<u8>, value: &Value) -> Result<(), &'static str> {
    match value {
        Value::String(string) => text.extend_from_slice(&string.as_bytes()),
        Value::LightUserData(pointer) if pointer.0.is_null() => text.extend_from_slice(b"null"),
        Value::Table(values) => {
            for value in values.sequence_values::<Value>() {
                append(call, text, &value.map_err(|_| "table")?)?;
            }
        }
        Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => {
            text.extend_from_slice(convert::display(call.lua, value).as_bytes());
        }
        other => return Err(type_name(other)),
    }
    Ok(())
}
