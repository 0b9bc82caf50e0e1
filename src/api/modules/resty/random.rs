//! `resty.random`.

use mlua::{Lua, LuaString, Table, Value};

use crate::api::modules::Loader;
use crate::lua::check;
use crate::lua::{raise_at, type_name};

pub(in crate::api::modules) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.raw_set("_VERSION", "0.17")?;
    module.raw_set("bytes", lua.create_function(bytes)?)?;
    Ok(module)
}

/// Bytes of the system's generator, which is strong whether that is asked for or not.
fn bytes(lua: &Lua, (len, _strong): (Value, Value)) -> mlua::Result<Option<LuaString>> {
    let kind = type_name(&len);
    let Some(len) = lua.coerce_number(len)? else {
        let message = format!("bad argument #2 to 'ffi_new' (cannot convert '{kind}' to 'int')");
        return Err(raise_at(lua, &message));
    };
    if !(0.0..f64::from(i32::MAX)).contains(&len) {
        let message = "bad argument #1 to 'ffi_new' (size of C type is unknown or too large)";
        return Err(raise_at(lua, message));
    }
    check(lua, len as usize)?;
    let mut bytes = vec![0; len as usize];
    match getrandom::fill(&mut bytes) {
        Ok(()) => lua.create_string(bytes).map(Some),
        Err(_) => Ok(None),
    }
}
