//! Argument checks, with Kong's messages: `kong/pdk/private/checks.lua`.

use mlua::{LuaString, Table, Value};

use crate::binding::refuse;
use crate::binding::{Call, convert};
use crate::lua::{as_number, raise, type_name};
use crate::message::headers;
use crate::message::headers::Refused;

/// The value as a string, or an error with `message`.
pub(super) fn string(value: Value, message: &str) -> mlua::Result<LuaString> {
    match value {
        Value::String(string) => Ok(string),
        _ => Err(raise(message)),
    }
}

/// The text of an optional first argument of `function`, where Kong leaves the check to a function of
/// Lua's own.
pub(super) fn text_or_nothing(
    call: &Call<'_>,
    value: Value,
    function: &str,
) -> mlua::Result<Option<LuaString>> {
    match value {
        Value::Nil | Value::Boolean(false) => Ok(None),
        Value::String(_) | Value::Integer(_) | Value::Number(_) => call.lua.coerce_string(value),
        other => Err(raise(format!(
            "bad argument #1 to '{function}' (string expected, got {})",
            type_name(&other)
        ))),
    }
}

/// The value as a table, or an error with `message`.
pub(super) fn table(value: Value, message: &str) -> mlua::Result<Table> {
    match value {
        Value::Table(table) => Ok(table),
        _ => Err(raise(message)),
    }
}

/// How many headers or arguments are wanted: 1 to 1000, 100 when nothing is said. `name` is the
/// parameter's, for messages.
pub(super) fn count(value: &Value, name: &str) -> mlua::Result<usize> {
    if value.is_nil() {
        return Ok(convert::DEFAULT_MAX);
    }
    match as_number(value) {
        None => Err(raise(format!("{name} must be a number"))),
        Some(count) if count < 1.0 => Err(raise(format!("{name} must be >= 1"))),
        Some(count) if count > 1000.0 => Err(raise(format!("{name} must be <= 1000"))),
        Some(count) => Ok(count as usize),
    }
}

/// The values that a header is to be given: `validate_header` and `normalize_multi_header`.
pub(super) fn header_values(
    call: &Call<'_>,
    name: &Value,
    value: &Value,
) -> mlua::Result<Vec<LuaString>> {
    let shown = convert::display(call.lua, name);
    if !name.is_string() {
        let kind = type_name(name);
        return Err(raise(format!("invalid header name \"{shown}\": got {kind}, expected string")));
    }
    match value {
        Value::Table(values) => array_values(call, &shown, values),
        _ => match convert::scalar_text(call.lua, value)? {
            Some(text) => Ok(vec![never_empty(call, text)?]),
            None => Err(raise(format!(
                "invalid header value for \"{shown}\": got {}, expected array of string, string, \
                 number or boolean",
                type_name(value)
            ))),
        },
    }
}

/// The headers in a table, by name: `validate_headers`.
pub(super) fn headers(
    call: &Call<'_>,
    headers: &Table,
) -> mlua::Result<Vec<(LuaString, Vec<LuaString>)>> {
    let mut checked = Vec::new();
    let mut count = 0;
    for pair in headers.pairs::<Value, Value>() {
        let (name, value) = pair?;
        let shown = convert::display(call.lua, &name);
        let Value::String(name) = name else {
            let kind = type_name(&name);
            let message = format!("invalid header name \"{shown}\": got {kind}, expected string");
            return Err(raise(message));
        };
        let values = match &value {
            Value::Table(values) => array_values(call, &shown, values)?,
            _ => match convert::scalar_text(call.lua, &value)? {
                Some(text) => vec![never_empty(call, text)?],
                None => {
                    return Err(raise(format!(
                        "invalid header value for \"{shown}\": got {}, expected string, number, \
                         boolean or array of strings",
                        type_name(&value)
                    )));
                }
            },
        };
        count += 1 + values.len();
        ensure_few(count)?;
        checked.push((name, values));
    }
    Ok(checked)
}

/// Refuses more values than a message may have: mlua has no room to refer to many thousands.
fn ensure_few(count: usize) -> mlua::Result<()> {
    if count < headers::MAX_COUNT { Ok(()) } else { Err(refuse(Refused::TooMany)) }
}

fn array_values(call: &Call<'_>, shown: &str, values: &Table) -> mlua::Result<Vec<LuaString>> {
    let mut texts = Vec::new();
    for value in values.sequence_values::<Value>() {
        ensure_few(texts.len())?;
        texts.push(match value? {
            Value::String(value) => never_empty(call, value)?,
            other => {
                return Err(raise(format!(
                    "invalid header value in array \"{shown}\": got {}, expected string",
                    type_name(&other)
                )));
            }
        });
    }
    Ok(texts)
}

/// Kong sends an empty value as a space: nginx would take it for "unset".
fn never_empty(call: &Call<'_>, value: LuaString) -> mlua::Result<LuaString> {
    if value.as_bytes().is_empty() { call.string(" ") } else { Ok(value) }
}
