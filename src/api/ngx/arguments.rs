//! Argument checks, with the words of Lua's own: `luaL_checklstring` and its like.

use mlua::{LuaString, Value};

use crate::binding::{Call, convert};
use crate::lua::{raise_at, type_name};

/// An argument of a function, as messages name it.
#[derive(Clone, Copy)]
pub(super) struct Argument {
    pub(super) place: usize,
    pub(super) function: &'static str,
}

impl Argument {
    pub(super) const fn new(place: usize, function: &'static str) -> Self {
        Self { place, function }
    }

    #[cold]
    pub(super) fn bad(self, call: &Call<'_>, problem: &str) -> mlua::Error {
        let Self { place, function } = self;
        raise_at(call.lua, &format!("bad argument #{place} to '{function}' ({problem})"))
    }

    /// A value of the type `got` is not what was `expected`.
    #[cold]
    pub(super) fn mismatch(self, call: &Call<'_>, expected: &str, got: &str) -> mlua::Error {
        self.bad(call, &format!("{expected} expected, got {got}"))
    }

    /// A string, or a number as text.
    pub(super) fn text(self, call: &Call<'_>, value: &Value) -> mlua::Result<LuaString> {
        let text = if value.is_boolean() { None } else { convert::scalar_text(call.lua, value)? };
        text.ok_or_else(|| self.mismatch(call, "string", type_name(value)))
    }

    /// A number, or a string that looks like one.
    pub(super) fn number(self, call: &Call<'_>, value: Value) -> mlua::Result<f64> {
        let kind = type_name(&value);
        let number = call.lua.coerce_number(value)?;
        number.ok_or_else(|| self.mismatch(call, "number", kind))
    }

    /// A boolean, `false` when it is left out.
    pub(super) fn flag(self, call: &Call<'_>, value: &Value) -> mlua::Result<bool> {
        match value {
            Value::Nil => Ok(false),
            Value::Boolean(flag) => Ok(*flag),
            _ => Err(self.mismatch(call, "boolean", type_name(value))),
        }
    }

    /// How many headers or arguments are wanted: 0 for all, 100 when nothing is said.
    pub(super) fn max_count(self, call: &Call<'_>, value: Value) -> mlua::Result<usize> {
        if matches!(value, Value::Nil | Value::Boolean(false)) {
            return Ok(convert::DEFAULT_MAX);
        }
        let count = self.number(call, value)?;
        Ok(if count >= 0.0 { count as usize } else { convert::DEFAULT_MAX })
    }
}

/// The text of any value, as `tostring` makes it but for metamethods.
pub(crate) fn tostring(call: &Call<'_>, value: Value) -> mlua::Result<LuaString> {
    match value {
        Value::String(text) => Ok(text),
        other => call.string(convert::display(call.lua, &other)),
    }
}
