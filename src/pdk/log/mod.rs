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
        "trace", PhaseSet::ANY, calls |_, _: MultiValue| Ok(());
        "inspect", PhaseSet::ANY, calls inspect::inspect;
        "deprecation", PhaseSet::ANY, calls deprecation;
        "set_serialize_value", serialize::WITH_CTX, calls serialize::set_serialize_value;
        "serialize", PhaseSet::LOG, calls serialize::serialize;
    },
};

/// `kong.log(...)` is `kong.log.notice(...)`, `kong.log.deprecation.write` is `kong.log.warn`;
/// `kong.log.inspect` can be switched off and on again.
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
            local deprecation = log.deprecation
            log.deprecation = setmetatable({ write = log.warn }, {
              __call = function(_, ...) deprecation(...) end,
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

/// Warns of something that will go. The last argument may be a table of the versions from which it
/// is deprecated (`after`) and gone (`removal`).
fn deprecation(call: &mut Call<'_>, mut arguments: MultiValue) -> mlua::Result<()> {
    let options = match arguments.back() {
        Some(Value::Table(options)) => Some(options.clone()),
        _ => None,
    };
    if let Some(options) = options {
        arguments.pop_back();
        let mut notes = Vec::new();
        for (name, text) in [("after", "deprecated after"), ("removal", "scheduled for removal in")]
        {
            let version: Value = options.raw_get(name)?;
            if !version.is_nil() {
                notes.push(format!("{text} {}", convert::display(call.lua, &version)));
            }
        }
        if !notes.is_empty() {
            let note = call.string(format!(" ({})", notes.join(", ")))?;
            arguments.push_back(Value::String(note));
        }
    }
    write(call, Level::Warn, &arguments)
}
