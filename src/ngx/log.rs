//! `ngx.log` and `print`.

use mlua::{MultiValue, Value};

use crate::binding::{self, Call, Namespace, bindings, raise_at};
use crate::convert;
use crate::log::{self, Level};
use crate::pdk::{as_number, type_name};
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
        "print", PhaseSet::ANY, calls |call, values| write(call, Level::Notice, &values, 1);
    },
};

fn log(call: &mut Call<'_>, mut arguments: MultiValue) -> mlua::Result<()> {
    let level = arguments.pop_front().unwrap_or(Value::Nil);
    let Some(number) = as_number(&level) else {
        let kind = type_name(&level);
        let message = format!("bad argument #1 to 'log' (number expected, got {kind})");
        return Err(raise_at(call.lua, &message));
    };
    let Some(level) = Level::from_number(number) else {
        let message = format!("bad argument #1 to 'log' (bad log level: {number})");
        return Err(raise_at(call.lua, &message));
    };
    write(call, level, &arguments, 2)
}

/// Writes values next to each other; `first` is the place of the first among the arguments.
fn write(call: &mut Call<'_>, level: Level, values: &MultiValue, first: usize) -> mlua::Result<()> {
    if !log::is_enabled(level) {
        return Ok(());
    }
    let mut message = String::new();
    for (position, value) in values.iter().enumerate() {
        match value {
            Value::Table(_) | Value::Function(_) | Value::Thread(_) | Value::UserData(_) => {
                return Err(raise_at(
                    call.lua,
                    &format!(
                        "bad argument #{} to 'log' (string, number, boolean, or nil expected, got \
                         {})",
                        position + first,
                        type_name(value)
                    ),
                ));
            }
            Value::LightUserData(pointer) if pointer.0.is_null() => message.push_str("null"),
            value => message.push_str(&convert::display(call.lua, value)),
        }
    }
    let position = binding::position(call.lua);
    log::write_for_ngx(level, &call.tx.site, position.as_ref(), &message);
    Ok(())
}
