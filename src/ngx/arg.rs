//! `ngx.arg` in `body_filter`: the chunk, and whether it is the last.

use bytes::Bytes;
use mlua::Value;

use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::convert;
use crate::pdk::{as_number, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.arg",
    bindings: bindings! {
        "INDEX", PhaseSet::BODY_FILTER, calls get;
        "INDEX =", PhaseSet::BODY_FILTER, calls set;
    },
};

fn get(call: &mut Call<'_>, index: Value) -> mlua::Result<Value> {
    match as_number(&index) {
        Some(1.0) => Ok(Value::String(call.string(&call.tx.chunk.data)?)),
        Some(2.0) => Ok(Value::Boolean(call.tx.chunk.eof)),
        _ => Ok(Value::Nil),
    }
}

fn set(call: &mut Call<'_>, (index, value): (Value, Value)) -> mlua::Result<()> {
    match as_number(&index) {
        Some(1.0) => {
            let mut data = Vec::new();
            append(call, &mut data, &value)?;
            call.tx.chunk.data = Bytes::from(data);
        }
        Some(2.0) => call.tx.chunk.eof = !matches!(value, Value::Nil | Value::Boolean(false)),
        _ => return Err(raise_at(call.lua, "bad argument to 'ngx.arg': 1 or 2 expected")),
    }
    Ok(())
}

/// A chunk is text, a number, nothing, or an array of them.
fn append(call: &Call<'_>, data: &mut Vec<u8>, value: &Value) -> mlua::Result<()> {
    match value {
        Value::Nil => Ok(()),
        Value::Table(values) => {
            values.sequence_values::<Value>().try_for_each(|value| append(call, data, &value?))
        }
        _ => {
            let Some(text) = convert::scalar_text(call.lua, value)? else {
                let message = format!("bad chunk data type: {}", type_name(value));
                return Err(raise_at(call.lua, &message));
            };
            data.extend_from_slice(&text.as_bytes());
            Ok(())
        }
    }
}
