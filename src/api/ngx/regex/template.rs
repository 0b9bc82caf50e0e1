//! Replacements of `ngx.re.sub` and `gsub`: text with `$1`, `${1}` and `$$` in it.

use crate::api::ngx::uri::escape_for_log;
use crate::lua::Buffer;

/// A replacement as it was written. Its pieces are read from it each time: there may be as many as it
/// has bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Template<'a>(&'a [u8]);

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a [u8]),
    Group(usize),
}

impl<'a> Template<'a> {
    /// The template that `text` stands for.
    ///
    /// # Errors
    ///
    /// If a `$` is followed by neither a number nor another: what lua-nginx-module says of it.
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, String> {
        let mut rest = text;
        while let Some((_, after)) = piece(rest).map_err(|problem| problem.of(text))? {
            rest = after;
        }
        Ok(Self(text))
    }

    /// Writes the template, with `group` for what the groups are.
    ///
    /// # Errors
    ///
    /// When the function may not have as much.
    pub(super) fn expand<'g>(
        self,
        out: &mut Buffer<'_>,
        group: impl Fn(usize) -> &'g [u8],
    ) -> mlua::Result<()> {
        let mut rest = self.0;
        while let Ok(Some((piece, after))) = piece(rest) {
            match piece {
                Piece::Text(text) => out.extend(text)?,
                Piece::Group(number) => out.extend(group(number))?,
            }
            rest = after;
        }
        Ok(())
    }
}

/// Why a text is no template.
enum Problem<'a> {
    Named(&'a [u8]),
    Unclosed(&'a [u8]),
    Unknown,
}

impl Problem<'_> {
    /// What there is to say of it where `text` is the whole.
    fn of(&self, text: &[u8]) -> String {
        match self {
            Self::Named(name) => format!(
                "attempt to use named capturing variable \"{}\" (named captures not supported yet)",
                escape_for_log(name)
            ),
            Self::Unclosed(number) => {
                let number = escape_for_log(number);
                format!("the closing bracket in \"{number}\" variable is missing")
            }
            Self::Unknown => format!(
                "lua script: invalid capturing variable name found in \"{}\"",
                escape_for_log(text)
            ),
        }
    }
}

/// What `text` begins with, and what comes after; nothing where it ends.
fn piece(text: &[u8]) -> Result<Option<(Piece<'_>, &[u8])>, Problem<'_>> {
    let Some(after) = text.strip_prefix(b"$") else {
        let end = text.iter().position(|&byte| byte == b'$').unwrap_or(text.len());
        let (plain, rest) = text.split_at(end);
        return Ok((!plain.is_empty()).then_some((Piece::Text(plain), rest)));
    };
    if after.starts_with(b"$") {
        return Ok(Some((Piece::Text(&after[..1]), &after[1..])));
    }
    let (after, bracket) = match after.strip_prefix(b"{") {
        Some(after) => (after, true),
        None => (after, false),
    };
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let (name, rest) = after.split_at(after.iter().take_while(is_part).count());
    let len = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Without a bracket, a number ends where its digits do.
    let (name, rest) = if bracket || len == 0 { (name, rest) } else { after.split_at(len) };
    let Some(rest) = (if bracket { rest.strip_prefix(b"}") } else { Some(rest) }) else {
        return Err(if name.is_empty() { Problem::Unknown } else { Problem::Unclosed(name) });
    };
    let number = std::str::from_utf8(name).ok().filter(|_| len == name.len());
    match number {
        _ if name.is_empty() => Err(Problem::Unknown),
        None => Err(Problem::Named(name)),
        // A number beyond all bounds is that of a group that does not match.
        Some(number) => Ok(Some((Piece::Group(number.parse().unwrap_or(usize::MAX)), rest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_stand_in_braces_and_dollars_stand_for_themselves() {
        let template = Template::parse(b"a$0${12}b$$1").unwrap();
        let lua = mlua::Lua::new();
        let mut out = Buffer::within(&lua, 100);
        template.expand(&mut out, |number| if number == 0 { b"zero" } else { b"twelve" }).unwrap();
        assert_eq!(out.as_bytes(), b"azerotwelveb$1");
    }

    #[test]
    fn names_and_dollars_alone_are_refused() {
        for text in ["$", "a$", "$a", "${a}", "${1", "${}", "$-"] {
            assert!(Template::parse(text.as_bytes()).is_err(), "{text}");
        }
        let named = Template::parse(b"$a").unwrap_err();
        assert!(named.contains("named capturing variable \"a\""), "{named}");
        let open = Template::parse(b"a${12").unwrap_err();
        assert_eq!(open, "the closing bracket in \"12\" variable is missing");
    }
}
