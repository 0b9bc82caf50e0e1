//! The module `ngx.base64`.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use mlua::{Lua, Table, Value};

pub(super) fn module(lua: &Lua) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    let encode = lua.create_function(|lua, value: Value| match value {
        Value::String(text) => Ok(Ok(lua.create_string(URL_SAFE_NO_PAD.encode(text.as_bytes()))?)),
        _ => Ok(Err("must provide a string")),
    })?;
    module.raw_set("encode_base64url", encode)?;
    let decode = lua.create_function(|lua, value: Value| match value {
        Value::String(text) => match decode(&text.as_bytes()) {
            Some(bytes) => Ok(Ok(lua.create_string(bytes)?)),
            None => Ok(Err("invalid input")),
        },
        _ => Ok(Err("must provide a string")),
    })?;
    module.raw_set("decode_base64url", decode)?;
    Ok(module)
}

/// nginx's decoder: bits that do not fill a byte are dropped.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// What comes after padding does not matter.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.split(|&byte| byte == b'=').next().unwrap_or_default();
    LENIENT.decode(digits).ok()
}
