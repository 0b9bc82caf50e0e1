//! The formats of log lines: `kong.log.set_format`.

use mlua::Lua;

use crate::error::log::Line;
use crate::lua::PRELUDE_NAME;

/// Where a line comes from.
pub(super) struct Place {
    chunk: String,
    line: Option<usize>,
    function: Option<String>,
}

impl Place {
    /// The innermost Lua function on the stack that is not the crate's.
    pub(super) fn of_caller(lua: &Lua) -> Self {
        let mut level = 1;
        while let Some(ours) = is_ours(lua, level) {
            if !ours {
                return Self::at(lua, level);
            }
            level += 1;
        }
        Self { chunk: "?".to_owned(), line: None, function: None }
    }

    fn at(lua: &Lua, level: usize) -> Self {
        // Who is called from the crate's own Lua has the name of a variable there.
        let is_named = is_ours(lua, level + 1) == Some(false);
        let place = lua.inspect_stack(level, |frame| {
            let chunk = frame.source().short_src.map(std::borrow::Cow::into_owned);
            let chunk = chunk.unwrap_or_else(|| "?".to_owned());
            let name = frame.names().name.map(std::borrow::Cow::into_owned);
            Self {
                chunk: chunk.rsplit('/').next().unwrap_or(&chunk).to_owned(),
                line: frame.current_line(),
                function: name.filter(|_| is_named),
            }
        });
        place.expect("the caller has seen this frame")
    }
}

/// Whether a frame is the crate's own, or a function in C; `None` where the stack ends.
fn is_ours(lua: &Lua, level: usize) -> Option<bool> {
    lua.inspect_stack(level, |frame| {
        frame.current_line().is_none()
            || frame.source().short_src.is_none_or(|chunk| chunk == PRELUDE_NAME)
    })
}

/// A line in the format `format`.
pub(super) fn render(format: &[u8], namespace: &Line, place: &Place, message: &Line) -> Line {
    let mut line = Line::from("[kong] ");
    let mut rest = format;
    let mut escaped = false;
    while let Some(percent) = rest.iter().position(|&byte| byte == b'%')
        && !line.is_full()
    {
        let (before, from_percent) = rest.split_at(percent);
        escaped = escaped && before.is_empty();
        line.push_bytes(before);
        let name = &from_percent[1..];
        let is_named = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
        let end = name.iter().position(|byte| !is_named(byte)).unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        match name {
            b"message" if !escaped => line.append(message),
            b"namespace" if !escaped => line.append(namespace),
            b"file_src" if !escaped => line.push(&place.chunk),
            b"func_name" if !escaped => line.push(place.function.as_deref().unwrap_or("?")),
            b"line_src" if !escaped => match place.line {
                Some(number) => line.push(&number.to_string()),
                None => line.push("?"),
            },
            _ => {
                line.push("%");
                line.push_bytes(name);
            }
        }
        escaped = name.is_empty();
        rest = after;
    }
    line.push_bytes(rest);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(format: &str) -> String {
        let place = Place { chunk: "a.lua".to_owned(), line: Some(7), function: None };
        render(format.as_bytes(), &"space".into(), &place, &"hello".into()).finish()
    }

    #[test]
    fn modifiers_are_replaced_and_escaped_ones_kept() {
        for (format, expected) in [
            ("", "[kong] "),
            ("no modifier", "[kong] no modifier"),
            ("%message | %message", "[kong] hello | hello"),
            ("%file_src:%line_src:%func_name", "[kong] a.lua:7:?"),
            ("[%namespace]%message", "[kong] [space]hello"),
            ("%%message %message", "[kong] %%message hello"),
            ("%unknown %MESSAGE 100% %", "[kong] %unknown %MESSAGE 100% %"),
            ("%messages", "[kong] %messages"),
            ("%message%message", "[kong] hellohello"),
        ] {
            assert_eq!(rendered(format), expected, "{format}");
        }
    }

    #[test]
    fn no_format_makes_a_line_of_any_length() {
        let place = Place { chunk: String::new(), line: None, function: None };
        let long = Line::from(&*"\u{e4}".repeat(10_000));
        let format = "%message".repeat(100_000);
        let line = render(format.as_bytes(), &"space".into(), &place, &long).finish();
        assert!(line.len() <= 2048, "{}", line.len());
        assert!(line.contains("\u{e4}... ["), "{line}");
    }
}
