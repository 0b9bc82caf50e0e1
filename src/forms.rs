//! Bodies that are forms or JSON, as Kong's `get_body` and `set_body` read and write them.

use bytes::Bytes;
use mlua::{IntoLuaMulti, Lua, MultiValue, Table, Value};

use crate::convert;
use crate::modules::json;

/// The kinds of body that functions may have decoded or encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    UrlEncoded,
    Json,
    Multipart,
}

impl Kind {
    /// The kind that a content type names, whatever its parameters.
    pub(crate) fn of(content_type: &[u8]) -> Option<Self> {
        let essence = essence(content_type);
        [Self::UrlEncoded, Self::Json, Self::Multipart]
            .into_iter()
            .find(|kind| essence.starts_with(kind.mime()))
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
            Kind::Json => match json::decode(lua, &body, json::Arrays::Marked) {
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
fn multipart_fields<'a>(content_type: &[u8], body: &'a [u8]) -> Option<Vec<Field<'a>>> {
    let content_type = String::from_utf8_lossy(content_type);
    let delimiter = format!("--{}", boundary(&content_type)?);
    let mut fields = Vec::new();
    for part in split(body, delimiter.as_bytes()).skip(1) {
        let Some(part) = part.strip_prefix(b"\r\n") else { break };
        let part = part.strip_suffix(b"\r\n").unwrap_or(part);
        let Some(end) = find(part, b"\r\n\r\n") else { continue };
        let (head, value) = (String::from_utf8_lossy(&part[..end]), &part[end + 4..]);
        if let Some(name) = head.lines().find_map(field_name) {
            fields.push((name, value));
        }
    }
    Some(fields)
}

/// The `boundary` parameter of a content type.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (_, boundary) = content_type.split_once("boundary=")?;
    Some(match boundary.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => boundary.split(';').next().unwrap_or(boundary).trim_end(),
    })
}

fn field_name(line: &str) -> Option<String> {
    let (header, value) = line.split_once(':')?;
    if !header.eq_ignore_ascii_case("content-disposition") {
        return None;
    }
    value.split(';').find_map(|parameter| {
        let name = parameter.trim().strip_prefix("name=")?;
        Some(name.trim_matches('"').to_owned())
    })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn split<'a>(mut bytes: &'a [u8], delimiter: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let Some(at) = find(bytes, delimiter) else {
            ended = true;
            return Some(bytes);
        };
        let (part, rest) = bytes.split_at(at);
        bytes = &rest[delimiter.len()..];
        Some(part)
    })
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
    fn a_multipart_body_without_a_boundary_is_refused() {
        assert_eq!(multipart_fields(b"multipart/form-data", b"--x\r\n"), None);
        assert_eq!(multipart_fields(b"multipart/form-data; boundary=x", b"junk"), Some(Vec::new()));
    }
}
