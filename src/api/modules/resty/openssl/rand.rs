//! `resty.openssl.rand`.

use mlua::{Lua, LuaString, Table, Value};

use crate::api::modules::Loader;
use crate::lua::as_number;
use crate::lua::check;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.raw_set("bytes", lua.create_function(bytes)?)?;
    Ok(module)
}

/// Bytes of the system's generator, for whichever use.
fn bytes(
    lua: &Lua,
    (len, _private, strength): (Value, Value, Value),
) -> mlua::Result<Result<LuaString, &'static str>> {
    let Some(len) = as_number(&len).filter(|_| !len.is_string()) else {
        return Ok(Err("rand.bytes: expect a number at #1"));
    };
    if !strength.is_nil() && (strength.is_string() || as_number(&strength).is_none()) {
        return Ok(Err("rand.bytes: expect a number at #3"));
    }
    if !(0.0..f64::from(i32::MAX)).contains(&len) {
        return Ok(Err("rand.bytes: the length is out of range"));
    }
    check(lua, len as usize)?;
    let mut bytes = vec![0; len as usize];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(Ok(lua.create_string(bytes)?)),
        Err(_) => Ok(Err("rand.bytes: the system gives no random bytes")),
    }
}
