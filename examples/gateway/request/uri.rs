//! Paths between the client and the service.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

/// A path as routes are matched against: without doubled slashes and dot segments, and with those
/// bytes decoded that have no meaning of their own in a URI.
pub(crate) fn normalize(path: &str) -> Cow<'_, [u8]> {
    let bytes = path.as_bytes();
    let is_plain = |pair: &[u8]| pair[0] != b'%' && pair[0] != b'.' && pair != b"//";
    if bytes.windows(2).all(is_plain) && !matches!(bytes.last(), Some(b'.' | b'%')) {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(without_dots(&decode(bytes)))
}

/// Decodes `%41` and the like, but not what would then mean something else, such as `%2F`.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let hex = (byte == b'%').then(|| after.get(..2).and_then(hexadecimal)).flatten();
        rest = match hex {
            Some(byte) if is_reserved(byte) => {
                decoded.push(b'%');
                decoded.extend(after[..2].to_ascii_uppercase());
                &after[2..]
            }
            Some(byte) => {
                decoded.push(byte);
                &after[2..]
            }
            None => {
                decoded.push(byte);
                after
            }
        };
    }
    decoded
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    u8::try_from(value).ok()
}

fn is_reserved(byte: u8) -> bool {
    b"!*'();:@&=+$,/?%#[]".contains(&byte)
}

fn without_dots(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let ends_in_directory = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end.as_bytes()));
    let mut normalized = Vec::with_capacity(path.len());
    for segment in &segments {
        normalized.push(b'/');
        normalized.extend_from_slice(segment);
    }
    if segments.is_empty() || ends_in_directory {
        normalized.push(b'/');
    }
    normalized
}

/// How the path of a service and that of a request become one: `path_handling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathHandling {
    V0,
    V1,
}

/// The path that the service gets, escaped.
///
/// `base` is the service's, `path` the normalised path of the request, and `prefix` how much of it
/// the route has matched, if the route has paths.
pub(crate) fn upstream_path(
    handling: PathHandling,
    strip: bool,
    base: Option<&str>,
    path: &[u8],
    prefix: Option<usize>,
) -> Vec<u8> {
    let base = base.unwrap_or("/").as_bytes();
    let after_slash = path.get(1..).unwrap_or_default();
    let postfix = match prefix {
        Some(prefix) => without_leading_dots(path.get(prefix..).unwrap_or_default()),
        None => after_slash,
    };
    let mut joined = Vec::with_capacity(base.len() + path.len() + 1);
    match (handling, strip) {
        (PathHandling::V1, true) => join(&mut joined, base, postfix),
        (PathHandling::V1, false) => joined.extend([base, after_slash].concat()),
        (PathHandling::V0, strip) => join_v0(&mut joined, base, path, strip.then_some(postfix)),
    }
    escape(Cow::Owned(joined)).into_owned()
}

/// `base`, then `rest`, with one slash where both have one.
fn join(joined: &mut Vec<u8>, base: &[u8], rest: &[u8]) {
    let base = if rest.starts_with(b"/") { base.strip_suffix(b"/").unwrap_or(base) } else { base };
    joined.extend_from_slice(base);
    joined.extend_from_slice(rest);
}

fn join_v0(joined: &mut Vec<u8>, base: &[u8], path: &[u8], postfix: Option<&[u8]>) {
    let ends_in_slash = base.ends_with(b"/");
    match postfix {
        Some(b"") => {
            let wants_slash = path.len() > 1 && path.ends_with(b"/");
            match (ends_in_slash, wants_slash) {
                _ if base == b"/" => joined.push(b'/'),
                (true, true) | (false, false) => joined.extend_from_slice(base),
                (true, false) => joined.extend_from_slice(&base[..base.len() - 1]),
                (false, true) => join(joined, base, b"/"),
            }
        }
        Some(postfix) if ends_in_slash || postfix.starts_with(b"/") => join(joined, base, postfix),
        Some(postfix) => joined.extend([base, b"/", postfix].concat()),
        None if ends_in_slash => join(joined, base, path.get(1..).unwrap_or_default()),
        None if path == b"/" => joined.extend_from_slice(base),
        None => joined.extend([base, path].concat()),
    }
}

/// Without what would lead out of the service's path where the route's ends in a segment.
fn without_leading_dots(postfix: &[u8]) -> &[u8] {
    match postfix {
        b"." | b".." => b"",
        [b'.', b'/', rest @ ..] | [b'.', b'.', b'/', rest @ ..] => rest,
        other => other,
    }
}

/// Encodes what a request line cannot have.
pub(crate) fn escape(path: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match Cow::from(percent_encode(&path, ESCAPED)) {
        Cow::Borrowed(_) => path,
        Cow::Owned(escaped) => Cow::Owned(escaped.into_bytes()),
    }
}

/// Beside what is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
