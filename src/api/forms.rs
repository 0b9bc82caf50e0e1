//! Bodies that are forms or JSON, as Kong's `get_body` and `set_body` read and write them.

use bytes::Bytes;
use mlua::{IntoLuaMulti, Lua, MultiValue, Table, Value};

use crate::api::json;
use crate::binding::convert;

/// The kinds of body that functions may have decoded or encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    UrlEncoded,
    Json,
    Multipart,
}

impl Kind {
    const ALL: [Self; 3] = [Self::UrlEncoded, Self::Json, Self::Multipart];

    /// The kind that the content type of a body that came names, in any case and with whatever
    /// follows.
    pub(crate) fn of(content_type: &[u8]) -> Option<Self> {
        let essence = essence(content_type);
        Self::ALL.into_iter().find(|kind| essence.starts_with(kind.mime()))
    }

    /// The kind that the content type of a body to be sent names: Kong is more exact with these.
    pub(crate) fn named(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default();
        Self::ALL.into_iter().find(|kind| essence == kind.mime())
    }

    pub(crate) const fn mime(self) -> &'static str {
        match self {
            Self::UrlEncoded => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
            Self::Multipart => "multipart/form-data",
        }
    }
}

fn essence(content_type: &[u8]) -> String {
    let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
    String::from_utf8_lossy(essence).to_ascii_lowercase()
}

/// What `get_body` returns: a table, or `nil` and a message; and the content type.
pub(crate) struct Decoded {
    result: Result<Table, String>,
    mime: Option<String>,
}

impl Decoded {
    pub(crate) fn missing_content_type() -> Self {
        Self { result: Err("missing content type".to_owned()), mime: None }
    }

    pub(crate) fn unsupported(content_type: &[u8]) -> Self {
        let given = String::from_utf8_lossy(content_type);
        let message = format!("unsupported content type '{given}'");
        Self { result: Err(message), mime: Some(essence(content_type)) }
    }
}

impl IntoLuaMulti for Decoded {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.result {
            Ok(table) => (table, Value::Nil, self.mime).into_lua_multi(lua),
            Err(message) => (Value::Nil, message, self.mime).into_lua_multi(lua),
        }
    }
}

/// Decodes a body; `max` is how many arguments of a form are wanted.
pub(crate) fn decode(
    lua: &Lua,
    kind: Kind,
    content_type: &[u8],
    body: Result<Bytes, String>,
    max: usize,
) -> mlua::Result<Decoded> {
    let result = match body {
        Err(message) => Err(message),
        Ok(body) => match kind {
            Kind::UrlEncoded => Ok(convert::args_table(lua, &body, max)?.0),
            Kind::Json => match json::decode(lua, &body, json::Rules::KONG) {
                Ok(Value::Table(table)) => Ok(table),
                _ => Err("invalid json body".to_owned()),
            },
            Kind::Multipart => match multipart_fields(content_type, &body) {
                Some(fields) => Ok(multipart_table(lua, &fields)?),
                None => Err("unable to decode multipart body".to_owned()),
            },
        },
    };
    Ok(Decoded { result, mime: Some(kind.mime().to_owned()) })
}

/// A field of a form: its name and its value.
type Field<'a> = (String, &'a [u8]);

fn multipart_table(lua: &Lua, fields: &[Field<'_>]) -> mlua::Result<Table> {
    let fields = fields.iter().map(|(name, value)| Ok((name.as_str(), lua.create_string(value)?)));
    Ok(convert::multimap(lua, fields, 0)?.0)
}

/// The fields of a `multipart/form-data` body (RFC 7578), or `None` when it has no boundary.
///
/// Lines may end without a carriage return, and the end may be missing, as Kong has it.
fn multipart_fields<'a>(content_type: &[u8], body: &'a [u8]) -> Option<Vec<Field<'a>>> {
    let delimiter = format!("--{}", boundary(&String::from_utf8_lossy(content_type))?);
    let delimiter = delimiter.as_bytes();
    let mut fields = Vec::new();
    let mut rest = split_at_delimiter(body, delimiter).1;
    while let Some(after) = rest.filter(|after| !after.starts_with(b"--")) {
        let (_, from_next_line) = split_line(after);
        let (part, next) = split_at_delimiter(from_next_line, delimiter);
        fields.extend(field(part));
        rest = next;
    }
    Some(fields)
}

/// What comes before the next line that begins with `delimiter`, and what comes after the delimiter.
fn split_at_delimiter<'a>(bytes: &'a [u8], delimiter: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    let mut from = 0;
    while let Some(found) = find(&bytes[from..], delimiter) {
        let (at, after) = (from + found, from + found + delimiter.len());
        match bytes[..at] {
            [] => return (&[], Some(&bytes[after..])),
            [.., b'\n'] => {
                let before = &bytes[..at - 1];
                return (before.strip_suffix(b"\r").unwrap_or(before), Some(&bytes[after..]));
            }
            _ => from = after,
        }
    }
    (bytes, None)
}

