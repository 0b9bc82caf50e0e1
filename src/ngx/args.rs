//! Query arguments as text and as tables.

use mlua::{LuaString, Table, Value};

use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::convert::{self, Collected};
use crate::pdk::{as_number, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "encode_args", PhaseSet::ANY, calls encode_args;
        "decode_args", PhaseSet::ANY, calls decode_args;
    },
};

fn encode_args(call: &mut Call<'_>, args: Value) -> mlua::Result<LuaString> {
    let Value::Table(args) = args else {
        let kind = type_name(&args);
        let message = format!("bad argument #1 to 'encode_args' (table expected, got {kind})");
        return Err(raise_at(call.lua, &message));
    };
    let query = query_of(call, &args)?;
    call.string(query)
}

/// A table of arguments as a query string.
pub(super) fn query_of(call: &Call<'_>, args: &Table) -> mlua::Result<Vec<u8>> {
    let fields = convert::encode_args(call.lua, args);
    let fields = fields.map_err(|error| match error {
        mlua::Error::RuntimeError(message) => raise_at(call.lua, &message),
        other => other,
    })?;
    Ok(fields.join(&b'&'))
}

fn decode_args(call: &mut Call<'_>, (query, max): (Value, Value)) -> mlua::Result<Collected> {
    let Some(query) = convert::scalar_text(call.lua, &query)?.filter(|_| !query.is_boolean())
    else {
        let kind = type_name(&query);
        let message = format!("bad argument #1 to 'decode_args' (string expected, got {kind})");
        return Err(raise_at(call.lua, &message));
    };
    convert::args_table(call.lua, &query.as_bytes(), max_count(&max))
}

/// How many headers or arguments are wanted: 0 for all, 100 when nothing is said.
pub(super) fn max_count(value: &Value) -> usize {
    match as_number(value) {
        Some(count) if count >= 0.0 => count as usize,
        _ => convert::DEFAULT_MAX,
    }
}
