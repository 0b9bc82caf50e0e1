//! What the functions of sockets return.

use mlua::{IntoLuaMulti, Lua, MultiValue, Value};

use crate::lua::short_string;
use crate::net::{Fault, Received};

/// A value, or `nil` and why there is none.
pub(crate) struct Outcome<T>(pub(crate) Result<T, Fault>);

impl<T> Outcome<T> {
    pub(crate) fn fault(fault: Fault) -> Self {
        Self(Err(fault))
    }

    /// What a method of a socket says that was never connected.
    pub(crate) fn closed() -> Self {
        Self(Err(Fault::CLOSED))
    }
}

impl<T: IntoLuaMulti> IntoLuaMulti for Outcome<T> {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.0 {
            Ok(value) => value.into_lua_multi(lua),
            Err(fault) => (Value::Nil, fault.as_str()).into_lua_multi(lua),
        }
    }
}

/// What was received, or `nil`, why not, and what of it came.
pub(super) enum Receipt {
    Received(Received),
    /// There was nobody to receive it from.
    Refused(Fault),
    /// The pattern has come before: `nil` three times.
    Over,
}

impl IntoLuaMulti for Receipt {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self {
            Self::Received(Ok(data)) => short_string(lua, &data)?.into_lua_multi(lua),
            Self::Received(Err((fault, partial))) => {
                (Value::Nil, fault.as_str(), lua.create_string(partial)?).into_lua_multi(lua)
            }
            Self::Refused(fault) => (Value::Nil, fault.as_str()).into_lua_multi(lua),
            Self::Over => (Value::Nil, Value::Nil, Value::Nil).into_lua_multi(lua),
        }
    }
}