/// The first line of `bytes`, and what comes after it.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|&byte| byte == b'\n') {
        Some(end) => {
            let line = &bytes[..end];
            (line.strip_suffix(b"\r").unwrap_or(line), &bytes[end + 1..])
        }
        None => (bytes, &[]),
    }
}

/// Name and value of a part: headers, an empty line, and the value.
fn field(part: &[u8]) -> Option<Field<'_>> {
    let (mut name, mut rest) = (None, part);
    while !rest.is_empty() {
        let (line, next) = split_line(rest);
        rest = next;
        if line.is_empty() {
            return Some((name?, rest));
        }
        name = name.or_else(|| field_name(&String::from_utf8_lossy(line)));
    }
    None
}

/// The `boundary` parameter of a content type.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty())
}

fn field_name(line: &str) -> Option<String> {
    let (header, value) = line.split_once(':')?;
    let is_named = header.trim_end().eq_ignore_ascii_case("content-disposition");
    if is_named { parameter(value, "name") } else { None }
}

/// The parameter `wanted` of a header value. One in quotes may hold semicolons.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = value.split_once(';')?;
    while !rest.is_empty() {
        let start = rest.find(['=', ';']).unwrap_or(rest.len());
        let name = rest[..start].trim();
        let Some(value) = rest[start..].strip_prefix('=') else {
            rest = rest.get(start + 1..).unwrap_or_default();
            continue;
        };
        let (value, next) = match value.strip_prefix('"') {
            Some(quoted) => split_quoted(quoted),
            None => (value.split(';').next().unwrap_or_default().trim_end().to_owned(), value),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next.split_once(';').map_or("", |(_, next)| next);
    }
    None
}

/// A text up to its closing quote, which `\"` is not, and what comes after.
fn split_quoted(text: &str) -> (String, &str) {
    let end = text.match_indices('"').map(|(at, _)| at).find(|&at| !text[..at].ends_with('\\'));
    let (quoted, rest) = text.split_at(end.unwrap_or(text.len()));
    (quoted.replace("\\\"", "\""), rest)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Whether a field holds what would end it.
pub(crate) fn contains_boundary(fields: &[(Vec<u8>, Vec<u8>)], boundary: &str) -> bool {
    let delimiter = format!("\n--{boundary}");
    fields.iter().any(|(_, value)| find(value, delimiter.as_bytes()).is_some())
}

/// A boundary that no field holds.
pub(crate) fn new_boundary(fields: &[(Vec<u8>, Vec<u8>)]) -> String {
    let mut candidates = (0_u64..).map(|number| format!("tower-lua-{number:010}"));
    candidates
        .find(|boundary| !contains_boundary(fields, boundary))
        .expect("fields are finite, numbers are not")
}

/// A `multipart/form-data` body of `fields`, sorted by name.
pub(crate) fn encode_multipart(fields: &[(Vec<u8>, Vec<u8>)], boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(b"Content-Disposition: form-data; name=\"");
        body.extend_from_slice(name);
        body.extend_from_slice(b"\"\r\n\r\n");
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_change_the_kind() {
        assert_eq!(Kind::of(b"Application/JSON; charset=utf-8"), Some(Kind::Json));
        assert_eq!(Kind::of(b"multipart/form-data; boundary=x"), Some(Kind::Multipart));
        assert_eq!(Kind::of(b"text/plain"), None);
    }

    #[test]
    fn what_is_encoded_as_multipart_is_decoded_again() {
        let fields = [(b"a".to_vec(), b"1\r\n2".to_vec()), (b"b".to_vec(), b"".to_vec())];
        let body = encode_multipart(&fields, "xyz");
        let decoded = multipart_fields(b"multipart/form-data; boundary=\"xyz\"", &body).unwrap();
        assert_eq!(decoded, [("a".to_owned(), &b"1\r\n2"[..]), ("b".to_owned(), &b""[..])]);
    }

    #[test]
    fn a_body_that_breaks_off_anywhere_is_no_reason_to_panic() {
        let content_type = b"multipart/form-data; boundary=xyz";
        let fields = [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())];
        let body = encode_multipart(&fields, "xyz");
        for length in 0..body.len() {
            let read = multipart_fields(content_type, &body[..length]).unwrap();
            assert!(read.len() <= 2, "{length}");
        }
    }

    #[test]
    fn parameters_are_found_among_others() {
        for (value, expected) in [
            ("x; a=1; name=b ; c=2", Some("b")),
            (r#"x; a="; name=no"; NAME="b;\"c""#, Some("b;\"c")),
            (r#"x; name="open"#, Some("open")),
            ("x;;name=", Some("")),
            ("name=b", None),
            ("x; filename=b; name", None),
        ] {
            assert_eq!(parameter(value, "name").as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_multipart_body_without_a_boundary_is_refused() {
        assert_eq!(multipart_fields(b"multipart/form-data", b"--x\r\n"), None);
        assert_eq!(multipart_fields(b"multipart/form-data; boundary=x", b"junk"), Some(Vec::new()));
    }
}
