//! Escaping, query arguments and path normalisation, byte for byte as nginx and Kong do them.

use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;

use crate::lua::Buffer;

/// Which bytes are percent-encoded: the types of `ngx.escape_uri`, and three of our own need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    Uri,
    Args,
    Component,
    Html,
    Refresh,
    Memcached,
    /// What a header name cannot have.
    HeaderName,
    /// What a header value cannot have.
    HeaderValue,
    /// What Kong escapes in a path for the upstream: `%` stays as it is.
    UpstreamPath,
    /// What a query string that is escaped already cannot have.
    Query,
    /// The same of one that is not UTF-8.
    AsciiQuery,
}

impl Escape {
    /// The types that `ngx.escape_uri` takes by number.
    pub(crate) fn from_number(number: f64) -> Option<Self> {
        let types = [
            Self::Uri,
            Self::Args,
            Self::Component,
            Self::Html,
            Self::Refresh,
            Self::Memcached,
            Self::Memcached,
        ];
        (number >= 0.0).then(|| types.get(number as usize).copied()).flatten()
    }

    fn escapes(self, byte: u8) -> bool {
        let control = byte < 0x20;
        let high = byte >= 0x7f;
        match self {
            Self::Uri => control || high || b" #%?".contains(&byte),
            Self::Args => control || high || b" #%+?".contains(&byte),
            Self::Component => !(byte.is_ascii_alphanumeric() || b"-._~!*'()".contains(&byte)),
            Self::Html => control || high || b" #\"%'".contains(&byte),
            Self::Refresh => control || high || b" \"'".contains(&byte),
            Self::Memcached => control || b" %".contains(&byte),
            Self::HeaderName => {
                !(byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
            }
            Self::Query => control || byte == 0x7f || b" \"#<>".contains(&byte),
            Self::AsciiQuery => high || Self::Query.escapes(byte),
            Self::HeaderValue => (control && byte != b'\t') || byte == 0x7f,
            Self::UpstreamPath => {
                !(byte.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@[]-_.~%".contains(&byte))
            }
        }
    }
}

/// Percent-encodes what `kind` says, with upper-case hex digits.
pub(crate) fn escape(bytes: &[u8], kind: Escape) -> Cow<'_, [u8]> {
    let Some(first) = bytes.iter().position(|&byte| kind.escapes(byte)) else {
        return Cow::Borrowed(bytes);
    };
    let mut escaped = Vec::with_capacity(bytes.len() + 16);
    escaped.extend_from_slice(&bytes[..first]);
    for &byte in &bytes[first..] {
        if kind.escapes(byte) {
            escaped.extend(encoded(byte));
        } else {
            escaped.push(byte);
        }
    }
    Cow::Owned(escaped)
}

/// How many bytes are looked at before some are added.
const ESCAPED_AT_ONCE: usize = 1 << 14;

/// Adds `bytes` to `out`, percent-encoded where `kind` says so.
///
/// # Errors
///
/// When the function may not go on: the escaped text is longer than it may be, or takes too long.
pub(crate) fn escape_into(bytes: &[u8], kind: Escape, out: &mut Buffer<'_>) -> mlua::Result<()> {
    // Of a long text without a change of kind, too, the buffer is to hear now and then.
    for part in bytes.chunks(ESCAPED_AT_ONCE) {
        for stretch in part.chunk_by(|&one, &next| kind.escapes(one) == kind.escapes(next)) {
            if !kind.escapes(stretch[0]) {
                out.extend(stretch)?;
                continue;
            }
            for &byte in stretch {
                out.extend(&encoded(byte))?;
            }
        }
    }
    Ok(())
}

/// Adds `bytes` to `out`, with `%XX` and `+` decoded.
///
/// # Errors
///
/// As [`escape_into`].
pub(crate) fn unescape_into(bytes: &[u8], out: &mut Buffer<'_>) -> mlua::Result<()> {
    for symbol in symbols(bytes) {
        out.push(match symbol {
            Symbol::Plain(b'+') => b' ',
            Symbol::Plain(byte) | Symbol::Encoded(byte) => byte,
        })?;
    }
    Ok(())
}

/// `%XX`
fn encoded(byte: u8) -> [u8; 3] {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    [b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

/// A byte of a URI.
enum Symbol {
    Plain(u8),
    /// It stands there as `%XX`.
    Encoded(u8),
}

/// The bytes of a URI; a `%` that no two hex digits follow is a plain one.
fn symbols(bytes: &[u8]) -> impl Iterator<Item = Symbol> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        let encoded = if first == b'%' { hex_pair(tail) } else { None };
        rest = if encoded.is_some() { &tail[2..] } else { tail };
        Some(encoded.map_or(Symbol::Plain(first), Symbol::Encoded))
    })
}

