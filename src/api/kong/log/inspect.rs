//! `kong.log.inspect`: values in full, for debugging, as inspect.lua shows them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt::Write;

use mlua::{Lua, LuaString, MultiValue, Table, Value};

use super::format::{self, Place};
use crate::binding::{Call, convert};
use crate::error::log::Line;
use crate::error::log::{self, Level};
use crate::lua::{as_number, type_name};

/// How many fields of a table are put in order.
const MAX_FIELDS: usize = 1024;

/// How deeply tables are shown.
const MAX_DEPTH: usize = 32;

pub(super) fn inspect(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let plugin = call.tx.site.plugin;
    write(call, arguments, plugin.name().as_bytes())
}

/// The same for a facility that was made for a namespace.
pub(super) fn inspect_in_namespace(
    call: &mut Call<'_>,
    (namespace, arguments): (LuaString, MultiValue),
) -> mlua::Result<()> {
    write(call, arguments, &namespace.as_bytes())
}

fn write(call: &mut Call<'_>, arguments: MultiValue, namespace: &[u8]) -> mlua::Result<()> {
    if call.logs(Level::Notice) {
        let mut shown = Line::default();
        for (place, value) in arguments.iter().enumerate() {
            if place > 0 {
                shown.push(" ");
            }
            show(call.lua, value, &mut shown)?;
        }
        let place = Place::of_caller(call.lua);
        let mut name = Line::default();
        name.push_bytes(namespace);
        // Kong: draws a frame around the values, a line of the log for each of theirs. Here they are
        // one event.
        let line = format::render(FORMAT, &name, &place, &shown);
        log::write(Level::Notice, &call.tx.origin(), line);
    }
    Ok(())
}

const FORMAT: &[u8] = b"%file_src:%func_name:%line_src [%namespace]\n%message";

fn show(lua: &Lua, value: &Value, line: &mut Line) -> mlua::Result<()> {
    if line.is_full() {
        return Ok(());
    }
    let mut inspector = Inspector {
        lua,
        counted: 0,
        occurrences: HashMap::new(),
        numbers: HashMap::new(),
        last_of_type: HashMap::new(),
    };
    inspector.count(value, 0)?;
    inspector.write(line, value, 0)
}

/// How many values are looked at to find what occurs more than once. A line has room for far fewer.
const MAX_VALUES: usize = 4096;

/// Writes values as Lua would read them: sequences first, then the other keys in order.
///
/// Functions and the like are numbered, and so are tables that occur more than once, which are
/// shown in full the first time alone.
struct Inspector<'a> {
    lua: &'a Lua,
    counted: usize,
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
            self.counted += 1;
            if self.counted > MAX_VALUES {
                break;
            }
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

    fn write(&mut self, out: &mut Line, value: &Value, depth: usize) -> mlua::Result<()> {
        if out.is_full() {
            return Ok(());
        }
        match value {
            Value::String(text) => quote(&text.as_bytes(), out),
            Value::Nil | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => {
                out.push(&convert::display(self.lua, value));
            }
            Value::Table(table) if !self.numbers.contains_key(&table.to_pointer()) => {
                if depth >= MAX_DEPTH {
                    out.push("{...}");
                    return Ok(());
                }
                if self.occurrences.get(&table.to_pointer()).is_some_and(|&count| count > 1) {
                    out.push(&format!("<{}>", self.number_of(value)));
                }
                return self.write_table(out, table, depth);
            }
            other => {
                let (kind, number) = (type_name(other), self.number_of(other));
                out.push(&format!("<{kind} {number}>"));
            }
        }
        Ok(())
    }

    // Kong: shows metatables too. Functions have none here but that of headers, which is noise.
    fn write_table(&mut self, out: &mut Line, table: &Table, depth: usize) -> mlua::Result<()> {
        out.push("{");
        let mut length = 0;
        for value in table.sequence_values::<Value>() {
            length += 1;
            out.push(if length > 1 { ", " } else { " " });
            self.write(out, &value?, depth + 1)?;
            if out.is_full() {
                return Ok(());
            }
        }
        let mut fields = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            if !matches!(key, Value::Integer(index) if (1..=length).contains(&index)) {
                fields.push((key, value));
            }
            if fields.len() == MAX_FIELDS {
                break;
            }
        }
        fields.sort_by(|(one, _), (other, _)| order(one, other));
        for (position, (key, value)) in fields.iter().enumerate() {
            out.push(if position > 0 || length > 0 { "," } else { "" });
            out.push(&format!("\n{}", "  ".repeat(depth + 1)));
            self.write_key(out, key, depth)?;
            out.push(" = ");
            self.write(out, value, depth + 1)?;
        }
        if !fields.is_empty() {
            out.push(&format!("\n{}", "  ".repeat(depth)));
        } else if length > 0 {
            out.push(" ");
        }
        out.push("}");
        Ok(())
    }

    fn write_key(&mut self, out: &mut Line, key: &Value, depth: usize) -> mlua::Result<()> {
        if let Value::String(name) = key
            && let name = name.as_bytes()
            && name.len() <= MAX_TEXT
            && let Ok(name) = std::str::from_utf8(&name)
            && is_identifier(name)
        {
            out.push(name);
            return Ok(());
        }
        out.push("[");
        self.write(out, key, depth + 1)?;
        out.push("]");
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

/// Adds a text in quotes, as much of it as a line has room for.
fn quote(text: &[u8], out: &mut Line) {
    let shown = &text[..text.len().min(MAX_TEXT)];
    out.push(&quoted(&String::from_utf8_lossy(shown)));
    out.skip(text.len() - shown.len());
}

/// How much of a text is looked at, in bytes: more than a line.
const MAX_TEXT: usize = 4096;

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
