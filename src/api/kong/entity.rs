//! Kong's entities: what the application knows of a request, as tables.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;

use mlua::{Lua, Table, Value};

use super::ngx_ctx;
use crate::api::json::{self, JsonError};
use crate::binding::{Call, convert};
use crate::extension::Fields;
use crate::lua::raise;
use crate::transaction::{Request, Transaction};

/// How deeply the tables of an entity may be nested for a copy.
const MAX_DEPTH: usize = 100;

/// The field of `ngx.ctx` with the name `name`, which is where Kong has its entities: functions may
/// look for them there, and put others in their place. What `find` finds becomes the field.
pub(super) fn entity(
    call: &mut Call<'_>,
    name: &str,
    find: fn(&Request) -> Option<&Fields>,
) -> mlua::Result<Value> {
    let present = present(call.lua, call.tx, name)?;
    if !present.is_nil() {
        return Ok(present);
    }
    let Some(fields) = find(&call.tx.request).cloned() else { return Ok(Value::Nil) };
    let table = convert::fields_table(call.lua, &fields)?;
    set(call, name, &table)?;
    Ok(Value::Table(table))
}

/// What stands in a field of `ngx.ctx`.
pub(super) fn present(lua: &Lua, tx: &Transaction, name: &str) -> mlua::Result<Value> {
    match tx.tables.get().and_then(|tables| tables.ctx.as_ref()) {
        Some(ctx) => ctx.get::<Table>(lua)?.raw_get(name),
        None => Ok(Value::Nil),
    }
}

/// Sets a field of `ngx.ctx`.
pub(super) fn set(call: &mut Call<'_>, name: &str, value: impl mlua::IntoLua) -> mlua::Result<()> {
    ngx_ctx(call)?.raw_set(name, value)
}

/// The fields of a table, if it has nothing else that JSON could not express.
pub(super) fn fields_of(lua: &Lua, value: &Value) -> Option<Fields> {
    match as_json(lua, value).ok()? {
        serde_json::Value::Object(fields) => Some(Arc::new(fields)),
        _ => None,
    }
}

/// A value as JSON has it.
///
/// # Errors
///
/// When it has none for it.
pub(super) fn as_json(lua: &Lua, value: &Value) -> mlua::Result<serde_json::Value> {
    let json = json::encode(lua, value, json::Format::KONG).map_err(|error| match error {
        JsonError::Unfit(why) => raise(why),
        JsonError::Lua(error) => error,
    })?;
    serde_json::from_slice(json.as_ref()).map_err(mlua::Error::external)
}

/// A copy of a value that shares no table with it. Tables may hold themselves.
///
/// # Errors
///
/// When they are nested without end.
pub(super) fn copy(lua: &Lua, value: Value) -> mlua::Result<Value> {
    copy_into(lua, value, &mut HashMap::new(), 0)
}

fn copy_into(
    lua: &Lua,
    value: Value,
    copies: &mut HashMap<*const c_void, Table>,
    depth: usize,
) -> mlua::Result<Value> {
    let Value::Table(table) = value else { return Ok(value) };
    if let Some(copy) = copies.get(&table.to_pointer()) {
        return Ok(Value::Table(copy.clone()));
    }
    if depth >= MAX_DEPTH {
        return Err(raise("stack overflow"));
    }
    let copy = lua.create_table()?;
    copies.insert(table.to_pointer(), copy.clone());
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        copy.raw_set(key, copy_into(lua, value, copies, depth + 1)?)?;
    }
    Ok(Value::Table(copy))
}
