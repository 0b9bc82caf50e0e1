//! What libraries in the operator's directory count on: `ffi` without C, and of `debug` what shows a stack.

use mlua::{Lua, MultiValue, Table, Thread, Value};

use super::Loader;
use crate::lua::{self, PRELUDE_NAME, as_number, raise_at, type_name};

/// The letters that `debug.getinfo` takes. Those for functions of others and for lines give nothing.
const WHAT: &str = "nSlufL";

pub(super) fn register(lua: &Lua) -> mlua::Result<()> {
    let package: Table = lua.globals().get("package")?;
    let ffi = |lua: &Lua, _: Value| -> mlua::Result<Table> {
        Loader::new(lua, None).chunk(include_str!("ffi.lua"))?.call(())
    };
    package.get::<Table>("preload")?.set("ffi", lua.create_function(ffi)?)?;
    let debug = lua.create_table()?;
    debug.set("traceback", lua.create_function(traceback)?)?;
    debug.set("getinfo", lua.create_function(info)?)?;
    // As LuaJIT says of one that is not Lua's.
    debug.set("gethook", lua.create_function(|_, ()| Ok(("external hook", "", 0)))?)?;
    package.get::<Table>("loaded")?.set("debug", &debug)?;
    lua.globals().set("debug", debug)
}

/// `debug.traceback([thread,] [message [, level]])`.
fn traceback(lua: &Lua, mut arguments: MultiValue) -> mlua::Result<Value> {
    let thread = take_thread(&mut arguments);
    let message = match arguments.pop_front() {
        None | Some(Value::Nil) => String::new(),
        Some(Value::String(message)) => message.to_string_lossy() + "\n",
        Some(number @ (Value::Integer(_) | Value::Number(_))) => number.to_string()? + "\n",
        Some(other) => return Ok(other),
    };
    let level = arguments.pop_front().and_then(|level| level.as_usize()).unwrap_or(1);
    let stack = match thread {
        Some(thread) if thread != lua.current_thread() => lua::traceback_of(lua, &thread)?,
        _ => lua.traceback(None, level)?.to_string_lossy(),
    };
    lua.create_string(message + &stack).map(Value::String)
}

/// The coroutine that is asked about, if the first argument is one.
fn take_thread(arguments: &mut MultiValue) -> Option<Thread> {
    let thread = arguments.front()?.as_thread()?.clone();
    arguments.pop_front();
    Some(thread)
}

/// What is told of a function, or of who stands at a level of the stack.
struct Told {
    source: Option<String>,
    short_src: Option<String>,
    first: Option<usize>,
    last: Option<usize>,
    what: &'static str,
    line: Option<usize>,
    name: Option<String>,
    name_what: Option<&'static str>,
    upvalues: u8,
}

/// `debug.getinfo([thread,] function|level [, what])`. Of a stack, no functions are given: who asks would come by
/// what callers have, and callers trust it not to.
fn info(lua: &Lua, mut arguments: MultiValue) -> mlua::Result<Option<Table>> {
    let refused = |place, why: &str| {
        Err(raise_at(lua, &format!("bad argument #{place} to 'getinfo' ({why})")))
    };
    let of_another = take_thread(&mut arguments).is_some();
    let first = if of_another { 2 } else { 1 };
    let of = arguments.pop_front().unwrap_or(Value::Nil);
    let what = match arguments.pop_front() {
        None | Some(Value::Nil) => WHAT.to_owned(),
        Some(Value::String(what)) => what.to_string_lossy(),
        Some(other) => {
            let why = format!("string expected, got {}", type_name(&other));
            return refused(first + 1, &why);
        }
    };
    if what.chars().any(|letter| !WHAT.contains(letter)) {
        return refused(first + 1, "invalid option");
    }
    let level = || as_number(&of).and_then(|level| usize::try_from(level as i64).ok());
    let told = match &of {
        Value::Function(function) => Some(of_function(function)),
        Value::Integer(_) | Value::Number(_) if of_another => None,
        Value::Integer(_) | Value::Number(_) => level().and_then(|level| at_level(lua, level)),
        _ => return refused(first, "function or level expected"),
    };
    let function = of.as_function().filter(|_| what.contains('f'));
    let Some(told) = told else { return Ok(None) };
    let table = told.or_c_if_ours().table(lua, &what)?;
    table.raw_set("func", function)?;
    Ok(Some(table))
}

fn of_function(function: &mlua::Function) -> Told {
    let info = function.info();
    Told {
        source: info.source,
        short_src: info.short_src,
        first: info.line_defined,
        last: info.last_line_defined,
        what: info.what,
        line: None,
        name: None,
        name_what: None,
        upvalues: info.num_upvalues,
    }
}

fn at_level(lua: &Lua, level: usize) -> Option<Told> {
    lua.inspect_stack(level, |frame| {
        let (source, names) = (frame.source(), frame.names());
        Told {
            source: source.source.map(Into::into),
            short_src: source.short_src.map(Into::into),
            first: source.line_defined,
            last: source.last_line_defined,
            what: source.what,
            line: frame.current_line(),
            name: names.name.map(Into::into),
            name_what: names.name_what,
            upvalues: frame.stack().num_upvalues,
        }
    })
}

impl Told {
    /// To functions, those of the prelude are C functions.
    fn or_c_if_ours(self) -> Self {
        if self.short_src.as_deref() != Some(PRELUDE_NAME) {
            return self;
        }
        let (source, short_src) = (Some("=[C]".to_owned()), Some("[C]".to_owned()));
        Self { source, short_src, first: None, last: None, what: "C", line: None, ..self }
    }

    fn table(self, lua: &Lua, what: &str) -> mlua::Result<Table> {
        let table = lua.create_table()?;
        // Where there is no line, as in a C function.
        let line = |line: Option<usize>| line.map_or(-1, |line| i64::try_from(line).unwrap_or(-1));
        if what.contains('S') {
            table.raw_set("source", self.source)?;
            table.raw_set("short_src", self.short_src)?;
            table.raw_set("linedefined", line(self.first))?;
            table.raw_set("lastlinedefined", line(self.last))?;
            table.raw_set("what", self.what)?;
        }
        if what.contains('l') {
            table.raw_set("currentline", line(self.line))?;
        }
        if what.contains('n') {
            table.raw_set("name", self.name)?;
            table.raw_set("namewhat", self.name_what.unwrap_or(""))?;
        }
        if what.contains('u') {
            table.raw_set("nups", self.upvalues)?;
        }
        Ok(table)
    }
}
