//! What the prelude is given of Rust's, and how it is loaded.

use std::sync::Arc;

use mlua::{Function, IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value};

use super::call::{DONE, EXIT, FAILED, SCHEDULE, WAIT, failure_of, failure_of_value};
use super::pattern::{self, Capture, Fault, Found};
use super::threads;
use crate::binding::pending;
use crate::error::{Failure, FailureKind};
use crate::lua::{self, Budget, Meter, PRELUDE_NAME, check, raise_at, string, tick};
use crate::phase::PhaseSet;
use crate::settings::{Settings, UntrustedLua};
use crate::transaction::{Current, Operation};

/// Where the registry has Lua's `newproxy`, which functions do not see: the finalizers of what it makes
/// would run where no budget reaches.
pub(crate) const NEWPROXY_KEY: &str = "tower-lua.newproxy";

/// What the prelude makes: `waiting`, `awaiting`, `exiting`, `trampoline`, `add`.
pub(super) struct Prelude {
    table: Table,
    /// The functions that trampolines run, by their numbers.
    pub(super) functions: Table,
}

impl Prelude {
    /// Runs the prelude in `lua`.
    pub(super) fn load(
        lua: &Lua,
        current: &Arc<Current>,
        meter: &Arc<Meter>,
        settings: &Settings,
    ) -> mlua::Result<Self> {
        let native = lua.create_table()?;
        native.set("DONE", DONE)?;
        native.set("EXIT", EXIT)?;
        native.set("WAIT", WAIT)?;
        native.set("FAILED", FAILED)?;
        native.set("SCHEDULE", SCHEDULE)?;
        native.set("tables", chunk(lua, include_str!("tables.lua"))?)?;
        native.set("threads", chunk(lua, include_str!("threads.lua"))?)?;
        threads::register(lua, current, &native)?;
        native.set("PENDING", pending())?;
        native.set("explain", lua.create_function(|_, error: Value| Ok(explain(&error)))?)?;
        native.set("on_error", on_error(lua, current)?)?;
        native.set("take_turn", take_turn(lua, current)?)?;
        native.set("answer", answer(lua, current)?)?;
        let clock = Arc::clone(meter);
        let begin_load = lua.create_function(move |_, ()| {
            clock.begin_load();
            Ok(())
        })?;
        native.set("begin_load", begin_load)?;
        let clock = Arc::clone(meter);
        let end_load = lua.create_function(move |_, is_loaded| {
            clock.end_load(is_loaded);
            Ok(())
        })?;
        native.set("end_load", end_load)?;
        let fail = |lua: &Lua, message: String| Err::<(), _>(raise_at(lua, &message));
        native.set("fail", lua.create_function(fail)?)?;
        native.set("limits_time", settings.budget.limits_time())?;
        native.set("is_open", settings.sandbox.mode == UntrustedLua::On)?;
        native.set("STEPS", pattern::STEPS)?;
        let reach = |_: &Lua, pattern: LuaString| Ok(pattern::reach(&pattern.as_bytes()));
        native.set("reach", lua.create_function(reach)?)?;
        let budget = settings.budget.clone();
        let search = lua.create_function(move |lua, arguments| search(lua, &budget, arguments))?;
        native.set("search", search)?;
        native.set("lower", each_byte(lua, &settings.budget, <[u8]>::to_ascii_lowercase)?)?;
        native.set("upper", each_byte(lua, &settings.budget, <[u8]>::to_ascii_uppercase)?)?;
        native.set("tick", lua.create_function(|lua, ()| tick(lua))?)?;
        let clock = Arc::clone(meter);
        let out_of_memory = lua.create_function(move |lua, ()| {
            clock.note_out_of_memory();
            tick(lua)
        })?;
        native.set("out_of_memory", out_of_memory)?;
        let is_async = |_: &Lua, value: Value| {
            Ok(matches!(value, Value::LightUserData(pointer) if !pointer.0.is_null()))
        };
        native.set("is_async", lua.create_function(is_async)?)?;
        native.set("bound_libraries", chunk(lua, include_str!("border.lua"))?)?;
        native.set("bound_patterns", chunk(lua, include_str!("patterns.lua"))?)?;
        let functions = lua.create_table()?;
        native.set("functions", &functions)?;
        lua.set_named_registry_value(NEWPROXY_KEY, lua.globals().get::<Value>("newproxy")?)?;
        let table = chunk(lua, include_str!("prelude.lua"))?.call(native)?;
        Ok(Self { table, functions })
    }

