//! JSON as lua-cjson reads and writes it; the reading is `serde_json`'s.

use std::cell::RefCell;
use std::fmt;

use mlua::{LightUserData, Lua, LuaString, Table, Value};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use crate::pdk::type_name;

/// How deeply tables may be nested for [`encode`].
const MAX_DEPTH: usize = 1000;

const ARRAY_MT: &str = "tower-lua.json.array_mt";
const EMPTY_ARRAY_MT: &str = "tower-lua.json.empty_array_mt";

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Significant digits of a number.
    pub(crate) precision: usize,
    /// The highest index of an array that may be sparse.
    pub(crate) sparse_safe: usize,
}

impl Format {
    /// lua-cjson's defaults: `cjson`.
    pub(crate) const PLAIN: Self = Self { precision: 14, sparse_safe: 10 };

    /// As Kong sets up `cjson.safe`, which its own responses are written with.
    pub(crate) const KONG: Self = Self { precision: 16, sparse_safe: 1 << 15 };
}

/// Whether decoded arrays are marked, so that empty ones are written as arrays again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrays {
    Plain,
    Marked,
}

/// Prepares `lua` for JSON.
pub(super) fn register(lua: &Lua) -> mlua::Result<()> {
    lua.set_named_registry_value(ARRAY_MT, lua.create_table()?)?;
    lua.set_named_registry_value(EMPTY_ARRAY_MT, lua.create_table()?)
}

/// The metatable of tables that are written as arrays.
pub(super) fn array_mt(lua: &Lua) -> mlua::Result<Table> {
    lua.named_registry_value(ARRAY_MT)
}

/// The metatable of tables that are written as arrays when they are empty.
pub(super) fn empty_array_mt(lua: &Lua) -> mlua::Result<Table> {
    lua.named_registry_value(EMPTY_ARRAY_MT)
}

/// The value that is written as an empty array.
pub(super) fn empty_array() -> LightUserData {
    static MARK: u8 = 0;
    LightUserData(std::ptr::from_ref(&MARK).cast_mut().cast())
}

/// Why a value cannot be written or a text not be read; or what Lua itself reports.
#[derive(Debug)]
pub(crate) enum JsonError {
    Unfit(String),
    Lua(mlua::Error),
}

impl From<mlua::Error> for JsonError {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

/// Writes `value` as JSON.
pub(crate) fn encode(lua: &Lua, value: &Value, format: Format) -> Result<Vec<u8>, JsonError> {
    let mut encoder = Encoder { lua, format, json: Vec::with_capacity(128) };
    encoder.value(value, 0)?;
    Ok(encoder.json)
}

struct Encoder<'a> {
    lua: &'a Lua,
    format: Format,
    json: Vec<u8>,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), JsonError> {
        match value {
            Value::Nil => self.json.extend_from_slice(b"null"),
            Value::Boolean(true) => self.json.extend_from_slice(b"true"),
            Value::Boolean(false) => self.json.extend_from_slice(b"false"),
            Value::Integer(integer) => self.number(*integer as f64)?,
            Value::Number(number) => self.number(*number)?,
            Value::String(string) => self.string(string),
            Value::Table(table) => self.table(table, depth + 1)?,
            Value::LightUserData(pointer) if pointer.0.is_null() => {
                self.json.extend_from_slice(b"null");
            }
            Value::LightUserData(pointer) if *pointer == empty_array() => {
                self.json.extend_from_slice(b"[]");
            }
            other => {
                return Err(unfit(type_name(other), "type not supported"));
            }
        }
        Ok(())
    }

    fn number(&mut self, number: f64) -> Result<(), JsonError> {
        if !number.is_finite() {
            return Err(unfit("number", "must not be NaN or Infinity"));
        }
        general(&mut self.json, number, self.format.precision);
        Ok(())
    }

    fn string(&mut self, string: &LuaString) {
        self.json.push(b'"');
        for &byte in &*string.as_bytes() {
            match byte {
                b'"' => self.json.extend_from_slice(b"\\\""),
                b'\\' => self.json.extend_from_slice(b"\\\\"),
                b'/' => self.json.extend_from_slice(b"\\/"),
                0x08 => self.json.extend_from_slice(b"\\b"),
                0x0c => self.json.extend_from_slice(b"\\f"),
                b'\n' => self.json.extend_from_slice(b"\\n"),
                b'\r' => self.json.extend_from_slice(b"\\r"),
                b'\t' => self.json.extend_from_slice(b"\\t"),
                0x00..0x20 | 0x7f => {
                    self.json.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                }
                _ => self.json.push(byte),
            }
        }
        self.json.push(b'"');
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            let message = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(JsonError::Unfit(message));
        }
        let meta = table.metatable();
        let is = |marker: mlua::Result<Table>| Ok::<_, mlua::Error>(meta == Some(marker?));
        if meta.is_some() && is(array_mt(self.lua))? {
            return self.array(table, table.raw_len(), depth);
        }
        match self.array_length(table)? {
            Some(length) if length > 0 => self.array(table, length, depth),
            Some(_) if meta.is_some() && is(empty_array_mt(self.lua))? => {
                self.array(table, 0, depth)
            }
            _ => self.object(table, depth),
        }
    }

    /// The highest index of a table that has only whole numbers from 1 as keys.
    fn array_length(&self, table: &Table) -> Result<Option<usize>, JsonError> {
        let (mut highest, mut count) = (0_usize, 0_usize);
        for pair in table.pairs::<Value, Value>() {
            match pair?.0 {
                Value::Integer(index) if index >= 1 => {
                    highest = highest.max(index as usize);
                    count += 1;
                }
                _ => return Ok(None),
            }
        }
        if highest > count * 2 && highest > self.format.sparse_safe {
            return Err(unfit("table", "excessively sparse array"));
        }
        Ok(Some(highest))
    }

    fn array(&mut self, table: &Table, length: usize, depth: usize) -> Result<(), JsonError> {
        self.json.push(b'[');
        for index in 1..=length {
            if index > 1 {
                self.json.push(b',');
            }
            self.value(&table.raw_get(index)?, depth)?;
        }
        self.json.push(b']');
        Ok(())
    }

    fn object(&mut self, table: &Table, depth: usize) -> Result<(), JsonError> {
        self.json.push(b'{');
        for (position, pair) in table.pairs::<Value, Value>().enumerate() {
            let (key, value) = pair?;
            if position > 0 {
                self.json.push(b',');
            }
            match key {
                Value::String(key) => self.string(&key),
                Value::Integer(_) | Value::Number(_) => {
                    self.json.push(b'"');
                    self.number(key.as_f64().unwrap_or_default())?;
                    self.json.push(b'"');
                }
                _ => return Err(unfit("table", "table key must be a number or string")),
            }
            self.json.push(b':');
            self.value(&value, depth)?;
        }
        self.json.push(b'}');
        Ok(())
    }
}

