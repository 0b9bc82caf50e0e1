//! [`Template`]: a text with Lua expressions in it, `$(headers.host)`.

use std::fmt::Write;

/// A text, and expressions in it.
pub(super) struct Template<'a> {
    parts: Vec<Part<'a>>,
}

enum Part<'a> {
    Text(&'a str),
    Expression(&'a str),
}

impl<'a> Template<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((start, end)) = expression(rest) {
            parts.push(Part::Text(&rest[..start]));
            parts.push(Part::Expression(&rest[start + 2..end]));
            rest = &rest[end + 1..];
        }
        parts.push(Part::Text(rest));
        Self { parts }
    }

    pub(super) fn has_expressions(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Expression(_)))
    }

    /// The template as a Lua function of what its expressions may use.
    pub(super) fn function(&self) -> String {
        let mut source =
            "function(headers, query_params, uri_captures, shared) return ''".to_owned();
        for part in &self.parts {
            let _ = match part {
                Part::Text("") => Ok(()),
                Part::Text(text) => write!(source, " .. {}", literal(text)),
                // A comment in it ends with its line.
                Part::Expression(expression) => {
                    write!(source, " .. tostring(({expression}\n) or '')")
                }
            };
        }
        source + " end"
    }
}

/// Where the first expression of a text begins with its `$`, and where the parenthesis is that closes it.
fn expression(text: &str) -> Option<(usize, usize)> {
    let start = text.find("$(")?;
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(start + 1) {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some((start, at)),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A string as Lua writes it.
pub(super) fn literal(text: &str) -> String {
    let mut literal = "\"".to_owned();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b" -_./:,;=".contains(&byte) {
            literal.push(char::from(byte));
        } else {
            let _ = write!(literal, "\\{byte:03}");
        }
    }
    literal + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_told_from_text_by_their_parentheses() {
        let template = Template::new("a $(f(1) or g(\")\")) b");
        assert!(template.has_expressions());
        let source = template.function();
        assert!(source.contains(r#".. "a " .. tostring((f(1) or g(""#), "{source}");
        assert!(!Template::new("costs $5 (net), $(").has_expressions());
    }

    #[test]
    fn literals_have_nothing_that_lua_would_read_otherwise() {
        assert_eq!(literal("a\"]]\n"), r#""a\034\093\093\010""#);
    }
}