    pub(super) fn threads(&self) -> mlua::Result<Table> {
        self.table.get("threads")
    }

    pub(super) fn get(&self, name: &str) -> mlua::Result<Function> {
        self.table.get(name)
    }
}

fn chunk(lua: &Lua, source: &str) -> mlua::Result<Function> {
    lua.load(source).set_name(format!("={PRELUDE_NAME}")).into_function()
}

/// What the prelude tells a function of an error userdata: whether it may be caught at all, and its
/// message.
fn explain(error: &Value) -> (bool, Option<String>) {
    match error {
        Value::Error(error) => {
            let failure = failure_of(error);
            (failure.kind == FailureKind::Timeout, Some(failure.message))
        }
        _ => (false, None),
    }
}

/// Notes a failure while the stack of the function that failed still stands.
fn on_error(lua: &Lua, current: &Arc<Current>) -> mlua::Result<Function> {
    let slot = Arc::clone(current);
    lua.create_function(move |lua, error: Value| {
        let failure = Failure {
            position: lua::position(lua),
            traceback: lua::traceback(lua, 1)?,
            ..failure_of_value(&error)
        };
        slot.with(|tx| {
            tx.failure = Some(Box::new(failure));
            Ok(())
        })
    })
}

/// A function that makes another text of a text.
fn each_byte(lua: &Lua, budget: &Budget, made: fn(&[u8]) -> Vec<u8>) -> mlua::Result<Function> {
    let budget = budget.clone();
    lua.create_function(move |lua, text: LuaString| string(lua, &budget, &made(&text.as_bytes())))
}

/// Lets other tasks have a turn.
fn take_turn(lua: &Lua, current: &Arc<Current>) -> mlua::Result<Function> {
    let slot = Arc::clone(current);
    lua.create_function(move |lua, ()| {
        slot.with(|tx| match tx.site.phase {
            phase if PhaseSet::YIELDABLE.contains(phase) => {
                tx.operation = Some(Operation::turn());
                Ok(pending())
            }
            phase => Err(raise_at(lua, &format!("API disabled in the context of {phase}_by_lua*"))),
        })
    })
}

/// What the future has come to that the function waited for.
fn answer(lua: &Lua, current: &Arc<Current>) -> mlua::Result<Function> {
    let slot = Arc::clone(current);
    lua.create_function(move |lua, ()| {
        let answer = slot.with(|tx| Ok(tx.answer.take()))?;
        // Outside of the slot: conversions of an application's own may do anything.
        answer.expect("functions go on when their future has ended").into_values(lua)
    })
}

/// The kinds of search, as `patterns.lua` has them.
const PLAIN: i32 = 2;
const FLOATING: i32 = 1;

/// Where `pattern` matches `text`, from an offset that counts from 0: first and last byte, counted
/// from 1, and the captures; or nothing.
fn search(
    lua: &Lua,
    budget: &Budget,
    (text, pattern, start, kind): (LuaString, LuaString, f64, i32),
) -> mlua::Result<MultiValue> {
    let (text, pattern, start) = (text.as_bytes(), pattern.as_bytes(), start as usize);
    let tick = || check(lua, 0);
    let found = match kind {
        PLAIN => pattern::search_plain(&text, &pattern, start, tick),
        kind => pattern::search(&text, &pattern, start, kind != FLOATING, tick),
    };
    let Found { start, end, captures } = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Value::Nil.into_lua_multi(lua),
        Err(Fault::Pattern(message)) => return Err(raise_at(lua, message)),
        Err(Fault::Clock(error)) => return Err(error),
    };
    let mut values = MultiValue::with_capacity(captures.len() + 2);
    values.push_back(Value::Integer(start as i64 + 1));
    values.push_back(Value::Integer(end as i64));
    for capture in captures {
        values.push_back(match capture {
            Capture::Text { start, end } => Value::String(string(lua, budget, &text[start..end])?),
            Capture::Position(at) => Value::Integer(at as i64 + 1),
        });
    }
    Ok(values)
}
