//! Lua values to JSON.

use std::io::Write;

use mlua::{Function, Lua, LuaString, Table, Value};

use super::{Format, InvalidNumbers, JsonError, MEANINGS, Marker, NEXT, empty_array};
use crate::lua::Buffer;
use crate::lua::{as_number, type_name};

/// After how many values the budget is asked.
const VALUES_PER_CHECK: usize = 512;

/// Writes `value` as JSON.
///
/// # Errors
///
/// When the value is nothing that JSON can express; when the function that wants it may not go on.
pub(crate) fn encode<'a>(
    lua: &'a Lua,
    value: &Value,
    format: Format,
) -> Result<Buffer<'a>, JsonError> {
    let mut json = Buffer::new(lua);
    json.reserve(128)?;
    let mut encoder = Encoder {
        lua,
        format,
        next: None,
        meanings: None,
        json,
        number: Vec::new(),
        open: Vec::new(),
        values: 0,
    };
    encoder.value(value)?;
    encoder.contents()?;
    Ok(encoder.json)
}

struct Encoder<'a> {
    lua: &'a Lua,
    format: Format,
    /// Lua's `next`, once it is needed.
    next: Option<Function>,
    /// What metatables mean, once there is one.
    meanings: Option<Table>,
    json: Buffer<'a>,
    /// The number that is being written.
    number: Vec<u8>,
    /// The tables that are being written, outermost first. They are not on the thread's stack,
    /// which may be nearly used up where a function calls.
    open: Vec<Open>,
    values: usize,
}

/// A table of which some elements have been written.
enum Open {
    Array { table: Table, index: usize, length: usize, is_empty: bool },
    Object { table: Table, key: Value, is_empty: bool },
}

impl Encoder<'_> {
    /// Writes a value, or the beginning of a table.
    fn value(&mut self, value: &Value) -> Result<(), JsonError> {
        self.values += 1;
        if self.values.is_multiple_of(VALUES_PER_CHECK) {
            self.json.tick()?;
        }
        match value {
            Value::Nil => self.json.extend(b"null")?,
            Value::Boolean(true) => self.json.extend(b"true")?,
            Value::Boolean(false) => self.json.extend(b"false")?,
            Value::Integer(integer) => self.number(*integer as f64)?,
            Value::Number(number) => self.number(*number)?,
            Value::String(string) => self.string(string)?,
            Value::Table(table) => self.table(table)?,
            Value::LightUserData(pointer) if pointer.0.is_null() => {
                self.json.extend(b"null")?;
            }
            Value::LightUserData(pointer) if *pointer == empty_array() => {
                self.json.extend(b"[]")?;
            }
            other => return Err(unfit(type_name(other), "type not supported")),
        }
        Ok(())
    }

    /// Writes what is left of the tables that were begun.
    fn contents(&mut self) -> Result<(), JsonError> {
        while let Some(open) = self.open.last_mut() {
            let value = match open {
                Open::Array { index, length, .. } if index == length => {
                    self.json.push(b']')?;
                    None
                }
                Open::Array { table, index, is_empty, .. } => {
                    *index += 1;
                    let value: Value = table.raw_get(*index)?;
                    if !is_skipped(self.format, &value) && !std::mem::take(is_empty) {
                        self.json.push(b',')?;
                    }
                    Some(value)
                }
                Open::Object { table, key, is_empty } => {
                    let next = self.next.as_ref().expect("set with the first object");
                    let (following, value): (Value, Value) = next.call((&*table, &*key))?;
                    if following.is_nil() {
                        self.json.push(b'}')?;
                        None
                    } else {
                        *key = following.clone();
                        if !is_skipped(self.format, &value) {
                            if !std::mem::take(is_empty) {
                                self.json.push(b',')?;
                            }
                            self.key(&following)?;
                        }
                        Some(value)
                    }
                }
            };
            match value {
                None => {
                    self.open.pop();
                }
                Some(value) if is_skipped(self.format, &value) => {}
                Some(value) => self.value(&value)?,
            }
        }
        Ok(())
    }

    fn key(&mut self, key: &Value) -> Result<(), JsonError> {
        match key {
            Value::String(key) => self.string(key)?,
            Value::Integer(_) | Value::Number(_) => {
                self.json.push(b'"')?;
                self.number(as_number(key).unwrap_or_default())?;
                self.json.push(b'"')?;
            }
            other => {
                return Err(unfit(type_name(other), "table key must be a number or string"));
            }
        }
        self.json.push(b':')?;
        Ok(())
    }

    fn number(&mut self, number: f64) -> Result<(), JsonError> {
        if number.is_finite() {
            self.number.clear();
            general(&mut self.number, number, self.format.precision);
            self.json.extend(&self.number)?;
            return Ok(());
        }
        self.json.extend(match self.format.invalid_numbers {
            InvalidNumbers::Refused => {
                return Err(unfit("number", "must not be NaN or Infinity"));
            }
            InvalidNumbers::Null => b"null",
            InvalidNumbers::AsInJavaScript if number.is_nan() => b"NaN",
            InvalidNumbers::AsInJavaScript if number < 0.0 => b"-Infinity",
            InvalidNumbers::AsInJavaScript => b"Infinity",
        })?;
        Ok(())
    }

    fn string(&mut self, string: &LuaString) -> Result<(), JsonError> {
        self.json.push(b'"')?;
        self.text(&string.as_bytes())?;
        self.json.push(b'"')?;
        Ok(())
    }

    fn text(&mut self, mut bytes: &[u8]) -> mlua::Result<()> {
        let is_special = |byte: &u8| match byte {
            b'"' | b'\\' | 0x00..0x20 | 0x7f => true,
            b'/' => self.format.escape_forward_slash,
            _ => false,
        };
        while let Some(position) = bytes.iter().position(is_special) {
            self.json.extend(&bytes[..position])?;
            match bytes[position] {
                byte @ (b'"' | b'\\' | b'/') => self.json.extend(&[b'\\', byte])?,
                0x08 => self.json.extend(b"\\b")?,
                0x0c => self.json.extend(b"\\f")?,
                b'\n' => self.json.extend(b"\\n")?,
                b'\r' => self.json.extend(b"\\r")?,
                b'\t' => self.json.extend(b"\\t")?,
                byte => self.json.extend(format!("\\u{byte:04x}").as_bytes())?,
            }
            bytes = &bytes[position + 1..];
        }
        self.json.extend(bytes)
    }

    /// Begins to write a table.
    fn table(&mut self, table: &Table) -> Result<(), JsonError> {
        let depth = self.open.len() + 1;
        if depth > self.format.max_depth {
            let message = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(JsonError::Unfit(message));
        }
        let marker = self.marker(table)?;
        let length = if marker == Some(Marker::Array) {
            Some(table.raw_len())
        } else {
            match self.array_length(table)? {
                Some(0) if self.format.empty_table_as_object => {
                    (marker == Some(Marker::EmptyArray)).then_some(0)
                }
                length => length,
            }
        };
        let table = table.clone();
        self.open.push(match length {
            Some(length) => {
                self.json.push(b'[')?;
                Open::Array { table, index: 0, length, is_empty: true }
            }
            None => {
                if self.next.is_none() {
                    self.next = Some(self.lua.named_registry_value(NEXT)?);
                }
                self.json.push(b'{')?;
                Open::Object { table, key: Value::Nil, is_empty: true }
            }
        });
        Ok(())
    }

    /// What the metatable of a table says of it.
    fn marker(&mut self, table: &Table) -> mlua::Result<Option<Marker>> {
        let Some(meta) = table.metatable() else { return Ok(None) };
        let meanings = match &self.meanings {
            Some(meanings) => meanings,
            None => self.meanings.insert(self.lua.named_registry_value(MEANINGS)?),
        };
        Marker::meant_by(meanings, &meta)
    }

    /// The highest index of a table that has only whole numbers from 1 as keys.
    fn array_length(&mut self, table: &Table) -> Result<Option<usize>, JsonError> {
        let (mut highest, mut count) = (0_usize, 0_usize);
        for pair in table.pairs::<Value, Value>() {
            match pair?.0 {
                Value::Integer(index) if index >= 1 => {
                    highest = highest.max(index as usize);
                    count += 1;
                }
                _ => return Ok(None),
            }
            if count.is_multiple_of(VALUES_PER_CHECK) {
                self.json.tick()?;
            }
        }
        let Format { sparse_ratio, sparse_safe, sparse_convert, .. } = self.format;
        let allowed = count.saturating_mul(sparse_ratio).max(sparse_safe);
        if sparse_ratio == 0 || highest <= allowed {
            Ok(Some(highest))
        } else if sparse_convert {
            Ok(None)
        } else {
            Err(unfit("table", "excessively sparse array"))
        }
    }
}

