//! The module `ngx.errlog`, as far as it needs no ring buffer of what was logged.

use mlua::Value;
use tracing::level_filters::LevelFilter;

use crate::binding::{Call, Namespace, bindings};
use crate::error::log::Line;
use crate::error::log::{self, Level};
use crate::lua::{as_number, raise_at};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.errlog",
    bindings: bindings! {
        "raw_log", PhaseSet::ANY, calls raw_log;
        "get_sys_filter_level", PhaseSet::ANY, calls get_sys_filter_level;
        "set_filter_level", PhaseSet::ANY, calls set_filter_level;
        "get_logs", PhaseSet::ANY, calls get_logs;
    },
};

fn raw_log(call: &mut Call<'_>, (level, message): (Value, Value)) -> mlua::Result<()> {
    let Some(level) = as_number(&level) else {
        return Err(raise_at(call.lua, "bad argument #1 to 'raw_log' (must be a number)"));
    };
    let Value::String(message) = message else {
        return Err(raise_at(call.lua, "bad argument #2 to 'raw_log' (must be a string)"));
    };
    let Some(level) = Level::from_number(level.trunc()) else {
        return Err(raise_at(call.lua, "bad log level"));
    };
    if call.logs(level) {
        let mut line = Line::default();
        line.push_bytes(&message.as_bytes());
        log::write(level, &call.tx.origin(), line);
    }
    Ok(())
}

/// The least level that anybody wants to know of. tracing has one level for several of nginx's: of
/// those it is the least.
fn get_sys_filter_level(_: &mut Call<'_>, (): ()) -> mlua::Result<u8> {
    let level = match LevelFilter::current() {
        LevelFilter::OFF => Level::Stderr,
        LevelFilter::ERROR => Level::Err,
        LevelFilter::WARN => Level::Warn,
        LevelFilter::INFO => Level::Info,
        _ => Level::Debug,
    };
    Ok(level as u8)
}

/// What OpenResty says where the directive is not set.
const NOT_SET: &str = "directive \"lua_capture_error_log\" is not set";

fn set_filter_level(
    _: &mut Call<'_>,
    (level,): (Value,),
) -> mlua::Result<Result<bool, &'static str>> {
    let missing = matches!(level, Value::Nil | Value::Boolean(false));
    Ok(Err(if missing { "missing \"level\" argument" } else { NOT_SET }))
}

fn get_logs(_: &mut Call<'_>, _: (Value, Value)) -> mlua::Result<Result<bool, &'static str>> {
    Ok(Err(NOT_SET))
}
