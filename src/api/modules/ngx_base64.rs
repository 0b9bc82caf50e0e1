//! The module `ngx.base64`.

use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use mlua::{Table, Value};

use crate::api::modules::Loader;
use crate::api::ngx::{decode_digits, encode, without_padding};
use crate::lua::Buffer;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    let encode = lua.create_function(|lua, value: Value| match value {
        Value::String(text) => {
            let mut encoded = Buffer::new(lua);
            encode(&URL_SAFE_NO_PAD, &text.as_bytes(), &mut encoded)?;
            Ok(Ok(lua.create_string(encoded)?))
        }
        _ => Ok(Err("must provide a string")),
    })?;
    module.raw_set("encode_base64url", encode)?;
    let decode = lua.create_function(|lua, value: Value| match value {
        Value::String(text) => {
            let mut bytes = Buffer::new(lua);
            match decode_digits(&LENIENT, without_padding(&text.as_bytes()), &mut bytes)? {
                true => Ok(Ok(lua.create_string(bytes)?)),
                false => Ok(Err("invalid input")),
            }
        }
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
