//! The modules `cjson` and `cjson.safe`.

use mlua::{Lua, LuaString, MultiValue, Table, Value};

use super::json::{self, Arrays, Format, JsonError};
use crate::binding::{raise, raise_at};
use crate::pdk::type_name;

/// `cjson`: what cannot be done is an error.
pub(super) fn plain(lua: &Lua) -> mlua::Result<Table> {
    let module = constants(lua)?;
    let encode = lua.create_function(|lua, arguments: MultiValue| {
        let value = only(lua, arguments)?;
        let json = json::encode(lua, &value, Format::PLAIN).map_err(raised)?;
        lua.create_string(json)
    })?;
    module.set("encode", encode)?;
    let decode = lua.create_function(|lua, arguments: MultiValue| {
        let value = only(lua, arguments)?;
        let text = text(lua, &value).map_err(|message| raise_at(lua, &message))?;
        json::decode(lua, &text.as_bytes(), Arrays::Plain).map_err(raised)
    })?;
    module.set("decode", decode)?;
    Ok(module)
}

/// `cjson.safe`: what cannot be done gives `nil` and a message.
pub(super) fn safe(lua: &Lua) -> mlua::Result<Table> {
    let module = constants(lua)?;
    let encode = lua.create_function(|lua, value: Value| {
        let json = json::encode(lua, &value, Format::KONG);
        or_message(json.and_then(|json| Ok(lua.create_string(json)?)))
    })?;
    module.set("encode", encode)?;
    let decode = lua.create_function(|lua, value: Value| match text(lua, &value) {
        Ok(text) => or_message(json::decode(lua, &text.as_bytes(), Arrays::Plain)),
        Err(message) => Ok(Err(message)),
    })?;
    module.set("decode", decode)?;
    Ok(module)
}

fn constants(lua: &Lua) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.set("null", Value::NULL)?;
    module.set("array_mt", json::array_mt(lua)?)?;
    module.set("empty_array_mt", json::empty_array_mt(lua)?)?;
    module.set("empty_array", json::empty_array())?;
    module.set("_NAME", "cjson")?;
    module.set("_VERSION", "2.1.0.11")?;
    Ok(module)
}

fn only(lua: &Lua, mut arguments: MultiValue) -> mlua::Result<Value> {
    match (arguments.pop_front(), arguments.is_empty()) {
        (Some(value), true) => Ok(value),
        _ => Err(raise_at(lua, "bad argument #1 to '?' (expected 1 argument)")),
    }
}

fn text(lua: &Lua, value: &Value) -> Result<LuaString, String> {
    let text = match value {
        Value::Table(_) => None,
        _ => lua.coerce_string(value.clone()).unwrap_or_default(),
    };
    text.ok_or_else(|| {
        format!("bad argument #1 to 'decode' (string expected, got {})", type_name(value))
    })
}

fn raised(error: JsonError) -> mlua::Error {
    match error {
        JsonError::Unfit(message) => raise(message),
        JsonError::Lua(error) => error,
    }
}

/// Leaves what Lua itself reports an error, and makes the rest `nil, message`.
fn or_message<T>(result: Result<T, JsonError>) -> mlua::Result<Result<T, String>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(JsonError::Unfit(message)) => Ok(Err(message)),
        Err(JsonError::Lua(error)) => Err(error),
    }
}
