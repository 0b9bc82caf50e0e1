//! `kong.table`: what Lua's `table` lacks.

use mlua::{Table, Value};

use super::checks;
use crate::binding::{Call, Namespace, bindings, raise_at};
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
    let capacity = |position: usize, value: &Value| match checks::as_number(value) {
        Some(count) => Ok(count.clamp(0.0, MAX_CAPACITY) as usize),
        None => Err(raise_at(
            call.lua,
            &format!(
                "bad argument #{position} to 'new' (number expected, got {})",
                checks::type_name(value)
            ),
        )),
    };
    call.lua.create_table_with_capacity(capacity(1, &array)?, capacity(2, &record)?)
}

fn clear(call: &mut Call<'_>, table: Value) -> mlua::Result<()> {
    let Value::Table(table) = table else {
        let kind = checks::type_name(&table);
        let message = format!("bad argument #1 to 'clear' (table expected, got {kind})");
        return Err(raise_at(call.lua, &message));
    };
    let keys: Vec<Value> =
        table.pairs::<Value, Value>().map(|pair| Ok(pair?.0)).collect::<mlua::Result<_>>()?;
    keys.into_iter().try_for_each(|key| table.raw_set(key, Value::Nil))
}

fn merge(
    call: &mut Call<'_>,
    (first, second): (Option<Table>, Option<Table>),
) -> mlua::Result<Table> {
    let merged = call.lua.create_table()?;
    for table in [first, second].into_iter().flatten() {
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            merged.raw_set(key, value)?;
        }
    }
    Ok(merged)
}
