//! `kong.log.inspect`: values in full, for debugging.

use std::collections::HashMap;
use std::fmt::Write;

use mlua::{Lua, MultiValue, Table, Value};

use crate::binding::{self, Call};
use crate::convert;
use crate::log::{self, Level};
use crate::pdk::type_name;

/// How deeply tables are shown.
const MAX_DEPTH: usize = 32;

pub(super) fn inspect(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    if log::is_enabled(Level::Notice) {
        let mut inspector = Inspector::new(call.lua);
        let shown: Vec<_> =
            arguments.iter().map(|value| inspector.show(value)).collect::<mlua::Result<_>>()?;
        let position = binding::position(call.lua);
        let message = format!("\n{}", shown.join(" "));
        log::write_for_kong(Level::Notice, &call.tx.site, position.as_ref(), &message);
    }
    Ok(())
}

/// Writes values as Lua would read them: sequences first, then the other keys in order. A table
/// that was shown before is named by its number.
struct Inspector<'a> {
    lua: &'a Lua,
    seen: HashMap<*const std::ffi::c_void, usize>,
}

impl<'a> Inspector<'a> {
    fn new(lua: &'a Lua) -> Self {
        Self { lua, seen: HashMap::new() }
    }

    fn show(&mut self, value: &Value) -> mlua::Result<String> {
        let mut shown = String::new();
        self.write(&mut shown, value, 0)?;
        Ok(shown)
    }

    fn write(&mut self, out: &mut String, value: &Value, depth: usize) -> mlua::Result<()> {
        match value {
            Value::String(string) => {
                // `{:?}` quotes and escapes nearly as Lua's `%q` does.
                let _ = write!(out, "{:?}", string.to_string_lossy());
                Ok(())
            }
            Value::Table(table) => self.write_table(out, table, depth),
            Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => {
                out.push_str(&convert::display(self.lua, value));
                Ok(())
            }
            other => {
                let _ = write!(out, "<{}>", type_name(other));
                Ok(())
            }
        }
    }

    fn write_table(&mut self, out: &mut String, table: &Table, depth: usize) -> mlua::Result<()> {
        let next = self.seen.len() + 1;
        let number = *self.seen.entry(table.to_pointer()).or_insert(next);
        if number != next {
            let _ = write!(out, "<table {number}>");
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            out.push_str("{...}");
            return Ok(());
        }
        out.push('{');
        let length = table.raw_len();
        for index in 1..=length {
            out.push_str(if index > 1 { ", " } else { " " });
            self.write(out, &table.raw_get(index)?, depth + 1)?;
        }
        let mut fields = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            if !matches!(&key, Value::Integer(index) if (1..=length as i64).contains(index)) {
                fields.push((self.key(&key, depth)?, value));
            }
        }
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (position, (key, value)) in fields.iter().enumerate() {
            out.push_str(if position + length > 0 { "," } else { "" });
            let _ = write!(out, "\n{}{key} = ", "  ".repeat(depth + 1));
            self.write(out, value, depth + 1)?;
        }
        if !fields.is_empty() {
            let _ = write!(out, "\n{}", "  ".repeat(depth));
        } else if length > 0 {
            out.push(' ');
        }
        out.push('}');
        Ok(())
    }

    fn key(&mut self, key: &Value, depth: usize) -> mlua::Result<String> {
        if let Value::String(name) = key {
            let name = name.to_string_lossy();
            if is_identifier(&name) {
                return Ok(name);
            }
        }
        let mut shown = String::from("[");
        self.write(&mut shown, key, depth + 1)?;
        shown.push(']');
        Ok(shown)
    }
}

fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