/// Decodes `%XX` and `+`.
pub(crate) fn unescape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    decoded.extend(symbols(bytes).map(|symbol| match symbol {
        Symbol::Plain(b'+') => b' ',
        Symbol::Plain(byte) | Symbol::Encoded(byte) => byte,
    }));
    Cow::Owned(decoded)
}

/// The path as nginx has it in `$uri`: all of it decoded, then `.` and `..` resolved and slashes
/// merged.
pub(crate) fn decode_path(path: &[u8]) -> Vec<u8> {
    let decoded: Vec<u8> = symbols(path)
        .map(|symbol| match symbol {
            Symbol::Plain(byte) | Symbol::Encoded(byte) => byte,
        })
        .collect();
    remove_dot_segments(&decoded)
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let [high, low, ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// A query argument: its name, and its value unless it stood without a `=`.
pub(crate) type Arg<'a> = (Cow<'a, [u8]>, Option<Cow<'a, [u8]>>);

/// The decoded arguments of a query string or form, in order; those without a name are left out.
pub(crate) fn args(query: &[u8]) -> impl Iterator<Item = Arg<'_>> {
    query.split(|&byte| byte == b'&').filter_map(|arg| {
        let mut halves = arg.splitn(2, |&byte| byte == b'=');
        let name = unescape(halves.next().unwrap_or_default());
        (!name.is_empty()).then(|| (name, halves.next().map(unescape)))
    })
}

/// The part of a query string that its first `max` arguments are in, and whether there is more. Those
/// without a name count, too. `max` 0 is no limit.
pub(crate) fn first_args(query: &[u8], max: usize) -> (&[u8], bool) {
    let mut ends = query.iter().enumerate().filter(|&(_, &byte)| byte == b'&');
    match max.checked_sub(1).and_then(|before| ends.nth(before)) {
        Some((end, _)) => (&query[..end], true),
        None => (query, false),
    }
}

/// The path as Kong's router and `kong.request.get_path` see it: unreserved bytes decoded,
/// `.` and `..` resolved, slashes merged (RFC 3986, section 6).
pub(crate) fn normalize(path: &[u8]) -> Cow<'_, [u8]> {
    let dotted = path.contains(&b'.');
    let doubled = path.windows(2).any(|pair| pair == b"//");
    if !path.contains(&b'%') && !dotted && !doubled {
        return Cow::Borrowed(path);
    }
    Cow::Owned(remove_dot_segments(&decode_unreserved(path)))
}

fn decode_unreserved(path: &[u8]) -> Vec<u8> {
    const RESERVED: &[u8] = b"!*'();:@&=+$,/?%#[]";
    let mut decoded = Vec::with_capacity(path.len());
    for symbol in symbols(path) {
        match symbol {
            Symbol::Encoded(byte) if RESERVED.contains(&byte) => decoded.extend(encoded(byte)),
            Symbol::Plain(byte) | Symbol::Encoded(byte) => decoded.push(byte),
        }
    }
    decoded
}

