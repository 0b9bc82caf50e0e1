//! Bodies that are forms or JSON, as Kong's `get_body` and `set_body` read and write them.
//!
//! By hand, not by `multer` and `form_urlencoded`, because Kong's reading is its own: parts without a name,
//! headers that are none, bytes that are no UTF-8 and whatever stands before the first boundary mean
//! something to functions. All of it counts against the limits of the function.

use std::borrow::Cow;

use bytes::Bytes;
use mlua::{IntoLuaMulti, Lua, MultiValue, Table, Value};

use crate::api::json;
use crate::binding::convert;
use crate::lua::{Buffer, Texts, short_string};
use crate::message::random;

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
        let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default();
        Self::ALL.into_iter().find(|kind| {
            let mime = kind.mime().as_bytes();
            essence.get(..mime.len()).is_some_and(|start| start.eq_ignore_ascii_case(mime))
        })
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
    mime: Option<Cow<'static, str>>,
}

impl Decoded {
    pub(crate) fn missing_content_type() -> Self {
        Self { result: Err("missing content type".to_owned()), mime: None }
    }

    pub(crate) fn unsupported(content_type: &[u8]) -> Self {
        let given = String::from_utf8_lossy(content_type);
        let message = format!("unsupported content type '{given}'");
        Self { result: Err(message), mime: Some(essence(content_type).into()) }
    }
}

impl IntoLuaMulti for Decoded {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        let mime = self.mime.map(|mime| short_string(lua, mime.as_bytes())).transpose()?;
        match self.result {
            Ok(table) => (table, Value::Nil, mime).into_lua_multi(lua),
            Err(message) => (Value::Nil, message, mime).into_lua_multi(lua),
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
            Kind::Multipart => match boundary(&String::from_utf8_lossy(content_type)) {
                Some(Ok(boundary)) => Ok(multipart_table(lua, &boundary, &body)?),
                Some(Err(TooLong)) => Err(format!(
                    "unable to decode multipart body: boundary longer than {MAX_BOUNDARY} characters"
                )),
                None => Err("unable to decode multipart body".to_owned()),
            },
        },
    };
    Ok(Decoded { result, mime: Some(kind.mime().into()) })
}

/// A field of a form: its name and its value.
type Field<'a> = (String, &'a [u8]);

fn multipart_table(lua: &Lua, boundary: &str, body: &[u8]) -> mlua::Result<Table> {
    let delimiter = format!("--{boundary}");
    let fields = multipart_fields(delimiter.as_bytes(), body);
    let fields = fields.map(|(name, value)| Ok((name, lua.create_string(value)?)));
    Ok(convert::multimap(lua, fields, 0)?.0)
}

/// The fields of a `multipart/form-data` body (RFC 7578).
///
/// Lines may end without a carriage return, and the end may be missing, as Kong has it.
fn multipart_fields<'a>(delimiter: &[u8], body: &'a [u8]) -> impl Iterator<Item = Field<'a>> {
    let mut rest = split_at_delimiter(body, delimiter).1;
    let parts = std::iter::from_fn(move || {
        let after = rest.filter(|after| !after.starts_with(b"--"))?;
        let (_, from_next_line) = split_line(after);
        let (part, next) = split_at_delimiter(from_next_line, delimiter);
        rest = next;
        Some(part)
    });
    parts.filter_map(field)
}

/// What comes before the next line that begins with `delimiter`, and what comes after the delimiter.
///
/// Each byte is looked at once, whatever it is: no line of a body begins anew with what is left of
/// the one before.
fn split_at_delimiter<'a>(bytes: &'a [u8], delimiter: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    let mut start = 0;
    loop {
        if bytes[start..].starts_with(delimiter) {
            let before = &bytes[..start];
            let before = before.strip_suffix(b"\n").unwrap_or(before);
            let before = before.strip_suffix(b"\r").unwrap_or(before);
            return (before, Some(&bytes[start + delimiter.len()..]));
        }
        match bytes[start..].iter().position(|&byte| byte == b'\n') {
            Some(end) => start += end + 1,
            None => return (bytes, None),
        }
    }
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

