//! `kong.table`: what Lua's `table` lacks.

use mlua::{Table, Value};

use crate::binding::{Call, Namespace, bindings};
use crate::lua::check;
use crate::lua::{as_number, raise_at, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.table",
    bindings: bindings! {
        "new", PhaseSet::ANY, calls new;
        "clear", PhaseSet::ANY, calls clear;
        "merge", PhaseSet::ANY, calls merge;
    },
};

/// The most slots that are set aside at once; a table grows on its own.
const MAX_CAPACITY: f64 = 65_536.0;

fn new(call: &mut Call<'_>, (array, record): (Value, Value)) -> mlua::Result<Table> {
    let capacity = |position: usize, value: &Value| match as_number(value) {
        Some(count) => Ok(count.clamp(0.0, MAX_CAPACITY) as usize),
        None => Err(refuse(call, position, "new", "number", value)),
    };
    call.lua.create_table_with_capacity(capacity(1, &array)?, capacity(2, &record)?)
}

fn clear(call: &mut Call<'_>, table: Value) -> mlua::Result<()> {
    let Value::Table(table) = table else {
        return Err(refuse(call, 1, "clear", "table", &table));
    };
    // A few at a time: mlua has no room to refer to many thousands of values. What is nil already
    // stays in a table's memory until it grows, so each round goes on behind the last.
    let mut pairs = table.pairs::<Value, Value>();
    loop {
        let keys = pairs.by_ref().take(KEYS_PER_TICK).map(|pair| Ok(pair?.0));
        let keys: Vec<Value> = keys.collect::<mlua::Result<_>>()?;
        if keys.is_empty() {
            return Ok(());
        }
        keys.into_iter().try_for_each(|key| table.raw_set(key, Value::Nil))?;
        check(call.lua, 0)?;
    }
}

/// After how many keys the clock is looked at.
const KEYS_PER_TICK: usize = 256;

fn merge(call: &mut Call<'_>, (first, second): (Value, Value)) -> mlua::Result<Table> {
    let merged = call.lua.create_table()?;
    for (position, table) in [(1, first), (2, second)] {
        let table = match table {
            Value::Table(table) => table,
            Value::Nil | Value::Boolean(false) => continue,
            other => return Err(refuse(call, position, "merge", "table", &other)),
        };
        for (count, pair) in table.pairs::<Value, Value>().enumerate() {
            if count % KEYS_PER_TICK == KEYS_PER_TICK - 1 {
                check(call.lua, 0)?;
            }
            let (key, value) = pair?;
            merged.raw_set(key, value)?;
        }
    }
    Ok(merged)
}

/// The error that Lua has for an argument of the wrong type.
fn refuse(
    call: &Call<'_>,
    position: usize,
    name: &str,
    expected: &str,
    got: &Value,
) -> mlua::Error {
    let got = type_name(got);
    let message = format!("bad argument #{position} to '{name}' ({expected} expected, got {got})");
    raise_at(call.lua, &message)
}