fn unfit(what: &str, why: &str) -> JsonError {
    JsonError::Unfit(format!("Cannot serialise {what}: {why}"))
}

/// Writes a number as C's `%.{precision}g` does.
fn general(out: &mut Vec<u8>, number: f64, precision: usize) {
    use std::io::Write;

    let written = if number == 0.0 {
        write!(out, "{number}")
    } else {
        let scientific = format!("{number:.*e}", precision - 1);
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or_default();
        if exponent < -4 || exponent >= precision as i32 {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(out, "{}e{sign}{:02}", without_trailing_zeros(mantissa), exponent.abs())
        } else {
            let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
            write!(out, "{}", without_trailing_zeros(&format!("{number:.decimals$}")))
        }
    };
    written.expect("a vector takes any number of bytes");
}

fn without_trailing_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Reads JSON.
///
/// # Errors
///
/// What is wrong with the text, and where.
pub(crate) fn decode(lua: &Lua, json: &[u8], arrays: Arrays) -> Result<Value, JsonError> {
    let failure = RefCell::new(None);
    let reader = Reader { lua, arrays, failure: &failure };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let result =
        reader.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    result.map_err(|error| match failure.take() {
        Some(lua_error) => JsonError::Lua(lua_error),
        None => JsonError::Unfit(error.to_string()),
    })
}

/// Makes Lua values of what `serde_json` reads, with nothing in between.
#[derive(Clone, Copy)]
struct Reader<'a> {
    lua: &'a Lua,
    arrays: Arrays,
    failure: &'a RefCell<Option<mlua::Error>>,
}

impl Reader<'_> {
    fn lift<T, E: serde::de::Error>(self, result: mlua::Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            let message = E::custom(&error);
            self.failure.borrow_mut().get_or_insert(error);
            message
        })
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.lift(self.lua.create_string(value).map(Value::String))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let table = self.lift(self.lua.create_table())?;
        while let Some(element) = elements.next_element_seed(self)? {
            self.lift(table.raw_push(element))?;
        }
        if self.arrays == Arrays::Marked {
            let marker = self.lift(array_mt(self.lua))?;
            self.lift(table.set_metatable(Some(marker)))?;
        }
        Ok(Value::Table(table))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let table = self.lift(self.lua.create_table())?;
        while let Some(key) = entries.next_key_seed(self)? {
            let value = entries.next_value_seed(self)?;
            self.lift(table.raw_set(key, value))?;
        }
        Ok(Value::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_c_writes_them() {
        for (number, precision, expected) in [
            (0.0, 14, "0"),
            (-0.0, 14, "-0"),
            (1.0, 14, "1"),
            (-12.5, 14, "-12.5"),
            (0.1, 14, "0.1"),
            (0.1 + 0.2, 14, "0.3"),
            (0.1 + 0.2, 16, "0.3"),
            (1e14, 14, "1e+14"),
            (1e15, 16, "1000000000000000"),
            (123_456_789.0, 14, "123456789"),
            (1.5e-7, 14, "1.5e-07"),
            (0.0001, 14, "0.0001"),
            (1e300, 14, "1e+300"),
            (99_999_999_999_999.96, 14, "1e+14"),
        ] {
            let mut out = Vec::new();
            general(&mut out, number, precision);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