fn is_skipped(format: Format, value: &Value) -> bool {
    format.skip_unsupported_types
        && !matches!(
            value,
            Value::Nil
                | Value::Boolean(_)
                | Value::Integer(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Table(_)
                | Value::LightUserData(_)
        )
}

fn unfit(what: &str, why: &str) -> JsonError {
    JsonError::Unfit(format!("Cannot serialise {what}: {why}"))
}

/// Writes a number as C's `%.{precision}g` does.
fn general(json: &mut Vec<u8>, number: f64, precision: usize) {
    let written = if number == 0.0 {
        write!(json, "{number}")
    } else if number.trunc() == number && number.abs() < 10_f64.powi(precision as i32) {
        write!(json, "{}", number as i64)
    } else {
        let scientific = format!("{number:.*e}", precision - 1);
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let exponent: i32 = exponent.parse().unwrap_or_default();
        if exponent < -4 || exponent >= precision as i32 {
            let sign = if exponent < 0 { '-' } else { '+' };
            write!(json, "{}e{sign}{:02}", without_trailing_zeros(mantissa), exponent.abs())
        } else {
            let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
            write!(json, "{}", without_trailing_zeros(&format!("{number:.decimals$}")))
        }
    };
    written.expect("a vector takes any number of bytes");
}

fn without_trailing_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
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
            (99_999_999_999_999.0, 14, "99999999999999"),
            (1e14, 14, "1e+14"),
            (1e15, 16, "1000000000000000"),
            (123_456_789.0, 14, "123456789"),
            (-123_456_789.0, 8, "-1.2345679e+08"),
            (1.5e-7, 14, "1.5e-07"),
            (0.0001, 14, "0.0001"),
            (1e300, 14, "1e+300"),
            (99_999_999_999_999.96, 14, "1e+14"),
        ] {
            let mut json = Vec::new();
            general(&mut json, number, precision);
            assert_eq!(String::from_utf8(json).unwrap(), expected);
        }
    }
}
