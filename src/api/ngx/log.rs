//! `ngx.log` and `print`.

use mlua::{MultiValue, Table, Value};

use super::arguments::Argument;
use crate::api::texts;
use crate::binding::{Call, Namespace, Scope, bindings, convert};
use crate::error::log::Line;
use crate::error::log::{self, Level};
use crate::lua::{position, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "log", PhaseSet::ANY, calls log;
    },
};

/// Lua's own `print`, which OpenResty sends to the log.
pub(crate) const GLOBAL_NAMESPACE: Namespace = Namespace {
    path: "_G",
    bindings: bindings! {
        "print", PhaseSet::ANY, calls |call, values| write(call, Level::Notice, &values, "print");
    },
};

/// Lets the functions `ngx.log` and `print` show tables that know how.
pub(super) fn register(scope: &Scope<'_>, ngx: &Table) -> mlua::Result<()> {
    texts::shown(scope.lua, ngx, &["log"])?;
    texts::shown(scope.lua, &scope.lua.globals(), &["print"])
}

fn log(call: &mut Call<'_>, mut arguments: MultiValue) -> mlua::Result<()> {
    let level = arguments.pop_front().unwrap_or(Value::Nil);
    let argument = Argument::new(1, "log");
    let number = argument.number(call, level)?.trunc();
    let Some(level) = Level::from_number(number) else {
        return Err(argument.bad(call, &format!("bad log level: {number}")));
    };
    write(call, level, &arguments, "log")
}

/// Writes values next to each other. In messages of `function` they count from 1, whether there was
/// a level before them or not.
fn write(
    call: &mut Call<'_>,
    level: Level,
    values: &MultiValue,
    function: &'static str,
) -> mlua::Result<()> {
    if !call.logs(level) {
        return Ok(());
    }
    let mut message = Line::default();
    for (place, value) in values.iter().enumerate() {
        let argument = Argument::new(place + 1, function);
        match value {
            Value::Table(_) => {
                return Err(argument.bad(call, "expected table to have __tostring metamethod"));
            }
            Value::Function(_) | Value::Thread(_) | Value::UserData(_) => {
                return Err(argument.mismatch(
                    call,
                    "string, number, boolean, or nil",
                    type_name(value),
                ));
            }
            Value::LightUserData(pointer) if pointer.0.is_null() => message.push("null"),
            value => convert::log(call.lua, value, &mut message),
        }
    }
    let position = position(call.lua);
    log::write_for_ngx(level, &call.tx.origin(), position.as_ref(), &message);
    Ok(())
}

/// What comes too late is logged and otherwise ignored.
pub(super) fn complain(call: &Call<'_>, message: &str) {
    note(call, Level::Err, message);
}

/// A line of our own about what a function does.
pub(super) fn note(call: &Call<'_>, level: Level, message: &str) {
    if call.logs(level) {
        let position = position(call.lua);
        log::write_for_ngx(level, &call.tx.origin(), position.as_ref(), &message.into());
    }
}
