//! Lua's C API itself, for the little that mlua's safe one makes several times as dear.
//!
//! This is the one file with `unsafe` in it. What it rests on:
//!
//! - Lua may leave any call of its API that allocates by an error: it unwinds, or jumps, over the Rust
//!   frames up to the protected call around them. So no frame between the two owns anything when it
//!   makes such a call: all that it has is borrowed from frames further out.
//! - A value may be pushed only where the stack has room: `lua_checkstack` is asked before.
#![expect(unsafe_code, reason = "each block says why it is sound")]

use std::ffi::c_int;

use mlua::ffi;
use mlua::{Lua, Table, Value};

use super::tape::{Step, Tape};

/// After how many steps the budget is asked.
const STEPS_PER_CHECK: usize = 4096;

/// How many slots of the stack an open array or object takes: its own, and a key's.
const SLOTS: usize = 2;

/// Makes the value that `tape` describes. Its arrays get the metatable `marker`, if there is one.
///
/// `check` is asked now and then whether there is time.
///
/// # Errors
///
/// Lua's own, when there is no memory; or what `check` says.
pub(crate) fn make(
    lua: &Lua,
    tape: &Tape<'_>,
    marker: Option<&Table>,
    check: impl Fn() -> mlua::Result<()>,
) -> mlua::Result<Value> {
    let mut open = vec![Open::default(); tape.depth() + 1];
    let mut stopped = Ok(());
    let (open, outcome) = (&mut open[..], &mut stopped);
    // SAFETY: mlua makes a protected call of the closure, with the marker, or nil, as the only value
    // on the stack. The closure owns nothing, and neither do the frames that it calls.
    let made: mlua::Result<(Value, Value)> =
        unsafe { lua.exec_raw(marker, |state| *outcome = make_in(state, tape, open, &check)) };
    stopped?;
    made.map(|(_, value)| value)
}

/// An array or object that is open.
#[derive(Clone, Copy, Default)]
struct Open {
    is_array: bool,
    /// How many elements it has so far.
    length: c_int,
}

/// Leaves the value of `tape` on the stack of `state`, above the metatable of arrays.
///
/// # Safety
///
/// The call is protected, and the frames up to it own nothing. The stack has one value: a table, or
/// nil. `open` has room for as many as are open at once, and one more.
unsafe fn make_in(
    state: *mut ffi::lua_State,
    tape: &Tape<'_>,
    open: &mut [Open],
    check: &impl Fn() -> mlua::Result<()>,
) -> mlua::Result<()> {
    // SAFETY: as this function's; room on the stack is asked for, and each step pops what it has put
    // into the table below it.
    unsafe {
        let slots = c_int::try_from(open.len() * SLOTS).unwrap_or(c_int::MAX);
        if ffi::lua_checkstack(state, slots + SLOTS as c_int) == 0 {
            return Err(mlua::Error::StackError);
        }
        let marks_arrays = ffi::lua_type(state, 1) == ffi::LUA_TTABLE;
        let mut depth = 0;
        let mut is_key = false;
        for (number, &step) in tape.steps().iter().enumerate() {
            if number % STEPS_PER_CHECK == STEPS_PER_CHECK - 1 {
                check()?;
            }
            match step {
                Step::Null => ffi::lua_pushlightuserdata(state, std::ptr::null_mut()),
                Step::Boolean(boolean) => ffi::lua_pushboolean(state, c_int::from(boolean)),
                Step::Number(number) => ffi::lua_pushnumber(state, number),
                Step::Text { .. } | Step::Unescaped { .. } => {
                    let text = tape.text(step).unwrap_or_default();
                    ffi::lua_pushlstring_(state, text.as_ptr().cast(), text.len());
                }
                Step::Array(length) | Step::Object(length) => {
                    let is_array = matches!(step, Step::Array(_));
                    let length = c_int::try_from(length).unwrap_or(c_int::MAX);
                    let (elements, fields) = if is_array { (length, 0) } else { (0, length) };
                    ffi::lua_createtable(state, elements, fields);
                    if is_array && marks_arrays {
                        ffi::lua_pushvalue(state, 1);
                        ffi::lua_setmetatable(state, -2);
                    }
                    depth += 1;
                    open[depth] = Open { is_array, length: 0 };
                    is_key = !is_array;
                    continue;
                }
                Step::End => {
                    depth -= 1;
                    is_key = false;
                }
            }
            // The value on top belongs into what is open; a key waits for its value.
            if depth == 0 {
                continue;
            }
            let container = &mut open[depth];
            if container.is_array {
                container.length += 1;
                ffi::lua_rawseti_(state, -2, container.length);
            } else if is_key {
                is_key = false;
                continue;
            } else {
                ffi::lua_rawset(state, -3);
            }
            is_key = !container.is_array;
        }
        Ok(())
    }
}
