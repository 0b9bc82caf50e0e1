//! `resty.string`.

use mlua::{Lua, LuaString, Table, Value};

use super::text;
use crate::api::modules::Loader;
use crate::lua::Buffer;

pub(in crate::api::modules) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.raw_set("_VERSION", "0.17")?;
    let to_hex =
        lua.create_function(|lua, s: Value| to_hex(lua, &text(lua, s, "s")?.as_bytes()))?;
    module.raw_set("to_hex", to_hex)?;
    let atoi = lua.create_function(|lua, s: Value| Ok(atoi(&text(lua, s, "s")?.as_bytes())))?;
    module.raw_set("atoi", atoi)?;
    Ok(module)
}

pub(super) fn to_hex(lua: &Lua, bytes: &[u8]) -> mlua::Result<LuaString> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS[usize::from(nibble)];
    let mut hex = Buffer::new(lua);
    for byte in bytes {
        hex.extend(&[digit(byte >> 4), digit(byte & 0xf)])?;
    }
    lua.create_string(hex)
}

/// nginx's `ngx_atoi`: digits alone, -1 for anything else.
fn atoi(text: &[u8]) -> i64 {
    let digits = std::str::from_utf8(text).ok().filter(|_| text.iter().all(u8::is_ascii_digit));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(-1)
}