fn remove_dot_segments(path: &[u8]) -> Vec<u8> {
    let absolute = path.first() == Some(&b'/');
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut directory = false;
    for segment in path.split(|&byte| byte == b'/') {
        directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut clean = segments.join(&b'/');
    if absolute {
        clean.insert(0, b'/');
    }
    if directory && !segments.is_empty() {
        clean.push(b'/');
    }
    clean
}

/// Whether nginx takes `host` for one: a name, perhaps with a port.
pub(crate) fn is_host(host: &[u8]) -> bool {
    let nameless = host.starts_with(b":") || host == b"." || host.starts_with(b".:");
    !nameless && !host.contains(&b'/') && !host.windows(2).any(|pair| pair == b"..")
}

/// `uri` with another path, which is escaped already, and another query.
///
/// # Errors
///
/// When no URI can have them.
pub(crate) fn with_path_and_query(
    uri: &Uri,
    path: &str,
    query: Option<&str>,
) -> Result<Uri, http::Error> {
    ensure_fits(path.len() + query.map_or(0, str::len))?;
    let path_and_query = match query {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}"))?,
        None => PathAndQuery::try_from(path)?,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query);
    // Origin form has neither scheme nor authority; a URI with one must have both.
    if parts.authority.is_none() {
        parts.scheme = None;
    }
    Ok(Uri::from_parts(parts)?)
}

/// Checks that a URI can have a path and query of `length` bytes, before anything is made of them.
///
/// # Errors
///
/// When it cannot.
pub(crate) fn ensure_fits(length: usize) -> Result<(), http::Error> {
    if length <= MAX_LEN {
        return Ok(());
    }
    // The error can be had in no other way.
    PathAndQuery::try_from("/".repeat(MAX_LEN + 1))?;
    Ok(())
}

/// The longest URI that [`Uri`] takes.
const MAX_LEN: usize = (1 << 16) - 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(path: &str) -> String {
        String::from_utf8(normalize(path.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn what_is_escaped_depends_on_the_kind() {
        assert_eq!(&*escape("a b/ä~(!)".as_bytes(), Escape::Component), b"a%20b%2F%C3%A4~(!)");
        assert_eq!(&*escape(b"a b?c", Escape::Uri), b"a%20b%3Fc");
        assert_eq!(&*escape(b"/a%20b c", Escape::UpstreamPath), b"/a%20b%20c");
    }

    #[test]
    fn a_stray_percent_sign_survives_unescaping() {
        assert_eq!(&*unescape(b"100%+%41%zz%4"), b"100% A%zz%4");
    }

    #[test]
    fn a_path_is_decoded_once_and_before_its_dots_are_resolved() {
        assert_eq!(decode_path(b"/a%2541+b"), b"/a%41+b");
        assert_eq!(decode_path(b"/a%2F..%2fb/%2e"), b"/b/");
    }

    #[test]
    fn arguments_keep_their_order_and_may_lack_a_value() {
        let found: Vec<_> = args(b"a=1&b&=x&&c=&a=2%263")
            .map(|(name, value)| {
                let text = |bytes: Cow<'_, [u8]>| String::from_utf8(bytes.into_owned()).unwrap();
                (text(name), value.map(text))
            })
            .collect();
        let pair = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        assert_eq!(
            found,
            [pair("a", Some("1")), pair("b", None), pair("c", Some("")), pair("a", Some("2&3"))]
        );
    }

    #[test]
    fn paths_are_normalised_as_kong_does() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a//b", "/a/b"),
            ("/a/./b/../c", "/a/c"),
            ("/a/..", "/"),
            ("/a/.", "/a/"),
            ("/../../a", "/a"),
            ("/a/b/", "/a/b/"),
            ("/%61%2f%20", "/a%2F "),
            ("/a%2Fb", "/a%2Fb"),
            ("/a%7Eb", "/a~b"),
            ("/a.b", "/a.b"),
        ] {
            assert_eq!(normal(path), expected, "{path}");
        }
    }
}
