//! Replacements of `ngx.re.sub` and `gsub`: text with `$1`, `${1}` and `$$` in it.

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
    /// The template that `text` stands for; `None` if a `$` is followed by neither a number nor
    /// another.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut rest = text;
        while !rest.is_empty() {
            rest = piece(rest)?.1;
        }
        Some(Self(text))
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
        while let Some((piece, after)) = piece(rest) {
            match piece {
                Piece::Text(text) => out.extend(text)?,
                Piece::Group(number) => out.extend(group(number))?,
            }
            rest = after;
        }
        Ok(())
    }
}

/// What `text` begins with, and what comes after; `None` where it ends, and where it is no template.
fn piece(text: &[u8]) -> Option<(Piece<'_>, &[u8])> {
    let Some(after) = text.strip_prefix(b"$") else {
        let end = text.iter().position(|&byte| byte == b'$').unwrap_or(text.len());
        let (plain, rest) = text.split_at(end);
        return (!plain.is_empty()).then_some((Piece::Text(plain), rest));
    };
    if after.starts_with(b"$") {
        return Some((Piece::Text(&after[..1]), &after[1..]));
    }
    let (after, bracket) = match after.strip_prefix(b"{") {
        Some(after) => (after, true),
        None => (after, false),
    };
    let len = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, after) = after.split_at(len);
    let number = std::str::from_utf8(number).ok().filter(|number| !number.is_empty())?;
    let rest = if bracket { after.strip_prefix(b"}")? } else { after };
    // A number beyond all bounds is that of a group that does not match.
    Some((Piece::Group(number.parse().unwrap_or(usize::MAX)), rest))
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
            assert_eq!(Template::parse(text.as_bytes()), None, "{text}");
        }
    }
}
