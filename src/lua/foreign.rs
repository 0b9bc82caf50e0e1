//! Calls of what the application has made for Lua, which may hold up its thread: a file that is read,
//! a lock that is waited for. No CPU clock sees that, so they count by the clock on the wall.

use std::time::Duration;

use mlua::{Function, Lua, Value};

use super::PRELUDE_NAME;
use super::budget::Limits;
use super::meter::Moment;

/// From how long on the log tells of it.
const WORTH_TELLING: Duration = Duration::from_millis(20);

/// Notes the time before such a call.
pub(crate) fn begin_foreign(lua: &Lua) -> Option<Moment> {
    lua.app_data_ref::<Limits>().map(|limits| limits.meter.moment())
}

/// Counts the time that a call of `name` has taken which began at `moment`.
///
/// # Errors
///
/// When that was the rest of the time that the function had which called.
pub(crate) fn end_foreign(lua: &Lua, moment: Option<Moment>, name: &str) -> mlua::Result<()> {
    let Some(limits) = lua.app_data_ref::<Limits>() else { return Ok(()) };
    let Some(held) = moment.and_then(|moment| limits.meter.count(moment)) else { return Ok(()) };
    if held >= WORTH_TELLING {
        tell(name, held);
    }
    limits.meter.heed(lua, limits.meter.tick())
}

#[cold]
fn tell(name: &str, held: Duration) {
    tracing::warn!(
        target: "tower_lua::function",
        function = name,
        "the Rust function {name} has held up its thread for {held:?}: what waits belongs into an \
         asynchronous one"
    );
}

/// Has the calls of a module's own functions counted: those that are fields of its table.
pub(crate) fn watched(lua: &Lua, module: &str, value: Value) -> mlua::Result<Value> {
    let Value::Table(table) = &value else { return Ok(value) };
    let functions: Vec<(Value, Function)> = table
        .pairs::<Value, Value>()
        .filter_map(|pair| match pair {
            Ok((key, Value::Function(function))) if function.info().what == "C" => {
                Some((key, function))
            }
            _ => None,
        })
        .collect();
    for (key, function) in functions {
        let name = key.to_string().unwrap_or_default();
        table.raw_set(key, watch(lua, format!("{module}.{name}"), function)?)?;
    }
    Ok(value)
}

fn watch(lua: &Lua, name: String, function: Function) -> mlua::Result<Function> {
    let begin = lua.create_function(|lua, ()| {
        if let Some(limits) = lua.app_data_ref::<Limits>() {
            limits.meter.remember_moment();
        }
        Ok(())
    })?;
    let end = lua.create_function(move |lua, ()| {
        let moment = lua.app_data_ref::<Limits>().and_then(|limits| limits.meter.take_moment());
        end_foreign(lua, moment, &name)
    })?;
    let wrap: Function = lua
        .load(
            r#"
            local f, begin, done = ...
            local function after(...)
              done()
              return ...
            end
            return function(...)
              begin()
              return after(f(...))
            end
            "#,
        )
        .set_name(format!("={PRELUDE_NAME}"))
        .into_function()?;
    wrap.call((function, begin, end))
}
