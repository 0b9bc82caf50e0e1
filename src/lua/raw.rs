//! Lua's C API itself, for the little that mlua's safe one makes several times as dear.
//!
//! This is the one file with `unsafe` in it. What it rests on:
//!
//! - Lua may leave any call of its API that allocates by an error: it unwinds, or jumps, over the Rust
//!   frames up to the protected call around them. So no frame between the two owns anything when it
//!   makes such a call: all that it has is borrowed from frames further out.
//! - A value may be pushed only where the stack has room: `lua_checkstack` is asked before.
#![expect(unsafe_code, reason = "each block says why it is sound")]

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use mlua::ffi;
use mlua::{Function, Lua, LuaString, Thread, Value};

use super::shortcut::{Answer, Arguments, Scratch, Shortcut};
use super::tape::{ArrayMetatable, OfCaller, Step, Tape};

/// After how many steps the budget is asked.
const STEPS_PER_CHECK: usize = 4096;

/// How many slots of the stack an open array or object takes: its own, and a key's.
const SLOTS: usize = 2;

/// Makes the value that `tape` describes, whose texts are parts of `source`; nothing where the caller does not
/// have the metatable that arrays are to get.
///
/// `check` is asked now and then whether there is time.
///
/// # Errors
///
/// Lua's own, when there is no memory; or what `check` says.
pub(crate) fn make(
    lua: &Lua,
    source: &[u8],
    tape: &Tape,
    metatable: ArrayMetatable<'_>,
    check: impl Fn() -> mlua::Result<()>,
) -> mlua::Result<Option<Value>> {
    let mut open = vec![Open::default(); tape.depth() + 1];
    let mut stopped = Ok(true);
    let (open, outcome) = (&mut open[..], &mut stopped);
    let given = match metatable {
        ArrayMetatable::Given(table) => Some(table),
        _ => None,
    };
    // SAFETY: mlua makes a protected call of the closure, with the metatable, or nil, as the only value
    // on the stack. The closure owns nothing, and neither do the frames that it calls.
    let made: mlua::Result<(Value, Value)> = unsafe {
        lua.exec_raw(given, |state| {
            if let ArrayMetatable::OfCaller(wanted) = metatable {
                ffi::lua_settop(state, 0);
                if !push_table_of_caller(state, wanted) {
                    *outcome = Ok(false);
                    return;
                }
            }
            *outcome = make_in(state, source, tape, open, &check).map(|()| true);
        })
    };
    let is_made = stopped?;
    made.map(|(_, value)| is_made.then_some(value))
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
/// The call is protected, and the frames up to it own nothing. On top of the stack is the metatable: a table,
/// or nil. `open` has room for as many as are open at once, and one more.
unsafe fn make_in(
    state: *mut ffi::lua_State,
    source: &[u8],
    tape: &Tape,
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
        let metatable = ffi::lua_gettop(state);
        let marks_arrays = ffi::lua_type(state, metatable) == ffi::LUA_TTABLE;
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
                    push_text(state, tape.text(source, step).unwrap_or_default());
                }
                Step::Array(length) | Step::Object(length) => {
                    let is_array = matches!(step, Step::Array(_));
                    let length = c_int::try_from(length).unwrap_or(c_int::MAX);
                    let (elements, fields) = if is_array { (length, 0) } else { (0, length) };
                    ffi::lua_createtable(state, elements, fields);
                    if is_array && marks_arrays {
                        ffi::lua_pushvalue(state, metatable);
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

/// A function that asks `shortcut` first, and calls `binding` with the same arguments where that has
/// no answer.
///
/// # Errors
///
/// Lua's own, when there is no memory.
pub(crate) fn with_shortcut(
    lua: &Lua,
    binding: Function,
    shortcut: Box<Shortcut>,
) -> mlua::Result<Function> {
    let mut held = Some(Held { shortcut, scratch: UnsafeCell::default() });
    let held = &mut held;
    // SAFETY: a protected call, with the binding as the only value on the stack; the closure owns nothing
    // until there is a place for it. There, Lua has room for it, aligned as all that C allocates; its
    // finalizer drops it, which nobody else knows of.
    unsafe {
        lua.exec_raw(binding, |state| {
            let place = ffi::lua_newuserdata(state, size_of::<Held>()).cast::<Held>();
            if let Some(held) = held.take() {
                place.write(held);
            }
            if ffi::luaL_newmetatable(state, c"tower-lua.shortcut".as_ptr()) != 0 {
                ffi::lua_pushcclosure(state, drop_held, 0);
                ffi::lua_setfield(state, -2, c"__gc".as_ptr());
            }
            ffi::lua_setmetatable(state, -2);
            ffi::lua_insert(state, -2);
            ffi::lua_pushcclosure(state, call, 2);
        })
    }
}

/// What a function with a shortcut has: Lua's, which collects it with the function.
struct Held {
    shortcut: Box<Shortcut>,
    scratch: UnsafeCell<Scratch>,
}

const _: () = assert!(align_of::<Held>() <= 8, "Lua's memory is aligned to 8 bytes");

/// The finalizer of what a function holds.
///
/// # Safety
///
/// Lua's to call, once, with the place that [`with_shortcut`] has filled.
unsafe extern "C-unwind" fn drop_held(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: as this function's.
    unsafe { ffi::lua_touserdata(state, 1).cast::<Held>().drop_in_place() };
    0
}

/// How deeply a value may be nested that is made for a shortcut.
const SHALLOW: usize = 32;

/// The function itself. Its upvalues are what it holds, and the binding.
///
/// # Safety
///
/// Lua's to call, with the upvalues that [`with_shortcut`] gives it.
unsafe extern "C-unwind" fn call(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: the first upvalue points to what lives as long as the state. Whoever runs Lua has the
    // state to itself, and neither a shortcut nor what is made for it calls Lua, so nobody else is at the
    // scratch. What may raise an error comes after the shortcut, when this frame owns nothing. Lua has room
    // on the stack for some values more than the arguments.
    unsafe {
        let held = &*ffi::lua_touserdata(state, ffi::lua_upvalueindex(1)).cast::<Held>();
        let count = ffi::lua_gettop(state);
        let scratch = &mut *held.scratch.get();
        scratch.clear();
        let arguments = Arguments { state, count, lifetime: PhantomData };
        // A panic must not cross Lua: the binding will come to it, where mlua catches it.
        let ask = AssertUnwindSafe(|| (held.shortcut)(&arguments, scratch));
        let answer = std::panic::catch_unwind(ask).unwrap_or_default();
        match answer {
            Some(Answer::Nothing) => return 0,
            Some(Answer::Nil) => ffi::lua_pushnil(state),
            Some(Answer::Boolean(boolean)) => {
                ffi::lua_pushboolean(state, c_int::from(boolean));
            }
            Some(Answer::Number(number)) => ffi::lua_pushnumber(state, number),
            Some(Answer::Text) => push_text(state, &scratch.text),
            Some(Answer::Made(arrays)) if make_for_call(state, scratch, arrays) => {
                scratch.forget_value();
                if !scratch.text.is_empty() {
                    ffi::lua_pushnil(state);
                    push_text(state, &scratch.text);
                    return 3;
                }
            }
            Some(Answer::Made(_)) | None => {
                scratch.forget_value();
                ffi::lua_settop(state, count);
                ffi::lua_pushvalue(state, ffi::lua_upvalueindex(2));
                ffi::lua_insert(state, 1);
                ffi::lua_call(state, count, ffi::LUA_MULTRET);
                return ffi::lua_gettop(state);
            }
        }
        1
    }
}

/// Leaves a text on the stack.
///
/// # Safety
///
/// The call is protected, and the frames up to it own nothing. The stack has room for a value.
unsafe fn push_text(state: *mut ffi::lua_State, text: &[u8]) {
    // SAFETY: as this function's. Lua copies the text.
    unsafe { ffi::lua_pushlstring_(state, text.as_ptr().cast(), text.len()) };
}

/// Leaves the value of a shortcut's tape on the stack; or something else, where it is not one of the common
/// kind.
///
/// # Safety
///
/// As [`call`], of which it is a part.
unsafe fn make_for_call(
    state: *mut ffi::lua_State,
    scratch: &Scratch,
    arrays: Option<&OfCaller>,
) -> bool {
    let Scratch { source, tape, .. } = scratch;
    let mut open = [Open::default(); SHALLOW + 1];
    // SAFETY: Lua has called, and so catches what is raised. The arrays that are open own nothing, and there
    // are no more of them than have room; nobody says that it takes too long.
    unsafe {
        if arrays.is_none() {
            ffi::lua_pushnil(state);
        }
        tape.depth() <= SHALLOW
            && arrays.is_none_or(|arrays| push_table_of_caller(state, arrays))
            && make_in(state, source, tape, &mut open, &|| Ok(())).is_ok()
    }
}

/// Has the hook that there is called after every `count` instructions.
///
/// # Errors
///
/// Lua's own, when there is no room on its stack.
pub(super) fn call_hook_every(lua: &Lua, count: u32) -> mlua::Result<()> {
    let count = c_int::try_from(count).unwrap_or(c_int::MAX);
    // SAFETY: a protected call; what is called allocates nothing, and sets the hook that there is.
    unsafe {
        lua.exec_raw((), |state| {
            let (hook, mask) = (ffi::lua_gethook(state), ffi::lua_gethookmask(state));
            ffi::lua_sethook(state, hook, mask, count);
        })
    }
}

/// The stack of a coroutine that is suspended.
///
/// # Errors
///
/// When there is no memory for the text.
pub(super) fn traceback(lua: &Lua, thread: &Thread) -> mlua::Result<LuaString> {
    let of = thread.state();
    // SAFETY: a protected call. The coroutine is not running, and its stack is looked at only.
    unsafe { lua.exec_raw((), |state| ffi::luaL_traceback(state, of, std::ptr::null(), 0)) }
}

/// Whether the argument at `place`, from 1, is nil or not there.
pub(super) fn is_nothing(arguments: &Arguments<'_>, place: c_int) -> bool {
    // SAFETY: the arguments lie on the stack for as long as they are lent; this looks at the kind of one.
    unsafe { ffi::lua_type(arguments.state, place) <= ffi::LUA_TNIL }
}

/// The argument at `place`, from 1, if it is a string.
pub(super) fn text<'a>(arguments: &Arguments<'a>, place: c_int) -> Option<&'a [u8]> {
    // SAFETY: the arguments lie on the stack for as long as they are lent, so the string is not
    // collected, and it does not move. Of a string, `lua_tolstring` makes nothing.
    unsafe {
        if place > arguments.count || ffi::lua_type(arguments.state, place) != ffi::LUA_TSTRING {
            return None;
        }
        let mut length = 0;
        let bytes = ffi::lua_tolstring(arguments.state, place, &raw mut length);
        Some(std::slice::from_raw_parts(bytes.cast(), length))
    }
}

/// The argument at `place`, from 1, if it is a number.
pub(super) fn number(arguments: &Arguments<'_>, place: c_int) -> Option<f64> {
    // SAFETY: as in `text`; of a number, `lua_tonumber` makes nothing.
    unsafe {
        let is_number =
            place <= arguments.count && ffi::lua_type(arguments.state, place) == ffi::LUA_TNUMBER;
        is_number.then(|| ffi::lua_tonumber(arguments.state, place))
    }
}

/// Whether there is a frame at `level` of the stack that the arguments are on; the call that they are
/// of is at 0.
pub(super) fn has_frame(arguments: &Arguments<'_>, level: usize) -> bool {
    let level = c_int::try_from(level).unwrap_or(c_int::MAX);
    // SAFETY: the state is running this call. The record is only written to, and it is plain data.
    unsafe {
        let mut record = std::mem::zeroed::<ffi::lua_Debug>();
        ffi::lua_getstack(arguments.state, level, &raw mut record) != 0
    }
}

/// Resumes a coroutine with a number: what it yields, a number and perhaps a value.
///
/// # Errors
///
/// What it has died of.
pub(crate) fn resume(lua: &Lua, thread: &Thread, number: usize) -> mlua::Result<(c_int, Value)> {
    let (state, number) = (thread.state(), number as ffi::lua_Integer);
    // SAFETY: mlua's lock is held, so that nobody else is at the state or its coroutines. This one is
    // suspended, with nothing on its stack that it has yielded before, and Lua has room there for some
    // values. `lua_resume` is a protected call itself, and nothing else here raises errors.
    let yielded = lua.exec_raw_lua(|_| unsafe {
        let mut count = 0;
        ffi::lua_pushinteger(state, number);
        let status = ffi::lua_resume(state, std::ptr::null_mut(), 1, &raw mut count);
        (status == ffi::LUA_YIELD && count == 1).then(|| {
            let yielded = ffi::lua_tointeger(state, -1);
            ffi::lua_settop(state, 0);
            yielded
        })
    });
    match yielded {
        Some(yielded) => Ok((yielded as c_int, Value::Nil)),
        None => yielded_value(lua, thread),
    }
}

/// The value that a coroutine has yielded after a number, or has died of.
#[cold]
fn yielded_value(lua: &Lua, thread: &Thread) -> mlua::Result<(c_int, Value)> {
    let state = thread.state();
    // SAFETY: a protected call, and mlua has seen to room for the value. What is taken off the
    // coroutine's stack is the last that it has left there.
    let value: Value = unsafe {
        lua.exec_raw((), |main| {
            if ffi::lua_gettop(state) > 0 {
                ffi::lua_xmove(state, main, 1);
            }
        })?
    };
    // SAFETY: the coroutine is not running, and these look at its stack or empty it.
    let (status, yielded) = unsafe {
        let has_number = ffi::lua_gettop(state) > 0;
        let yielded = if has_number { ffi::lua_tointeger(state, -1) } else { 0 };
        ffi::lua_settop(state, 0);
        (ffi::lua_status(state), yielded)
    };
    match value {
        value if status == ffi::LUA_YIELD => Ok((yielded as c_int, value)),
        Value::Error(error) => Err(*error),
        Value::String(message) if status == ffi::LUA_ERRMEM => {
            Err(mlua::Error::MemoryError(message.to_string_lossy()))
        }
        other => Err(mlua::Error::RuntimeError(other.to_string().unwrap_or_default())),
    }
}

/// Leaves a table of whoever has called on the stack of `state`; nothing, if there is none.
///
/// # Safety
///
/// The call is protected, and the frames up to it own nothing. The stack has room for some values.
unsafe fn push_table_of_caller(state: *mut ffi::lua_State, wanted: &OfCaller) -> bool {
    let OfCaller { key, name } = wanted;
    // SAFETY: as this function's. The record is plain data; each way through the loop leaves the stack as it was.
    unsafe {
        let base = ffi::lua_gettop(state);
        let mut record = std::mem::zeroed::<ffi::lua_Debug>();
        let mut level = 0;
        while ffi::lua_getstack(state, level, &raw mut record) != 0 {
            level += 1;
            ffi::lua_getinfo(state, c"f".as_ptr(), &raw mut record);
            let is_lua = ffi::lua_iscfunction(state, -1) == 0;
            ffi::lua_getfenv(state, -1);
            if is_lua && ffi::lua_getmetatable(state, -1) != 0 {
                push_text(state, key.as_bytes());
                ffi::lua_rawget(state, -2);
                if ffi::lua_type(state, -1) == ffi::LUA_TTABLE {
                    push_text(state, name.as_bytes());
                    ffi::lua_rawget(state, -2);
                    let is_there = ffi::lua_type(state, -1) == ffi::LUA_TTABLE;
                    ffi::lua_insert(state, base + 1);
                    ffi::lua_settop(state, base + c_int::from(is_there));
                    return is_there;
                }
            }
            ffi::lua_settop(state, base);
        }
        false
    }
}