/// A boundary is longer than [`MAX_BOUNDARY`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// The longest boundary there is, by RFC 2046, in bytes.
const MAX_BOUNDARY: usize = 70;

/// The `boundary` parameter of a content type.
pub(crate) fn boundary(content_type: &str) -> Option<Result<String, TooLong>> {
    let boundary = parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty())?;
    Some(if boundary.len() <= MAX_BOUNDARY { Ok(boundary) } else { Err(TooLong) })
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

/// A part of a body that is to be sent: its header, and a field's value.
pub(crate) fn part<'a>(name: &'a [u8], value: &'a [u8]) -> [&'a [u8]; 5] {
    [b"Content-Disposition: form-data; name=\"", name, b"\"\r\n\r\n", value, b"\r\n"]
}

/// Whether a part holds what would end it.
pub(crate) fn contain_boundary(parts: &Texts<'_>, boundary: &str) -> bool {
    let delimiter = format!("--{boundary}");
    parts.iter().any(|part| split_at_delimiter(part, delimiter.as_bytes()).1.is_some())
}

/// A boundary that no part holds: the usual one, or one that nobody can have foreseen.
pub(crate) fn new_boundary(parts: &Texts<'_>) -> String {
    let candidates = std::iter::once(0).chain(std::iter::repeat_with(random::bits));
    let mut candidates = candidates.map(|number| format!("tower-lua-{number:032x}"));
    candidates
        .find(|boundary| !contain_boundary(parts, boundary))
        .expect("parts are finite, numbers are not")
}

/// Adds a `multipart/form-data` body of `parts` to `body`.
///
/// # Errors
///
/// When the function may not have as much.
pub(crate) fn encode_multipart(
    parts: &Texts<'_>,
    boundary: &str,
    body: &mut Buffer<'_>,
) -> mlua::Result<()> {
    for part in parts.iter() {
        body.extend(format!("--{boundary}\r\n").as_bytes())?;
        body.extend(part)?;
    }
    body.extend(format!("--{boundary}--\r\n").as_bytes())
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

    fn body(fields: &[(&str, &str)]) -> Vec<u8> {
        let lua = Lua::new();
        let mut parts = Texts::new(Buffer::within(&lua, 1000));
        for (name, value) in fields {
            parts.add(&part(name.as_bytes(), value.as_bytes())).unwrap();
        }
        let mut body = Buffer::within(&lua, 1000);
        encode_multipart(&parts, "xyz", &mut body).unwrap();
        body.into_vec()
    }

    #[test]
    fn what_is_encoded_as_multipart_is_decoded_again() {
        let body = body(&[("a", "1\r\n2"), ("b", "")]);
        let decoded: Vec<_> = multipart_fields(b"--xyz", &body).collect();
        assert_eq!(decoded, [("a".to_owned(), &b"1\r\n2"[..]), ("b".to_owned(), &b""[..])]);
    }

    #[test]
    fn a_boundary_is_another_where_the_usual_one_occurs() {
        let lua = Lua::new();
        let mut parts = Texts::new(Buffer::within(&lua, 1000));
        let usual = new_boundary(&parts);
        parts.add(&part(b"a", format!("\n--{usual}").as_bytes())).unwrap();
        let other = new_boundary(&parts);
        assert_ne!(other, usual);
        assert!(!contain_boundary(&parts, &other));
    }

    #[test]
    fn a_body_that_breaks_off_anywhere_is_no_reason_to_panic() {
        let body = body(&[("a", "1"), ("b", "2")]);
        for length in 0..body.len() {
            assert!(multipart_fields(b"--xyz", &body[..length]).count() <= 2, "{length}");
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
    fn a_boundary_is_a_parameter_of_at_most_seventy_characters() {
        let of =
            |length| boundary(&format!("multipart/form-data; boundary={}", "x".repeat(length)));
        assert_eq!(boundary("multipart/form-data"), None);
        assert_eq!(of(0), None);
        assert_eq!(of(70), Some(Ok("x".repeat(70))));
        assert_eq!(of(71), Some(Err(TooLong)));
    }
}
