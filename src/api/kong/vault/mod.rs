//! `kong.vault`: secrets by reference.

mod reference;

use mlua::{Lua, LuaString, Table, Value};
use serde_json::Value as Json;

use self::reference::Reference;
use crate::binding::convert::{self, Noted};
use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.vault",
    bindings: bindings! {
        "is_reference", PhaseSet::ANY, calls is_reference;
        "parse_reference", PhaseSet::ANY, calls parse_reference;
        "get", PhaseSet::ANY, calls get;
        "update", PhaseSet::ANY, calls dereference;
        "try", PhaseSet::ANY, calls dereference;
    },
};

/// `update` and `try` walk the tables of functions and call them back, which only Lua does.
///
/// What stands in the table `$refs` of a table are the references of its fields: texts, or tables of
/// them for fields that are tables.
pub(super) fn with_tables(lua: &Lua, functions: &Table) -> mlua::Result<()> {
    let add = lua.load(include_str!("vault.lua")).set_name("=tower-lua").into_function()?;
    add.call(functions)
}

fn is_reference(_: &mut Call<'_>, reference: Value) -> mlua::Result<bool> {
    Ok(matches!(reference, Value::String(text) if reference::is_reference(&text.as_bytes())))
}

/// The reference that a value is, or what is wrong with it.
fn parse(call: &Call<'_>, reference: &Value) -> Result<Reference, String> {
    match reference {
        Value::String(text) if reference::is_reference(&text.as_bytes()) => {
            Reference::parse(&text.to_string_lossy())
        }
        other => Err(format!("not a reference [{}]", convert::display(call.lua, other))),
    }
}

fn parse_reference(
    call: &mut Call<'_>,
    reference: Value,
) -> mlua::Result<Noted<Option<Table>, String>> {
    let reference = match parse(call, &reference) {
        Ok(reference) => reference,
        Err(message) => return Ok(Noted(None, Some(message))),
    };
    let table = call.lua.create_table()?;
    table.set("name", reference.name)?;
    table.set("resource", call.string(&reference.resource)?)?;
    table.set("key", reference.key.map(|key| call.string(key)).transpose()?)?;
    table.set("version", reference.version)?;
    if let Some(query) = reference.query {
        let config = convert::args_table(call.lua, query.as_bytes(), convert::DEFAULT_MAX)?;
        table.set("config", config.0)?;
    }
    Ok(Noted(Some(table), None))
}

fn get(call: &mut Call<'_>, reference: Value) -> mlua::Result<Noted<Option<LuaString>, String>> {
    Ok(match parse(call, &reference).and_then(|reference| value(call, &reference)) {
        Ok(value) => Noted(Some(call.string(value)?), None),
        Err(message) => Noted(None, Some(message)),
    })
}

/// The secret for a field, which is empty when there is none: what `update` and `try` call.
fn dereference(call: &mut Call<'_>, reference: Value) -> mlua::Result<LuaString> {
    match parse(call, &reference).and_then(|reference| value(call, &reference)) {
        Ok(value) => call.string(value),
        Err(message) => {
            let shown = convert::display(call.lua, &reference);
            super::log::warn(call, &format!("error updating secret reference {shown}: {message}"));
            call.string("")
        }
    }
}

/// What the vault has for a reference: the value of an environment variable.
fn value(call: &Call<'_>, reference: &Reference) -> Result<String, String> {
    if reference.name != "env" {
        return Err(format!("could not find vault ({})", reference.name));
    }
    let configured = call.settings.configuration.text("vault_env_prefix");
    let found = call.settings.environment.get(&reference.variable(configured));
    let found = found.ok_or_else(|| "no value found".to_owned());
    let value = found.and_then(|value| match &reference.key {
        None => Ok(value.clone()),
        Some(key) => subfield(value, &String::from_utf8_lossy(key))
            .map_err(|why| format!("could not get subfield value: {why}")),
    });
    value.map_err(|why| format!("could not get value from external vault ({why})"))
}

// Kong: shows the value in its message when it is JSON, but no object.
fn subfield(value: &str, key: &str) -> Result<String, String> {
    let fields = match serde_json::from_str(value) {
        Ok(Json::Object(fields)) => fields,
        Ok(other) => {
            return Err(format!("unable to json decode value ({}): nil", type_of(&other)));
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let place = format!("no JSON at line {line} column {column}");
            return Err(format!("unable to json decode value (nil): {place}"));
        }
    };
    match fields.get(key) {
        Some(Json::String(text)) => Ok(text.clone()),
        None => Err(format!("subfield {key} not found in JSON secret")),
        Some(other) => {
            let kind = type_of(other);
            Err(format!("unexpected {kind} value in JSON secret for subfield {key}"))
        }
    }
}

/// The name that Lua has for the type of a value.
fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "userdata",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) | Json::Object(_) => "table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_an_object_is_found() {
        assert_eq!(subfield(r#"{"key":"word","list":["word"]}"#, "key"), Ok("word".to_owned()));
    }

    #[test]
    fn messages_show_nothing_of_the_secret() {
        for (secret, message) in [
            (r#"{"key":"word"}"#, "subfield other not found in JSON secret"),
            (r#"{"other":["word"]}"#, "unexpected table value in JSON secret for subfield other"),
            (r#"{"other":null}"#, "unexpected userdata value in JSON secret for subfield other"),
            ("1234", "unable to json decode value (number): nil"),
            ("word", "unable to json decode value (nil): no JSON at line 1 column 1"),
            ("", "unable to json decode value (nil): no JSON at line 1 column 0"),
        ] {
            assert_eq!(subfield(secret, "other"), Err(message.to_owned()));
        }
    }
}
