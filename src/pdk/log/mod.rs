//! `kong.log`: what functions write to the log, through `tracing`.

mod inspect;
mod serialize;

use mlua::{Lua, MultiValue, Table, Value};

use crate::binding::{self, Call, Namespace, bindings};
use crate::convert;
use crate::log::{self, Level};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.log",
    bindings: bindings! {
        "debug", PhaseSet::ANY, calls |call, arguments| write(call, Level::Debug, &arguments);
        "info", PhaseSet::ANY, calls |call, arguments| write(call, Level::Info, &arguments);
        "notice", PhaseSet::ANY, calls |call, arguments| write(call, Level::Notice, &arguments);
        "warn", PhaseSet::ANY, calls |call, arguments| write(call, Level::Warn, &arguments);
        "err", PhaseSet::ANY, calls |call, arguments| write(call, Level::Err, &arguments);
        "crit", PhaseSet::ANY, calls |call, arguments| write(call, Level::Crit, &arguments);
        "alert", PhaseSet::ANY, calls |call, arguments| write(call, Level::Alert, &arguments);
        "emerg", PhaseSet::ANY, calls |call, arguments| write(call, Level::Emerg, &arguments);
        "inspect", PhaseSet::ANY, calls inspect::inspect;
        "set_serialize_value", serialize::WITH_CTX, calls serialize::set_serialize_value;
        "serialize", PhaseSet::LOG, calls serialize::serialize;
    },
};

/// `kong.log(...)` is `kong.log.notice(...)`; `kong.log.inspect` can be switched off and on again.
pub(super) fn callable(lua: &Lua, functions: Table) -> mlua::Result<Table> {
    lua.load(
        r#"
            local setmetatable = setmetatable
            local log = ...
            local print = log.inspect
            local enabled = true
            log.inspect = setmetatable({
              on = function() enabled = true end,
              off = function() enabled = false end,
            }, {
              __call = function(_, ...) if enabled then print(...) end end,
            })
            return setmetatable(log, { __call = function(_, ...) log.notice(...) end })
            "#,
    )
    .set_name("=tower-lua")
    .call(functions)
}

fn write(call: &mut Call<'_>, level: Level, arguments: &MultiValue) -> mlua::Result<()> {
    if log::is_enabled(level) {
        let message: String =
            arguments.iter().map(|value| convert::display(call.lua, value)).collect();
        let position = binding::position(call.lua);
        log::write_for_kong(level, &call.tx.site, position.as_ref(), &message);
    }
    Ok(())
}

/// A warning of the PDK itself, as if the function had written it.
pub(super) fn warn(call: &Call<'_>, message: &str) {
    if log::is_enabled(Level::Warn) {
        let position = binding::position(call.lua);
        log::write_for_kong(Level::Warn, &call.tx.site, position.as_ref(), message);
    }
}

/// The value of a field that may be missing.
fn field(table: Option<&Table>, name: &str) -> mlua::Result<Value> {
    table.map_or(Ok(Value::Nil), |table| table.raw_get(name))
}
