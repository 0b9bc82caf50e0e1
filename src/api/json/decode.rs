//! JSON to Lua values.

use mlua::{Lua, Value};

use super::parse::parse;
use super::{JsonError, Rules, array_mt};
use crate::lua::{check, raw};

/// Reads JSON.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn decode(lua: &Lua, json: &[u8], rules: Rules) -> Result<Value, JsonError> {
    let tape = parse(json, rules, |bytes| check(lua, bytes))?;
    let marker = if rules.marks_arrays { Some(array_mt(lua)?) } else { None };
    Ok(raw::make(lua, &tape, marker.as_ref(), || check(lua, 0))?)
}
