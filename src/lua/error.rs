//! Errors of Lua's: how they are raised, and where.

use std::borrow::Cow;

use mlua::{Function, Lua, Thread};

use super::raw;

/// The chunk name of the prelude, as it stands in tracebacks.
pub(crate) const PRELUDE_NAME: &str = "tower-lua";

/// A Lua error whose value is the string `message` with no position before it: how Kong's PDK
/// reports misuse.
#[cold]
pub(crate) fn raise(message: impl Into<String>) -> mlua::Error {
    mlua::Error::RuntimeError(message.into())
}

/// The same with the position of the Lua code that called, as `luaL_error` puts it: how
/// lua-nginx-module reports misuse.
#[cold]
pub(crate) fn raise_at(lua: &Lua, message: &str) -> mlua::Error {
    match caller(lua) {
        Some((chunk, line)) => raise(format!("{chunk}:{line}: {message}")),
        None => raise(message),
    }
}

/// Chunk and line of the Lua function that called a binding; nothing where a function in C did, as
/// `pcall` does with what it is handed.
fn caller(lua: &Lua) -> Option<(String, usize)> {
    for level in 1.. {
        // The frame's place; none of the prelude's, which wraps bindings.
        let place = lua.inspect_stack(level, |frame| {
            let Some(line) = frame.current_line() else { return Some(None) };
            let chunk = frame.source().short_src?;
            (chunk != PRELUDE_NAME).then(|| Some((chunk.into_owned(), line)))
        })?;
        if let Some(place) = place {
            return place;
        }
    }
    None
}

/// Chunk and line of the innermost Lua function on the stack that is not the prelude's.
pub(crate) fn position(lua: &Lua) -> Option<(String, usize)> {
    positions(lua).next()
}

/// Those of all of them, from the innermost outwards.
fn positions(lua: &Lua) -> impl Iterator<Item = (String, usize)> {
    let frames = (0..).map_while(|level| {
        lua.inspect_stack(level, |frame| {
            let chunk = frame.source().short_src?;
            let line = frame.current_line()?;
            (chunk != PRELUDE_NAME).then(|| (chunk.into_owned(), line))
        })
    });
    frames.flatten()
}

/// How many bytes of `message` are the position that `raise`, which is Lua's `error`, has put before what it
/// was called with, if it is what stands at `level` of the stack and has.
///
/// It is asked where no budget reaches, and to find a frame takes as long as the stack is deep: so the position
/// is that of who has called `raise`, or of their caller, as nearly all are.
pub(crate) fn raised_at(
    lua: &Lua,
    level: usize,
    raise: &Function,
    message: &[u8],
) -> Option<usize> {
    if !lua.inspect_stack(level, |frame| frame.function() == *raise)? {
        return None;
    }
    let place = |(chunk, line): (String, usize)| format!("{chunk}:{line}: ");
    let places = positions(lua).take(2).map(place);
    places.filter(|place| message.starts_with(place.as_bytes())).map(|place| place.len()).next()
}

/// A message without the position in the prelude that it may begin with: to functions, those of the
/// prelude are C functions, which have none.
pub(crate) fn without_position(message: &str) -> &str {
    let rest = message.strip_prefix(PRELUDE_NAME).and_then(|rest| rest.strip_prefix(':'));
    let line = rest.and_then(|rest| rest.split_once(": "));
    match line {
        Some((line, rest)) if line.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => message,
    }
}

/// Lua's stack from the innermost function outwards, without our own frames.
pub(crate) fn traceback(lua: &Lua, level: usize) -> mlua::Result<String> {
    Ok(without_ours(&lua.traceback(None, level)?.to_string_lossy()))
}

/// The same of a coroutine that is suspended.
pub(crate) fn traceback_of(lua: &Lua, thread: &Thread) -> mlua::Result<String> {
    Ok(without_ours(&raw::traceback(lua, thread)?.to_string_lossy()))
}

fn without_ours(traceback: &str) -> String {
    let ours = format!("\t{PRELUDE_NAME}:");
    let frames = traceback.lines().filter(|frame| !frame.starts_with(&ours));
    frames.map(as_luajit_has_it).collect::<Vec<_>>().join("\n")
}

/// A frame in LuaJIT's words, which people look for in logs: `in function 'name'`, wherever the name
/// is from.
fn as_luajit_has_it(frame: &str) -> Cow<'_, str> {
    let known = ["upvalue", "local", "field", "method", "global"];
    let kinds = known.iter().map(|kind| format!(": in {kind} '"));
    match kinds.filter_map(|kind| frame.split_once(&kind)).next() {
        None => Cow::Borrowed(frame),
        Some((place, name)) => Cow::Owned(format!("{place}: in function '{name}")),
    }
}
