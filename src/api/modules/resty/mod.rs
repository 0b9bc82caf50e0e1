//! The modules of lua-resty-string and lua-resty-hmac.

#[cfg(feature = "digest")]
pub(super) mod aes;
#[cfg(feature = "digest")]
mod cipher;
pub(super) mod digest;
#[cfg(feature = "digest")]
pub(super) mod hmac;
#[cfg(feature = "net")]
pub(super) mod http;
#[cfg(feature = "crypto")]
pub(super) mod openssl;
#[cfg(feature = "digest")]
pub(super) mod random;
pub(super) mod string;

use mlua::{AnyUserData, Lua, LuaString, Table, UserData, Value};

use super::Loader;
use crate::lua::{raise_at, type_name};

/// Makes a module: runs the Lua half with the Rust half.
fn join(lua: &Loader<'_>, lua_half: &'static str, rust_half: Table) -> mlua::Result<Table> {
    lua.chunk(lua_half)?.call(rust_half)
}

/// The bytes of an argument. Where it is no string, resty's modules fail when they ask for its
/// length.
fn text(lua: &Lua, value: Value, name: &str) -> mlua::Result<LuaString> {
    match value {
        Value::String(text) => Ok(text),
        other => {
            let kind = type_name(&other);
            let message = format!("attempt to get length of local '{name}' (a {kind} value)");
            Err(raise_at(lua, &message))
        }
    }
}

/// The Rust half of the object that a method of `function` was called on.
fn context<T: UserData + 'static>(
    lua: &Lua,
    value: &Value,
    function: &str,
) -> mlua::Result<AnyUserData> {
    match value {
        Value::UserData(context) if context.is::<T>() => Ok(context.clone()),
        other => {
            let kind = type_name(other);
            let message =
                format!("bad argument #1 to '{function}' (cannot convert '{kind}' to a context)");
            Err(raise_at(lua, &message))
        }
    }
}
