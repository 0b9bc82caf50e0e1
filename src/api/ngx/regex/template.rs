//! Replacements of `ngx.re.sub` and `gsub`: text with `$1`, `${1}` and `$$` in it.

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

impl Template {
    /// The template that `text` stands for; `None` if a `$` is followed by neither a number nor
    /// another.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some(after) = rest.strip_prefix(b"$") else {
                let end = rest.iter().position(|&byte| byte == b'$').unwrap_or(rest.len());
                pieces.push(Piece::Text(rest[..end].to_vec()));
                rest = &rest[end..];
                continue;
            };
            if let Some(after) = after.strip_prefix(b"$") {
                pieces.push(Piece::Text(b"$".to_vec()));
                rest = after;
                continue;
            }
            let (after, bracket) = match after.strip_prefix(b"{") {
                Some(after) => (after, true),
                None => (after, false),
            };
            let len = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (number, after) = after.split_at(len);
            // A number beyond all bounds is that of a group that does not match.
            let number = std::str::from_utf8(number).ok().filter(|number| !number.is_empty())?;
            pieces.push(Piece::Group(number.parse().unwrap_or(usize::MAX)));
            rest = if bracket { after.strip_prefix(b"}")? } else { after };
        }
        Some(Self(pieces))
    }

    /// Writes the template, with `group` for what the groups are.
    pub(super) fn expand<'a>(&'a self, out: &mut Vec<u8>, group: impl Fn(usize) -> &'a [u8]) {
        for piece in &self.0 {
            out.extend_from_slice(match piece {
                Piece::Text(text) => text,
                Piece::Group(number) => group(*number),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_stand_in_braces_and_dollars_stand_for_themselves() {
        let template = Template::parse(b"a$0${12}b$$1").unwrap();
        let mut out = Vec::new();
        template.expand(&mut out, |number| if number == 0 { b"zero" } else { b"twelve" });
        assert_eq!(out, b"azerotwelveb$1");
    }

    #[test]
    fn names_and_dollars_alone_are_refused() {
        for text in ["$", "a$", "$a", "${a}", "${1", "${}", "$-"] {
            assert_eq!(Template::parse(text.as_bytes()), None, "{text}");
        }
    }
}
