//! Query arguments as text and as tables.

use mlua::{LuaString, Table, Value};

use super::arguments::Argument;
use crate::binding::convert::{self, Collected};
use crate::binding::{Call, Namespace, bindings};
use crate::lua::{raise_at, type_name};
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
        return Err(Argument::new(1, "?").mismatch(call, "table", type_name(&args)));
    };
    call.string(query_of(call, &args)?)
}

/// A table of arguments as a query string.
pub(super) fn query_of(call: &Call<'_>, args: &Table) -> mlua::Result<Vec<u8>> {
    let mut query = call.buffer();
    convert::encode_args(call.lua, args, &mut query).map_err(|error| match error {
        mlua::Error::RuntimeError(message) => raise_at(call.lua, &message),
        other => other,
    })?;
    Ok(query.into_vec())
}

fn decode_args(call: &mut Call<'_>, (query, max): (Value, Value)) -> mlua::Result<Collected> {
    let query = Argument::new(1, "decode_args").text(call, &query)?;
    let max = Argument::new(2, "decode_args").max_count(call, max)?;
    convert::args_table(call.lua, &query.as_bytes(), max)
}
