//! `ngx.arg` in `body_filter`: the chunk, and whether it is the last.

use bytes::Bytes;
use mlua::Value;

use super::arguments::Argument;
use super::output::Pieces;
use crate::binding::{Call, Namespace, bindings};
use crate::lua::{as_number, raise_at, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.arg",
    bindings: bindings! {
        "INDEX", PhaseSet::BODY_FILTER, calls get;
        "INDEX =", PhaseSet::BODY_FILTER, calls set;
    },
};

/// As Lua names the assignment to a field.
const SET: &str = "__newindex";

fn get(call: &mut Call<'_>, index: Value) -> mlua::Result<Value> {
    match as_number(&index) {
        Some(1.0) => Ok(Value::String(call.string(&call.tx.chunk.data)?)),
        Some(2.0) => Ok(Value::Boolean(call.tx.chunk.eof)),
        _ => Ok(Value::Nil),
    }
}

fn set(call: &mut Call<'_>, (index, value): (Value, Value)) -> mlua::Result<()> {
    match Argument::new(2, SET).number(call, index)? as i64 {
        1 => call.tx.chunk.data = chunk(call, &value)?,
        2 => call.tx.chunk.eof = !matches!(value, Value::Nil | Value::Boolean(false)),
        index => return Err(raise_at(call.lua, &format!("bad index: {index}"))),
    }
    Ok(())
}

/// A chunk is text, a number, nothing, or an array of texts and numbers.
fn chunk(call: &mut Call<'_>, value: &Value) -> mlua::Result<Bytes> {
    let mut pieces = Pieces::strict(call, Argument::new(3, SET));
    match value {
        Value::Nil => {}
        Value::Table(values) => pieces.add_array(values)?,
        _ if pieces.add(value)? => {}
        _ => {
            let message = format!("bad chunk data type: {}", type_name(value));
            return Err(raise_at(call.lua, &message));
        }
    }
    let text = pieces.text.into_vec();
    Ok(call.tx.share.own_one(text)?)
}
