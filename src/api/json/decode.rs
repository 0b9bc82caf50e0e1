//! JSON to Lua values.

use mlua::{Lua, Table, Value};

use super::parse::parse;
use super::{JsonError, Rules, array_mt_of_caller};
use crate::lua::{check, raw};

/// Reads JSON. Where the rules say that arrays are marked, it is with the metatable of the function that
/// is running.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn decode(lua: &Lua, json: &[u8], rules: Rules) -> Result<Value, JsonError> {
    decode_marked(lua, json, rules, || array_mt_of_caller(lua))
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
    let marker = rules.marks_arrays.then(array_mt).transpose()?;
    Ok(raw::make(lua, &tape, marker.as_ref(), || check(lua, 0))?)
}
