//! `kong.log`: what functions write to the log, through `tracing`.

mod format;
mod inspect;
mod serialize;

pub(crate) use self::serialize::tries;
use mlua::{LuaString, MultiValue, Table, Value};

use crate::api::texts;
use crate::binding::{Call, Namespace, Scope, bindings, convert};
use crate::error::log::Line;
use crate::error::log::{self, Level};
use crate::lua::{position, traceback};
use crate::message::headers::Name;
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

/// What `facility.lua` adds.
#[cfg(test)]
pub(super) const LUA_NAMES: [&str; 4] =
    ["log.new", "log.set_format", "log.inspect.on", "log.inspect.off"];

/// The functions that write their arguments.
const WRITERS: [&str; 9] =
    ["debug", "info", "notice", "warn", "err", "crit", "alert", "emerg", "deprecation"];

/// Makes a facility of the functions: `kong.log(...)` is `kong.log.notice(...)`, and there are
/// functions that make others and change them.
pub(super) fn facility(scope: &Scope<'_>, functions: &Table) -> mlua::Result<Table> {
    let native = scope.lua.create_table()?;
    native.raw_set("write", scope.calls(PhaseSet::ANY, write_in_format, None)?)?;
    native.raw_set("deprecation", scope.calls(PhaseSet::ANY, deprecation_in_format, None)?)?;
    texts::shown(scope.lua, functions, &WRITERS)?;
    texts::shown(scope.lua, &native, &["write", "deprecation"])?;
    native.raw_set("inspect", scope.calls(PhaseSet::ANY, inspect::inspect_in_namespace, None)?)?;
    let facility = scope.lua.load(include_str!("facility.lua")).set_name("=tower-lua");
    facility.call((functions, native))
}

fn write(call: &mut Call<'_>, level: Level, arguments: &MultiValue) -> mlua::Result<()> {
    if call.logs(level) {
        let position = position(call.lua);
        let message = text(call, arguments);
        log::write_for_kong(level, &call.tx.origin(), position.as_ref(), &message);
    }
    Ok(())
}

/// The texts of `arguments`, one after the other.
fn text(call: &Call<'_>, arguments: &MultiValue) -> Line {
    let mut text = Line::default();
    arguments.iter().for_each(|value| convert::log(call.lua, value, &mut text));
    text
}

/// Writes in a facility's format. The namespace `false` is the plugin.
fn write_in_format(
    call: &mut Call<'_>,
    (level, namespace, format, arguments): (f64, Value, LuaString, MultiValue),
) -> mlua::Result<()> {
    let level = Level::from_number(level).expect("facility.lua has nginx's numbers");
    if call.logs(level) {
        let mut name = Line::default();
        match namespace {
            Value::String(namespace) => name.push_bytes(&namespace.as_bytes()),
            _ => name.push(call.tx.site.plugin.name()),
        }
        let place = format::Place::of_caller(call.lua);
        let message = text(call, &arguments);
        let line = format::render(&format.as_bytes(), &name, &place, &message);
        log::write(level, &call.tx.origin(), line);
    }
    Ok(())
}

/// A warning of the PDK itself, as if the function had written it.
pub(super) fn warn(call: &Call<'_>, message: &str) {
    if call.logs(Level::Warn) {
        let position = position(call.lua);
        log::write_for_kong(Level::Warn, &call.tx.origin(), position.as_ref(), &message.into());
    }
}

/// Warns of a name that no header can have, and that is sent escaped.
pub(super) fn warn_of_escaped(call: &Call<'_>, name: &Name<'_>) {
    if name.is_escaped() {
        let (written, sent) = (name.written(), &name.name);
        warn(call, &format!("no header can have the name \"{written}\": sending \"{sent}\""));
    }
}

/// Warns of something that will go. The last argument may be a table of the versions from which it
/// is deprecated (`after`) and gone (`removal`), and of whether to show the stack (`trace`).
fn deprecation(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let arguments = with_notes(call, arguments)?;
    write(call, Level::Warn, &arguments)
}

fn deprecation_in_format(
    call: &mut Call<'_>,
    (namespace, format, arguments): (Value, LuaString, MultiValue),
) -> mlua::Result<()> {
    let arguments = with_notes(call, arguments)?;
    write_in_format(call, (f64::from(Level::Warn as u8), namespace, format, arguments))
}

/// The arguments of `deprecation`, with notes in the place of the table.
fn with_notes(call: &Call<'_>, mut arguments: MultiValue) -> mlua::Result<MultiValue> {
    let Some(Value::Table(options)) = arguments.back().cloned() else { return Ok(arguments) };
    arguments.pop_back();
    let mut notes = Vec::new();
    for (name, text) in [("after", "deprecated after"), ("removal", "scheduled for removal in")] {
        let version: Value = options.raw_get(name)?;
        if !version.is_nil() {
            notes.push(format!("{text} {}", convert::display(call.lua, &version)));
        }
    }
    if !notes.is_empty() {
        arguments.push_back(Value::String(call.string(format!(" ({})", notes.join(", ")))?));
    }
    if !matches!(options.raw_get("trace")?, Value::Nil | Value::Boolean(false)) {
        let stack = traceback(call.lua, 1)?;
        arguments.push_back(Value::String(call.string(format!(" {stack}"))?));
    }
    Ok(arguments)
}
