//! JSON and Lua's values.

use serde_json::{Map, Number, Value as Json};
use tower_lua::mlua::{self, Lua, Value};

/// How deep tables may be nested.
const MAX_DEPTH: usize = 100;

pub(super) fn encode(value: &Value) -> mlua::Result<String> {
    Ok(to_json(value, MAX_DEPTH)?.to_string())
}

pub(super) fn decode(lua: &Lua, text: &[u8]) -> mlua::Result<Value> {
    let json = serde_json::from_slice(text).map_err(mlua::Error::external)?;
    to_lua(lua, &json)
}

/// Tables with the keys 1 to n are arrays, and so are empty ones.
fn to_json(value: &Value, depth: usize) -> mlua::Result<Json> {
    let deeper = depth.checked_sub(1).ok_or_else(|| mlua::Error::external("nested too deep"))?;
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Boolean(on) => Json::Bool(*on),
        Value::Integer(number) => Json::Number((*number).into()),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole numbers that fit are looked for"
        )]
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Json::Number((*number as i64).into())
        }
        Value::Number(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::String(text) => Json::String(text.to_string_lossy()),
        Value::Table(table) => {
            let length = table.raw_len();
            let pairs = table.pairs::<Value, Value>().collect::<mlua::Result<Vec<_>>>()?;
            if pairs.len() == length {
                let elements = (1..=length).map(|i| to_json(&table.raw_get(i)?, deeper));
                return Ok(Json::Array(elements.collect::<mlua::Result<_>>()?));
            }
            let mut object = Map::new();
            for (name, value) in &pairs {
                object.insert(name.to_string()?, to_json(value, deeper)?);
            }
            Json::Object(object)
        }
        other => {
            let message = format!("a {} has no JSON", other.type_name());
            return Err(mlua::Error::external(message));
        }
    })
}

fn to_lua(lua: &Lua, json: &Json) -> mlua::Result<Value> {
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(on) => Value::Boolean(*on),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(elements) => {
            let elements = elements.iter().map(|element| to_lua(lua, element));
            let elements = elements.collect::<mlua::Result<Vec<_>>>()?;
            Value::Table(lua.create_sequence_from(elements)?)
        }
        Json::Object(fields) => {
            let table = lua.create_table()?;
            for (name, value) in fields {
                table.raw_set(name.as_str(), to_lua(lua, value)?)?;
            }
            Value::Table(table)
        }
    })
}
