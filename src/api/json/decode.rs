//! JSON to Lua values.

use mlua::{Lua, Table, Value};

use super::parse::parse;
use super::{JsonError, Marker, Rules, array_mt_of_caller};
use crate::lua::check;
use crate::lua::raw;
use crate::lua::shortcut::{Answer, Scratch};
use crate::lua::tape::{ArrayMetatable, Tape};

/// Reads JSON. Where the rules say that arrays are marked, it is with the metatable of the function that
/// is running.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn decode(lua: &Lua, json: &[u8], rules: Rules) -> Result<Value, JsonError> {
    let tape = parse(json, rules, |bytes| check(lua, bytes))?;
    if rules.marks_arrays
        && let Some(value) =
            make(lua, json, &tape, ArrayMetatable::OfCaller(Marker::ARRAY_OF_CALLER))?
    {
        return Ok(value);
    }
    make_marked(lua, json, &tape, rules, || array_mt_of_caller(lua))
}

/// How long a text may be that is read at one go, in bytes: what a function waits for without anybody looking
/// at the clock.
const SHORT: usize = 16 << 10;

/// Reads a short text for a shortcut: what that answers with, unless there is an error to tell of.
pub(crate) fn decode_short(json: &[u8], rules: Rules, scratch: &mut Scratch) -> Option<Answer> {
    if json.len() > SHORT {
        return None;
    }
    scratch.tape = parse(json, rules, |_| Ok(())).ok()?;
    Some(Answer::Made(rules.marks_arrays.then_some(Marker::ARRAY_OF_CALLER)))
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
    make_marked(lua, json, &tape, rules, array_mt)
}

fn make_marked(
    lua: &Lua,
    json: &[u8],
    tape: &Tape,
    rules: Rules,
    array_mt: impl FnOnce() -> mlua::Result<Table>,
) -> Result<Value, JsonError> {
    let marker = rules.marks_arrays.then(array_mt).transpose()?;
    let metatable = marker.as_ref().map_or(ArrayMetatable::None, ArrayMetatable::Given);
    Ok(make(lua, json, tape, metatable)?.unwrap_or(Value::Nil))
}

fn make(
    lua: &Lua,
    json: &[u8],
    tape: &Tape,
    metatable: ArrayMetatable<'_>,
) -> mlua::Result<Option<Value>> {
    raw::make(lua, json, tape, metatable, || check(lua, 0))
}
