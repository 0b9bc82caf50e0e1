//! Messages of HTTP and tables of Lua.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower_lua::mlua::{self, Lua, LuaString, Table, Value};
use tower_lua::testing::Log;
use tower_lua::{Connection, Upstream};

/// `{ method, path, headers, body, scheme, ip }`, of which each may be left out.
pub(super) fn request(table: &Table) -> mlua::Result<Request<Bytes>> {
    let text = |name: &str, default: &str| -> mlua::Result<String> {
        Ok(table.get::<Option<String>>(name)?.unwrap_or_else(|| default.to_owned()))
    };
    let path = text("path", "/")?;
    let wrong = |error: &dyn std::fmt::Display| mlua::Error::external(format!("request: {error}"));
    let mut request = Request::builder()
        .method(text("method", "GET")?.as_str())
        .uri(path.as_str())
        .body(body(table)?)
        .map_err(|error| wrong(&error))?;
    *request.headers_mut() = headers(table)?;
    if !request.headers().contains_key("host") {
        request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
    }
    let ip = text("ip", "127.0.0.1")?;
    let ip: IpAddr = ip.parse().map_err(|_| wrong(&format!("'{ip}' is no address")))?;
    let is_encrypted = text("scheme", "http")? == "https";
    let port = if is_encrypted { 443 } else { 80 };
    let local = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port);
    let connection = Connection::new(SocketAddr::new(ip, 50_000)).with_local_addr(local);
    request.extensions_mut().insert(connection.with_tls(is_encrypted));
    Ok(request)
}

/// `{ status, headers, body }`, of which each may be left out.
pub(super) fn response(table: &Table) -> mlua::Result<Response<Bytes>> {
    let status = table.get::<Option<u16>>("status")?.unwrap_or(200);
    let mut response = Response::new(body(table)?);
    *response.status_mut() = http::StatusCode::from_u16(status).map_err(mlua::Error::external)?;
    *response.headers_mut() = headers(table)?;
    Ok(response)
}

fn body(table: &Table) -> mlua::Result<Bytes> {
    let body = table.get::<Option<LuaString>>("body")?;
    Ok(body.map(|body| Bytes::copy_from_slice(&body.as_bytes())).unwrap_or_default())
}

fn headers(table: &Table) -> mlua::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let Some(given) = table.get::<Option<Table>>("headers")? else { return Ok(headers) };
    for pair in given.pairs::<String, Value>() {
        let (name, value) = pair?;
        let wrong = |_| mlua::Error::external(format!("'{name}' is no name of a header"));
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(wrong)?;
        let values = match value {
            Value::Table(values) => {
                values.sequence_values().collect::<mlua::Result<Vec<Value>>>()?
            }
            value => vec![value],
        };
        for value in values {
            let value = value.to_string()?;
            let value = HeaderValue::from_bytes(value.as_bytes());
            let value = value
                .map_err(|_| mlua::Error::external(format!("'{name}' has a value that is none")))?;
            headers.append(&header, value);
        }
    }
    Ok(headers)
}

/// A table of headers: several of one name are an array.
fn headers_table(lua: &Lua, headers: &HeaderMap) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for name in headers.keys() {
        let values = headers.get_all(name).iter().map(|value| lua.create_string(value.as_bytes()));
        let mut values = values.collect::<mlua::Result<Vec<_>>>()?;
        if values.len() == 1 {
            table.raw_set(name.as_str(), values.remove(0))?;
        } else {
            table.raw_set(name.as_str(), lua.create_sequence_from(values)?)?;
        }
    }
    Ok(table)
}

/// `{ status, headers, body }`.
pub(super) fn response_table(lua: &Lua, response: &Response<Bytes>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("status", response.status().as_u16())?;
    table.raw_set("headers", headers_table(lua, response.headers())?)?;
    table.raw_set("body", lua.create_string(response.body())?)?;
    Ok(table)
}

/// `{ method, path, query, headers, body }`, and where functions have sent it: `scheme`, `host`, `port`,
/// `upstream`.
pub(super) fn request_table(lua: &Lua, request: &Request<Bytes>) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("method", request.method().as_str())?;
    table.raw_set("path", request.uri().path())?;
    table.raw_set("query", request.uri().query())?;
    table.raw_set("headers", headers_table(lua, request.headers())?)?;
    table.raw_set("body", lua.create_string(request.body())?)?;
    if let Some(upstream) = request.extensions().get::<Upstream>() {
        if let Some((host, port)) = upstream.target() {
            table.raw_set("host", host)?;
            table.raw_set("port", port)?;
        }
        table.raw_set("upstream", upstream.name())?;
        table.raw_set("scheme", upstream.scheme())?;
    }
    Ok(table)
}

/// Lines of the log: `{ level, message }`.
pub(super) fn logs_table(lua: &Lua, logs: &[Log]) -> mlua::Result<Table> {
    let lines = logs.iter().map(|log| {
        let line = lua.create_table()?;
        line.raw_set("level", log.level.as_str())?;
        line.raw_set("message", log.message.as_str())?;
        Ok(line)
    });
    lua.create_sequence_from(lines.collect::<mlua::Result<Vec<_>>>()?)
}
