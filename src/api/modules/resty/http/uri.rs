//! URIs that functions ask for.

use mlua::{IntoLuaMulti, Lua, LuaString, MultiValue, Value};

use crate::binding::Call;

/// A URI in parts, as lua-resty-http sees them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// Empty where the URI has none.
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    pub(super) port: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

/// The parts of a URI, or nothing if it is none for HTTP, for Lua.
pub(super) fn parse_uri(call: &mut Call<'_>, uri: LuaString) -> mlua::Result<MultiValue> {
    let uri = uri.to_string_lossy();
    parse(&uri).map_or_else(|| Ok(MultiValue::new()), |parts| parts.into_values(call.lua))
}

/// The parts of a URI, or nothing if it is none for HTTP.
pub(super) fn parse(uri: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = uri.split_once("//")?;
    let scheme = match scheme {
        "" => "",
        "http:" => "http",
        "https:" => "https",
        _ => return None,
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (host, port) = authority_parts(authority)?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Some(Parts { scheme, host, port, path: if path.is_empty() { "/" } else { path }, query })
}

fn authority_parts(authority: &str) -> Option<(&str, Option<&str>)> {
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(end);
    let port = match port.strip_prefix(':') {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) && !port.is_empty() => {
            Some(port)
        }
        None if port.is_empty() => None,
        _ => return None,
    };
    (!host.is_empty()).then_some((host, port))
}

impl Parts<'_> {
    fn into_values(self, lua: &Lua) -> mlua::Result<MultiValue> {
        let port = match self.port {
            Some(port) => Value::Number(port.parse().unwrap_or(f64::INFINITY)),
            None => Value::Nil,
        };
        (self.scheme, self.host, port, self.path, self.query).into_lua_multi(lua)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_come_apart() {
        let cases = [
            ("http://a.b", ("http", "a.b", None, "/", "")),
            ("https://a.b:8443/c/d?e=f?g", ("https", "a.b", Some("8443"), "/c/d", "e=f?g")),
            ("//a?b", ("", "a", None, "/", "b")),
            ("http://[::1]:80/x", ("http", "[::1]", Some("80"), "/x", "")),
        ];
        for (uri, (scheme, host, port, path, query)) in cases {
            assert_eq!(parse(uri), Some(Parts { scheme, host, port, path, query }), "{uri}");
        }
        for uri in ["", "a.b", "ftp://a", "http:///x", "http://a:x/", "http://a:/", "http://[::1"] {
            assert_eq!(parse(uri), None, "{uri}");
        }
    }
}
