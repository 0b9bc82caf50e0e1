//! `kong.node`: this process and its machine.

use mlua::{LuaString, Table, Value};

use super::checks;
use crate::binding::{Call, Namespace, bindings};
use crate::lua::{as_number, raise};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.node",
    bindings: bindings! {
        "get_id", PhaseSet::ANY, calls get_id;
        "get_memory_stats", PhaseSet::ANY, calls get_memory_stats;
        "get_hostname", PhaseSet::ANY, calls get_hostname;
    },
};

/// The most decimals that Lua's `string.format` writes.
const MAX_SCALE: f64 = 99.0;

fn get_id(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(&call.settings.node.id)
}

fn get_hostname(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(&call.settings.node.hostname)
}

// Kong: tells of all workers. A function cannot look into another VM, whose lock is not its own.
fn get_memory_stats(call: &mut Call<'_>, (unit, scale): (Value, Value)) -> mlua::Result<Table> {
    let unit = checks::text_or_nothing(call, unit, "lower")?;
    let unit = unit.map_or_else(|| "b".to_owned(), |unit| unit.to_string_lossy());
    let worker = call.lua.create_table()?;
    worker.raw_set("pid", std::process::id())?;
    worker.raw_set("http_allocated_gc", amount(call, call.lua.used_memory(), &unit, &scale)?)?;
    let dicts = call.lua.create_table()?;
    for (name, dict) in &call.settings.shared_dicts {
        let (capacity, free) = (dict.capacity(), dict.free_space());
        let zone = call.lua.create_table()?;
        zone.raw_set("capacity", amount(call, capacity, &unit, &scale)?)?;
        let allocated = capacity.saturating_sub(free);
        zone.raw_set("allocated_slabs", amount(call, allocated, &unit, &scale)?)?;
        dicts.raw_set(name.as_str(), zone)?;
    }
    let stats = call.lua.create_table()?;
    stats.raw_set("workers_lua_vms", [worker])?;
    stats.raw_set("lua_shared_dicts", dicts)?;
    Ok(stats)
}

/// A number of bytes, or its text in a larger unit.
fn amount(call: &Call<'_>, bytes: usize, unit: &str, scale: &Value) -> mlua::Result<Value> {
    let (size, name) = match unit.to_ascii_lowercase().as_str() {
        "b" => return Ok(Value::Number(bytes as f64)),
        "k" => (1_u64 << 10, "KiB"),
        "m" => (1 << 20, "MiB"),
        "g" => (1 << 30, "GiB"),
        _ => {
            let expected = "expected 'k/K', 'm/M', or 'g/G'";
            return Err(raise(format!("invalid unit '{unit}' ({expected})")));
        }
    };
    let scale = match scale {
        Value::Nil | Value::Boolean(false) => 2.0,
        scale => as_number(scale)
            .filter(|scale| *scale >= 0.0)
            .ok_or_else(|| raise("scale must be equal or greater than 0"))?,
    };
    if scale >= MAX_SCALE + 1.0 {
        return Err(raise(format!("invalid option '%.{scale}f' to 'format'")));
    }
    let decimals = scale as usize;
    call.string(format!("{:.decimals$} {name}", bytes as f64 / size as f64)).map(Value::String)
}
