//! JSON to Lua values.

use mlua::{Lua, Table, Value};

use super::parse::parse;
use super::{JsonError, Marker, Rules, array_mt_of_caller};
use crate::lua::check;
use crate::lua::raw::{self, ArrayMetatable};
use crate::lua::tape::Tape;

/// Reads JSON. Where the rules say that arrays are marked, it is with the metatable of the function that
/// is running.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn decode(lua: &Lua, json: &[u8], rules: Rules) -> Result<Value, JsonError> {
    let tape = parse(json, rules, |bytes| check(lua, bytes))?;
    if rules.marks_arrays
        && let Some(value) = make(lua, &tape, Marker::Array.of_caller())?
    {
        return Ok(value);
    }
    make_marked(lua, &tape, rules, || array_mt_of_caller(lua))
}

/// Reads JSON, with a metatable of arrays of the caller's choice.
///
/// # Errors
///
/// As [`decode`].
pub(crate) fn decode_marked(
    lua: &Lua,
    json: &[u8],
    rules: Rules,
    array_mt: impl FnOnce() -> mlua::Result<Table>,
) -> Result<Value, JsonError> {
    let tape = parse(json, rules, |bytes| check(lua, bytes))?;
    make_marked(lua, &tape, rules, array_mt)
}

fn make_marked(
    lua: &Lua,
    tape: &Tape<'_>,
    rules: Rules,
    array_mt: impl FnOnce() -> mlua::Result<Table>,
) -> Result<Value, JsonError> {
    let marker = rules.marks_arrays.then(array_mt).transpose()?;
    let metatable = marker.as_ref().map_or(ArrayMetatable::None, ArrayMetatable::Given);
    Ok(make(lua, tape, metatable)?.unwrap_or(Value::Nil))
}

fn make(lua: &Lua, tape: &Tape<'_>, metatable: ArrayMetatable<'_>) -> mlua::Result<Option<Value>> {
    raw::make(lua, tape, metatable, || check(lua, 0))
}
