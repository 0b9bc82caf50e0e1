//! Encodings and digests.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use mlua::{LuaString, MultiValue, Value};

use super::arguments::Argument;
use crate::api::digest::{Algorithm, Hmac};
use crate::binding::{Call, Namespace, bindings, convert};
use crate::lua::Buffer;
use crate::lua::{raise_at, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "encode_base64", PhaseSet::ANY, calls encode_base64;
        "decode_base64", PhaseSet::ANY, calls decode_base64;
        "decode_base64mime", PhaseSet::ANY, calls decode_base64mime;
        "md5", PhaseSet::ANY, calls md5;
        "md5_bin", PhaseSet::ANY, calls md5_bin;
        "sha1_bin", PhaseSet::ANY, calls sha1_bin;
        "hmac_sha1", PhaseSet::ANY, calls hmac_sha1;
        "crc32_short", PhaseSet::ANY, calls crc32;
        "crc32_long", PhaseSet::ANY, calls crc32;
        "quote_sql_str", PhaseSet::ANY, calls quote_sql_str;
    },
};

fn encode_base64(
    call: &mut Call<'_>,
    (value, no_padding): (Value, Value),
) -> mlua::Result<LuaString> {
    let text = convert::lenient_text(call.lua, value)?;
    let engine = match no_padding {
        Value::Nil | Value::Boolean(false) => general_purpose::STANDARD,
        Value::Boolean(true) => general_purpose::STANDARD_NO_PAD,
        other => {
            let kind = type_name(&other);
            let message = format!("bad no_padding: boolean expected, got {kind}");
            return Err(raise_at(call.lua, &message));
        }
    };
    let mut encoded = call.buffer();
    encode(&engine, &text.as_bytes(), &mut encoded)?;
    call.string(encoded)
}

/// Adds `bytes` in Base64 to `out`.
pub(crate) fn encode(
    engine: &GeneralPurpose,
    bytes: &[u8],
    out: &mut Buffer<'_>,
) -> mlua::Result<()> {
    let mut digits = String::with_capacity(DIGITS_PER_STEP);
    for stretch in bytes.chunks(DIGITS_PER_STEP / 4 * 3) {
        digits.clear();
        engine.encode_string(stretch, &mut digits);
        out.extend(digits.as_bytes())?;
    }
    Ok(())
}

/// How many digits are read or written between two looks at the clock: a multiple of four, so that
/// they stand for whole bytes.
const DIGITS_PER_STEP: usize = 1 << 12;

/// Adds to `out` what `digits` stand for, without their padding. Whether they are Base64.
pub(crate) fn decode_digits(
    engine: &GeneralPurpose,
    digits: impl Iterator<Item = u8>,
    out: &mut Buffer<'_>,
) -> mlua::Result<bool> {
    let mut digits = digits.peekable();
    let (mut stretch, mut bytes) = (Vec::with_capacity(DIGITS_PER_STEP), Vec::new());
    while digits.peek().is_some() {
        stretch.clear();
        stretch.extend(digits.by_ref().take(DIGITS_PER_STEP));
        bytes.clear();
        if engine.decode_vec(&stretch, &mut bytes).is_err() {
            return Ok(false);
        }
        out.extend(&bytes)?;
    }
    Ok(true)
}

/// A text up to its padding, which may be missing; what comes after it does not matter.
pub(crate) fn without_padding(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().copied().take_while(|&byte| byte != b'=')
}

/// nginx's decoder: bits that do not fill a byte are dropped.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

fn decode_base64(call: &mut Call<'_>, value: Value) -> mlua::Result<Option<LuaString>> {
    let Value::String(text) = value else {
        return Err(raise_at(call.lua, "string argument only"));
    };
    let mut bytes = call.buffer();
    let is_base64 = decode_digits(&LENIENT, without_padding(&text.as_bytes()), &mut bytes)?;
    is_base64.then(|| call.string(bytes)).transpose()
}

/// The bytes that a short text in Base64 stands for.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    LENIENT.decode(without_padding(text).collect::<Vec<_>>()).ok()
}

/// The same of a text that has other bytes in it, line ends for one: they do not matter.
fn decode_base64mime(call: &mut Call<'_>, value: Value) -> mlua::Result<Option<LuaString>> {
    let Value::String(text) = value else {
        return Err(raise_at(call.lua, "string argument only"));
    };
    let text = text.as_bytes();
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let mut bytes = call.buffer();
    let digits = without_padding(&text).filter(is_digit);
    let is_base64 = decode_digits(&LENIENT, digits, &mut bytes)?;
    is_base64.then(|| call.string(bytes)).transpose()
}

fn md5(call: &mut Call<'_>, value: Value) -> mlua::Result<LuaString> {
    let text = convert::lenient_text(call.lua, value)?;
    call.string(format!("{:x}", md5::compute(text.as_bytes())))
}

fn md5_bin(call: &mut Call<'_>, value: Value) -> mlua::Result<LuaString> {
    let text = convert::lenient_text(call.lua, value)?;
    call.string(*md5::compute(text.as_bytes()))
}

fn sha1_bin(call: &mut Call<'_>, value: Value) -> mlua::Result<LuaString> {
    let text = convert::lenient_text(call.lua, value)?;
    call.string(Algorithm::Sha1.of(&text.as_bytes()))
}

fn hmac_sha1(call: &mut Call<'_>, (key, message): (Value, Value)) -> mlua::Result<LuaString> {
    let key = Argument::new(1, "hmac_sha1").text(call, &key)?;
    let message = Argument::new(2, "hmac_sha1").text(call, &message)?;
    let mut hmac = Hmac::new(Algorithm::Sha1, &key.as_bytes());
    hmac.update(&message.as_bytes());
    call.string(hmac.finish())
}

fn crc32(call: &mut Call<'_>, value: Value) -> mlua::Result<u32> {
    let text = convert::lenient_text(call.lua, value)?;
    Ok(crc32fast::hash(&text.as_bytes()))
}

/// A text as a literal of SQL, with the escapes of mysql.
fn quote_sql_str(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<LuaString> {
    if arguments.len() != 1 {
        return Err(raise_at(call.lua, "expecting one argument"));
    }
    let text = Argument::new(1, "quote_sql_str").text(call, &arguments[0])?;
    let mut quoted = call.buffer();
    quoted.push(b'\'')?;
    for &byte in &*text.as_bytes() {
        let escaped = match byte {
            0 => b'0',
            0x08 => b'b',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x1a => b'Z',
            b'\\' | b'\'' | b'"' => byte,
            _ => {
                quoted.push(byte)?;
                continue;
            }
        };
        quoted.extend(&[b'\\', escaped])?;
    }
    quoted.push(b'\'')?;
    call.string(quoted)
}
