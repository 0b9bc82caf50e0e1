//! The modules of lua-resty-openssl, over `RustCrypto`.
//!
//! An object is a table whose `ctx` is what Rust has; its methods are Lua and short. A module that
//! needs another has the function's own copy.

mod bn;
mod cipher;
mod digest;
mod hash;
mod kdf;
mod key;
mod mac;
mod pkey;
mod prime;
mod rand;
mod running;
mod x509;

use mlua::{LuaString, Value};

use super::super::Maker;
use super::{context, join, text};

/// The modules, and how each is made.
pub(in crate::api::modules) const MODULES: &[(&str, Maker)] = &[
    ("resty.openssl", |lua| join(lua, include_str!("openssl.lua"), lua.create_table()?)),
    ("resty.openssl.bn", bn::module),
    ("resty.openssl.cipher", cipher::module),
    ("resty.openssl.digest", digest::module),
    ("resty.openssl.hmac", mac::hmac),
    ("resty.openssl.kdf", kdf::module),
    ("resty.openssl.mac", mac::module),
    ("resty.openssl.pkey", pkey::module),
    ("resty.openssl.rand", rand::module),
    ("resty.openssl.version", |lua| join(lua, include_str!("version.lua"), lua.create_table()?)),
    ("resty.openssl.x509", x509::module),
];

/// The bytes of an optional argument.
fn optional(lua: &mlua::Lua, value: Value, name: &str) -> mlua::Result<Option<LuaString>> {
    match value {
        Value::Nil | Value::Boolean(false) => Ok(None),
        value => text(lua, value, name).map(Some),
    }
}
