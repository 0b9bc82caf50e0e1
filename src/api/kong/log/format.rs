//! The formats of log lines: `kong.log.set_format`.

use mlua::Lua;

use crate::lua::PRELUDE_NAME;

/// The longest line that is written, in bytes. nginx cuts lines at four thousand.
pub(super) const MAX_LEN: usize = 64 * 1024;

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
pub(super) fn render(format: &str, namespace: &str, place: &Place, message: &str) -> String {
    let mut line = "[kong] ".to_owned();
    let mut rest = format;
    let mut escaped = false;
    while let Some(percent) = rest.find('%') {
        let (before, from_percent) = rest.split_at(percent);
        escaped = escaped && before.is_empty();
        line.push_str(before);
        let name = &from_percent[1..];
        let end = name.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(name.len());
        let (name, after) = name.split_at(end);
        let number;
        let value = match name {
            _ if escaped => None,
            "message" => Some(message),
            "namespace" => Some(namespace),
            "file_src" => Some(&*place.chunk),
            "func_name" => Some(place.function.as_deref().unwrap_or("?")),
            "line_src" => {
                number = place.line.map_or_else(|| "?".to_owned(), |line| line.to_string());
                Some(&*number)
            }
            _ => None,
        };
        match value {
            Some(value) => line.push_str(value),
            None => {
                line.push('%');
                line.push_str(name);
            }
        }
        escaped = name.is_empty();
        rest = after;
        if line.len() > MAX_LEN {
            break;
        }
    }
    line.push_str(rest);
    cut(&mut line);
    line
}

/// Cuts a text that is longer than a line may be.
pub(super) fn cut(line: &mut String) {
    if line.len() > MAX_LEN {
        let boundary = (0..=MAX_LEN).rev().find(|&at| line.is_char_boundary(at));
        line.truncate(boundary.unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(format: &str) -> String {
        let place = Place { chunk: "a.lua".to_owned(), line: Some(7), function: None };
        render(format, "space", &place, "hello")
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
        let long = "\u{e4}".repeat(MAX_LEN);
        let line = render(&"%message".repeat(100_000), "space", &place, &long);
        assert!(line.len() <= MAX_LEN);
    }
}
