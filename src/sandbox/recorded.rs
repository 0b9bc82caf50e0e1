//! What functions call, in a runtime that notes it.

use std::sync::Arc;

use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};

use crate::binding::convert;
use crate::lua::{PRELUDE_NAME, type_name};
use crate::settings::recording::Recording;

/// How much is shown of a text, and of a table: bytes, entries, and how deep they are nested.
const MAX_TEXT: usize = 200;
const MAX_ENTRIES: usize = 8;
const MAX_DEPTH: usize = 3;

/// How many entries of a table are put in order.
const MAX_SORTED: usize = 100;

/// What has the calls of functions in an environment noted in `recording`: a function of the environment.
pub(super) fn recorder(lua: &Lua, recording: &Arc<Recording>) -> mlua::Result<Function> {
    let native = lua.create_table()?;
    let to = Arc::clone(recording);
    let call = lua.create_function(move |lua, (name, arguments): (LuaString, MultiValue)| {
        Ok(note(lua, &to, &name, || Some(shown_all(&arguments))))
    })?;
    native.set("call", call)?;
    let to = Arc::clone(recording);
    let read =
        lua.create_function(move |lua, name: LuaString| Ok(note(lua, &to, &name, || None)))?;
    native.set("read", read)?;
    let to = Arc::clone(recording);
    let write = lua.create_function(move |lua, (name, value): (LuaString, Value)| {
        Ok(note(lua, &to, &name, || Some(vec![shown(&value)])))
    })?;
    native.set("write", write)?;
    let to = Arc::clone(recording);
    let returned = lua.create_function(move |lua, (call, results): (usize, MultiValue)| {
        to.allocated.look(lua.used_memory());
        to.apart(|| to.returned(call, || shown_all(&results)));
        Ok(())
    })?;
    native.set("returned", returned)?;
    let to = Arc::clone(recording);
    let caught = lua.create_function(move |lua, (count, error): (usize, Value)| {
        to.caught(count, &convert::display(lua, &error));
        Ok(())
    })?;
    native.set("caught", caught)?;
    let to = Arc::clone(recording);
    native.set("count", lua.create_function(move |_, ()| Ok(to.count()))?)?;
    let is_object = |_: &Lua, value: Value| Ok(value.as_table().is_some_and(has_methods));
    native.set("is_object", lua.create_function(is_object)?)?;
    let chunk = lua.load(include_str!("recorded.lua")).set_name(format!("={PRELUDE_NAME}"));
    chunk.call::<Function>(native)
}

/// Notes a call: its number, or 0.
fn note(
    lua: &Lua,
    recording: &Recording,
    name: &LuaString,
    describe: impl FnOnce() -> Option<Vec<String>>,
) -> usize {
    recording.allocated.look(lua.used_memory());
    recording.apart(|| recording.call(|| name.to_string_lossy(), describe))
}

fn shown_all(values: &MultiValue) -> Vec<String> {
    values.iter().take(MAX_ENTRIES * 2).map(shown).collect()
}

/// A value as Lua would write it, abbreviated.
fn shown(value: &Value) -> String {
    let mut text = String::new();
    show(value, MAX_DEPTH, &mut text);
    text
}

fn show(value: &Value, depth: usize, to: &mut String) {
    match value {
        Value::Nil => to.push_str("nil"),
        Value::Boolean(boolean) => to.push_str(if *boolean { "true" } else { "false" }),
        Value::Integer(number) => to.push_str(&number.to_string()),
        Value::Number(number) => to.push_str(&number.to_string()),
        Value::String(string) => show_text(&string.as_bytes(), to),
        Value::LightUserData(pointer) if pointer.0.is_null() => to.push_str("ngx.null"),
        Value::Table(table) => show_table(table, depth, to),
        other => to.push_str(type_name(other)),
    }
}

fn show_text(bytes: &[u8], to: &mut String) {
    let shown = &bytes[..bytes.len().min(MAX_TEXT)];
    to.push('"');
    for c in String::from_utf8_lossy(shown).chars() {
        match c {
            '"' | '\\' => to.extend(['\\', c]),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            c if c.is_control() => to.push_str(&format!("\\{}", u32::from(c))),
            c => to.push(c),
        }
    }
    to.push('"');
    if shown.len() < bytes.len() {
        to.push_str(&format!("… ({} bytes)", bytes.len()));
    }
}

fn show_table(table: &Table, depth: usize, to: &mut String) {
    if has_methods(table) {
        return to.push_str("object");
    }
    let Some(deeper) = depth.checked_sub(1) else { return to.push_str("{…}") };
    let length = table.raw_len();
    let mut entries = Vec::new();
    for pair in table.pairs::<Value, Value>().take(MAX_SORTED) {
        let Ok((key, value)) = pair else { break };
        let (place, key) = match &key {
            Value::Integer(at) if usize::try_from(*at).is_ok_and(|at| at <= length) => {
                (*at, String::new())
            }
            Value::String(name) if is_name(&name.as_bytes()) => {
                (i64::MAX, format!("{} = ", name.to_string_lossy()))
            }
            key => {
                let mut shown = "[".to_owned();
                show(key, 0, &mut shown);
                (i64::MAX, shown + "] = ")
            }
        };
        entries.push((place, key, value));
    }
    entries.sort_by(|(place, key, _), (other_place, other, _)| {
        (place, key).cmp(&(other_place, other))
    });
    to.push('{');
    for (count, (_, key, value)) in entries.iter().enumerate() {
        to.push_str(if count == 0 { " " } else { ", " });
        if count == MAX_ENTRIES || to.len() > MAX_TEXT * 2 {
            to.push('…');
            break;
        }
        to.push_str(key);
        show(value, deeper, to);
    }
    to.push_str(if entries.is_empty() { "}" } else { " }" });
}

/// Whether a table is an object: there are functions in what its metatable says it has besides.
fn has_methods(table: &Table) -> bool {
    let methods = || table.metatable()?.raw_get::<Table>("__index").ok();
    methods().is_some_and(|methods| {
        let mut values = methods.pairs::<Value, Value>().filter_map(Result::ok);
        values.any(|(_, value)| value.is_function())
    })
}

fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|first| !first.is_ascii_digit())
        && name.len() < MAX_TEXT
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
