//! `kong.configuration`: what the operator has set.

use mlua::{Function, Lua, Table, Value};

use crate::binding::{Call, Namespace, bindings, convert};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.configuration",
    bindings: bindings! {
        "NAME", PhaseSet::ANY, calls get;
        "remove_sensitive", PhaseSet::ANY, calls remove_sensitive;
    },
};

/// A table without fields of its own: all functions see the same, and none can change it.
pub(super) fn fields(lua: &Lua, functions: &Table) -> mlua::Result<Table> {
    let make: Function = lua
        .load(
            r#"
            local functions = ...
            local get, remove_sensitive = functions.NAME, functions.remove_sensitive
            return setmetatable({}, {
              __shared = true,
              __index = function(_, name)
                if name == "remove_sensitive" then return remove_sensitive end
                return get(name)
              end,
              __newindex = function() error("cannot write to configuration", 0) end,
            })
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    make.call(functions)
}

/// A table among the values is the caller's own.
fn get(call: &mut Call<'_>, name: Value) -> mlua::Result<Value> {
    let Value::String(name) = name else { return Ok(Value::Nil) };
    match call.settings.configuration.fields().get(&*name.to_string_lossy()) {
        Some(serde_json::Value::Null) | None => Ok(Value::Nil),
        Some(value) => convert::json_value(call.lua, value),
    }
}

// Kong: masks secrets here alone, not in the fields.
fn remove_sensitive(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    convert::fields_table(call.lua, call.settings.configuration.fields())
}
