//! `kong.log.inspect`: values in full, for debugging, as inspect.lua shows them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt::Write;

use mlua::{Lua, LuaString, MultiValue, Table, Value};

use super::format::{self, MAX_LEN, Place};
use crate::binding::{Call, convert};
use crate::error::log::{self, Level};
use crate::lua::{as_number, type_name};

/// How deeply tables are shown.
const MAX_DEPTH: usize = 32;

pub(super) fn inspect(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let plugin = call.tx.site.plugin;
    write(call, arguments, plugin.name())
}

/// The same for a facility that was made for a namespace.
pub(super) fn inspect_in_namespace(
    call: &mut Call<'_>,
    (namespace, arguments): (LuaString, MultiValue),
) -> mlua::Result<()> {
    write(call, arguments, &namespace.to_string_lossy())
}

fn write(call: &mut Call<'_>, arguments: MultiValue, namespace: &str) -> mlua::Result<()> {
    if log::is_enabled(Level::Notice) {
        let shown = arguments.into_iter().map(|value| show(call.lua, &value));
        let shown: Vec<_> = shown.collect::<mlua::Result<_>>()?;
        let place = Place::of_caller(call.lua);
        // Kong: draws a frame around the values, a line of the log for each of theirs. Here they are
        // one event.
        let line = format::render(FORMAT, namespace, &place, &shown.join(" "));
        log::write_line(Level::Notice, &call.tx.site, &line);
    }
    Ok(())
}

const FORMAT: &str = "%file_src:%func_name:%line_src [%namespace]\n%message";

fn show(lua: &Lua, value: &Value) -> mlua::Result<String> {
    let mut inspector = Inspector {
        lua,
        occurrences: HashMap::new(),
        numbers: HashMap::new(),
        last_of_type: HashMap::new(),
    };
    inspector.count(value, 0)?;
    let mut shown = String::new();
    inspector.write(&mut shown, value, 0)?;
    Ok(shown)
}

/// Writes values as Lua would read them: sequences first, then the other keys in order.
///
/// Functions and the like are numbered, and so are tables that occur more than once, which are
/// shown in full the first time alone.
struct Inspector<'a> {
    lua: &'a Lua,
    occurrences: HashMap<*const c_void, usize>,
    numbers: HashMap<*const c_void, usize>,
    last_of_type: HashMap<&'static str, usize>,
}

impl Inspector<'_> {
    fn count(&mut self, value: &Value, depth: usize) -> mlua::Result<()> {
        let Value::Table(table) = value else { return Ok(()) };
        let occurrences = self.occurrences.entry(table.to_pointer()).or_insert(0);
        *occurrences += 1;
        if *occurrences > 1 || depth >= MAX_DEPTH {
            return Ok(());
        }
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            self.count(&key, depth + 1)?;
            self.count(&value, depth + 1)?;
        }
        Ok(())
    }

    fn number_of(&mut self, value: &Value) -> usize {
        let last = self.last_of_type.entry(type_name(value)).or_insert(0);
        *self.numbers.entry(value.to_pointer()).or_insert_with(|| {
            *last += 1;
            *last
        })
    }

    fn write(&mut self, out: &mut String, value: &Value, depth: usize) -> mlua::Result<()> {
        if out.len() > MAX_LEN {
            return Ok(());
        }
        match value {
            Value::String(text) => out.push_str(&quoted(&text.to_string_lossy())),
            Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => {
                out.push_str(&convert::display(self.lua, value));
            }
            Value::Table(table) if !self.numbers.contains_key(&table.to_pointer()) => {
                if depth >= MAX_DEPTH {
                    out.push_str("{...}");
                    return Ok(());
                }
                if self.occurrences.get(&table.to_pointer()).is_some_and(|&count| count > 1) {
                    out.push_str(&format!("<{}>", self.number_of(value)));
                }
                return self.write_table(out, table, depth);
            }
            other => {
                let (kind, number) = (type_name(other), self.number_of(other));
                out.push_str(&format!("<{kind} {number}>"));
            }
        }
        Ok(())
    }

    // Kong: shows metatables too. Functions have none here but that of headers, which is noise.
    fn write_table(&mut self, out: &mut String, table: &Table, depth: usize) -> mlua::Result<()> {
        out.push('{');
        let mut length = 0;
        for value in table.sequence_values::<Value>() {
            length += 1;
            out.push_str(if length > 1 { ", " } else { " " });
            self.write(out, &value?, depth + 1)?;
        }
        let mut fields = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            if !matches!(key, Value::Integer(index) if (1..=length).contains(&index)) {
                fields.push((key, value));
            }
        }
        fields.sort_by(|(one, _), (other, _)| order(one, other));
        for (position, (key, value)) in fields.iter().enumerate() {
            out.push_str(if position > 0 || length > 0 { "," } else { "" });
            out.push_str(&format!("\n{}", "  ".repeat(depth + 1)));
            self.write_key(out, key, depth)?;
            out.push_str(" = ");
            self.write(out, value, depth + 1)?;
        }
        if !fields.is_empty() {
            out.push_str(&format!("\n{}", "  ".repeat(depth)));
        } else if length > 0 {
            out.push(' ');
        }
        out.push('}');
        Ok(())
    }

    fn write_key(&mut self, out: &mut String, key: &Value, depth: usize) -> mlua::Result<()> {
        if let Value::String(name) = key
            && let name = name.to_string_lossy()
            && is_identifier(&name)
        {
            out.push_str(&name);
            return Ok(());
        }
        out.push('[');
        self.write(out, key, depth + 1)?;
        out.push(']');
        Ok(())
    }
}

/// Numbers first, then booleans, texts and the rest; each kind in its own order.
fn order(one: &Value, other: &Value) -> Ordering {
    const TYPES: [&str; 7] =
        ["number", "boolean", "string", "table", "function", "userdata", "thread"];
    let place = |value| TYPES.iter().position(|&name| name == type_name(value));
    place(one).cmp(&place(other)).then_with(|| match (one, other) {
        (Value::String(one), Value::String(other)) => (*one.as_bytes()).cmp(&*other.as_bytes()),
        _ => as_number(one).partial_cmp(&as_number(other)).unwrap_or(Ordering::Equal),
    })
}

/// A text in quotes, in single ones if that saves escapes.
fn quoted(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 2);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\x07' => escaped.push_str("\\a"),
            '\x08' => escaped.push_str("\\b"),
            '\x0b' => escaped.push_str("\\v"),
            '\x0c' => escaped.push_str("\\f"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\0'..' ' | '\x7f' => {
                let digits = characters.peek().is_some_and(char::is_ascii_digit);
                let width = if digits { 3 } else { 0 };
                let _ = write!(escaped, "\\{:0width$}", u32::from(character));
            }
            other => escaped.push(other),
        }
    }
    if escaped.contains('"') && !escaped.contains('\'') {
        return format!("'{escaped}'");
    }
    format!("\"{}\"", escaped.replace('"', "\\\""))
}

fn is_identifier(name: &str) -> bool {
    const KEYWORDS: [&str; 22] = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if",
        "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
    ];
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !KEYWORDS.contains(&name)
}
