//! `kong.response`: the response to the client.

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use mlua::{LuaString, Table, Value};

use super::checks;
use crate::binding::{Call, Namespace, Scope, bindings, raise};
use crate::convert::{self, Collected};
use crate::error_page;
use crate::modules::json::{self, JsonError};
use crate::phase::{Phase, PhaseSet};
use crate::transaction::{Exit, Source, headers};

const HEADER_BODY_LOG: PhaseSet = PhaseSet::RESPONSE
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::BODY_FILTER)
    .or(PhaseSet::LOG)
    .or(PhaseSet::ERROR)
    .or(PhaseSet::ADMIN_API);

const REWRITE_ACCESS_HEADER: PhaseSet = PhaseSet::REWRITE
    .or(PhaseSet::ACCESS)
    .or(PhaseSet::RESPONSE)
    .or(PhaseSet::BALANCER)
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::ERROR)
    .or(PhaseSet::ADMIN_API);

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.response",
    bindings: bindings! {
        "get_status", HEADER_BODY_LOG, calls get_status;
        "get_header", HEADER_BODY_LOG, calls get_header;
        "get_headers", HEADER_BODY_LOG, calls get_headers;
        "get_source", HEADER_BODY_LOG, calls get_source;
        "set_status", REWRITE_ACCESS_HEADER, calls set_status;
        "set_header", REWRITE_ACCESS_HEADER, calls set_header;
        "add_header", REWRITE_ACCESS_HEADER, calls add_header;
        "clear_header", REWRITE_ACCESS_HEADER, calls clear_header;
        "set_headers", REWRITE_ACCESS_HEADER, calls set_headers;
        "get_raw_body", PhaseSet::BODY_FILTER, calls get_raw_body;
        "set_raw_body", PhaseSet::BODY_FILTER, calls set_raw_body;
        "exit", REWRITE_ACCESS_HEADER, exits exit;
        "error", REWRITE_ACCESS_HEADER, exits error;
    },
};

pub(super) fn table(scope: &Scope<'_>) -> mlua::Result<Table> {
    scope.table(&NAMESPACE)
}

fn get_status(call: &mut Call<'_>, (): ()) -> mlua::Result<u16> {
    Ok(call.tx.response.status())
}

fn get_header(call: &mut Call<'_>, name: Value) -> mlua::Result<Option<LuaString>> {
    let name = checks::string(name, "header name must be a string")?;
    let value = headers::get(call.tx.response.headers(), &name.as_bytes());
    value.map(|value| call.string(value)).transpose()
}

fn get_headers(call: &mut Call<'_>, (max_headers,): (Value,)) -> mlua::Result<Collected> {
    let max = checks::count(&max_headers, "max_headers")?;
    convert::headers_table(call.lua, call.tx.response.headers().iter(), max)
}

fn get_source(call: &mut Call<'_>, (): ()) -> mlua::Result<&'static str> {
    Ok(call.tx.response.source.unwrap_or(Source::Error).name())
}

fn ensure_not_sent(call: &Call<'_>) -> mlua::Result<()> {
    if call.tx.response.sent { Err(raise("headers have already been sent")) } else { Ok(()) }
}

/// A status between `least` and 599. A fraction is cut off.
fn status_code(value: &Value, least: u16) -> mlua::Result<u16> {
    match checks::as_number(value) {
        None => Err(raise("code must be a number")),
        Some(code) if code >= f64::from(least) && code <= 599.0 => Ok(code as u16),
        Some(_) => Err(raise(format!("code must be a number between {least} and 599"))),
    }
}

fn set_status(call: &mut Call<'_>, (status,): (Value,)) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let status = status_code(&status, 100)?;
    call.tx.response.set_status(status);
    Ok(())
}

/// The name of a response header, or nothing for `Transfer-Encoding`, which is hyper's business.
fn settable(call: &Call<'_>, name: &LuaString) -> mlua::Result<Option<HeaderName>> {
    let name = headers::response_name_of(&name.as_bytes()).map_err(|why| raise(why.to_string()))?;
    if name == http::header::TRANSFER_ENCODING {
        super::log::warn(call, "manually setting Transfer-Encoding. Ignored.");
        return Ok(None);
    }
    Ok(Some(name))
}

fn put_header(call: &mut Call<'_>, name: &LuaString, values: &[LuaString]) -> mlua::Result<()> {
    let Some(name) = settable(call, name)? else { return Ok(()) };
    let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    call.tx.response.set_header(name, values).map_err(|why| raise(why.to_string()))
}

fn set_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let values = checks::header_values(call, &name, &value)?;
    put_header(call, &checks::string(name, "header name must be a string")?, &values)
}

fn add_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let values = checks::header_values(call, &name, &value)?;
    let name = checks::string(name, "header name must be a string")?;
    let Some(name) = settable(call, &name)? else { return Ok(()) };
    for value in values {
        let added = call.tx.response.add_header(name.clone(), &value.as_bytes());
        added.map_err(|why| raise(why.to_string()))?;
    }
    Ok(())
}

fn clear_header(call: &mut Call<'_>, name: Value) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let name = checks::string(name, "header name must be a string")?;
    let name = headers::response_name_of(&name.as_bytes()).map_err(|why| raise(why.to_string()))?;
    call.tx.response.set_header(name, []).map_err(|why| raise(why.to_string()))
}

fn set_headers(call: &mut Call<'_>, headers: Value) -> mlua::Result<()> {
    ensure_not_sent(call)?;
    let headers = checks::table(headers, "headers must be a table")?;
    for (name, values) in checks::headers(call, &headers)? {
        put_header(call, &name, &values)?;
    }
    Ok(())
}

/// Gathers the chunks, and gives the body at its end.
fn get_raw_body(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<LuaString>> {
    let limit = call.settings.max_body_size;
    let chunk = &mut call.tx.chunk;
    chunk.gathering = true;
    if chunk.gathered.len() as u64 + chunk.data.len() as u64 > limit {
        return Err(raise(format!("response body too big: more than {limit} bytes")));
    }
    chunk.gathered.extend_from_slice(&chunk.data);
    chunk.data = Bytes::new();
    if !chunk.eof {
        return Ok(None);
    }
    let body = std::mem::take(&mut chunk.gathered);
    chunk.gathering = false;
    let string = call.lua.create_string(&body)?;
    call.tx.chunk.data = body.into();
    Ok(Some(string))
}

fn set_raw_body(call: &mut Call<'_>, body: Value) -> mlua::Result<()> {
    let body = checks::string(body, "body must be a string")?;
    let chunk = &mut call.tx.chunk;
    // Kong: sends a line break for an empty body, because nginx needs some byte; so do we, for the
    // client to see the same.
    chunk.data = match &*body.as_bytes() {
        b"" => Bytes::from_static(b"\n"),
        body => Bytes::copy_from_slice(body),
    };
    chunk.eof = true;
    chunk.gathered = Vec::new();
    chunk.gathering = false;
    Ok(())
}

fn exit(call: &mut Call<'_>, (status, body, headers): (Value, Value, Value)) -> mlua::Result<bool> {
    ensure_not_sent(call)?;
    let status = status_code(&status, 100)?;
    if !matches!(body, Value::Nil | Value::String(_) | Value::Table(_)) {
        return Err(raise("body must be a nil, string or table"));
    }
    let headers = match headers {
        Value::Nil => Vec::new(),
        Value::Table(headers) => checks::headers(call, &headers)?,
        _ => return Err(raise("headers must be a nil or table")),
    };
    send(call, status, body, &headers)
}

/// Makes the response of an exit. Whether the function ends with it.
fn send(
    call: &mut Call<'_>,
    status: u16,
    body: Value,
    headers: &[(LuaString, Vec<LuaString>)],
) -> mlua::Result<bool> {
    let is_json = matches!(body, Value::Table(_));
    let body = match body {
        Value::String(body) => Some(Bytes::copy_from_slice(&body.as_bytes())),
        Value::Table(_) => Some(encode(call, &body)?),
        _ => None,
    };
    for (name, values) in headers {
        put_header(call, name, values)?;
    }
    let given = |name: &HeaderName| {
        let is = |(key, _): &(LuaString, _)| {
            headers::response_name_of(&key.as_bytes()).is_ok_and(|key| key == name)
        };
        headers.iter().any(is)
    };
    let (has_type, has_length) = (given(&CONTENT_TYPE), given(&CONTENT_LENGTH));
    let response = &mut call.tx.response;
    response.set_status(status);
    response.source = Some(Source::Exit);
    match body {
        Some(body) => {
            if is_json && !has_type {
                response.put(CONTENT_TYPE, "application/json; charset=utf-8");
            }
            response.end_with(body, !has_length);
        }
        None if status >= 400 => {
            let page = error_page::for_exit(&mut call.tx.request, status);
            let response = &mut call.tx.response;
            response.put(CONTENT_TYPE, page.content_type);
            response.end_with(page.body, true);
        }
        None => response.end_with(Bytes::new(), !has_length),
    }
    Ok(end(call))
}

/// Ends the request. In `header_filter` the response is replaced instead and the function goes on,
/// as `ngx.exit` has it there.
fn end(call: &mut Call<'_>) -> bool {
    if call.tx.site.phase == Phase::HeaderFilter {
        return false;
    }
    call.tx.exit = Some(Exit::Request);
    true
}

fn encode(call: &Call<'_>, body: &Value) -> mlua::Result<Bytes> {
    json::encode(call.lua, body, json::Format::KONG).map(Bytes::from).map_err(|error| match error {
        JsonError::Unfit(why) => {
            raise(format!("body encoding failed while flushing response: {why}"))
        }
        JsonError::Lua(error) => error,
    })
}

fn error(
    call: &mut Call<'_>,
    (status, message, headers): (Value, Value, Value),
) -> mlua::Result<bool> {
    ensure_not_sent(call)?;
    let status = status_code(&status, 400)?;
    let message = match message {
        Value::Nil => None,
        Value::String(message) => Some(message.to_string_lossy()),
        Value::Table(_) => {
            let json = json::encode(call.lua, &message, json::Format::KONG);
            let json = json.map_err(|error| match error {
                JsonError::Unfit(why) => {
                    raise(format!("could not JSON encode the error message: {why}"))
                }
                JsonError::Lua(error) => error,
            })?;
            Some(String::from_utf8_lossy(&json).into_owned())
        }
        _ => return Err(raise("message must be a nil, a string or a table")),
    };
    let headers = match headers {
        Value::Nil => Vec::new(),
        Value::Table(headers) => checks::headers(call, &headers)?,
        _ => return Err(raise("headers must be a nil or table")),
    };
    let given = headers.iter().find_map(|(name, values)| {
        let is = headers::response_name_of(&name.as_bytes()).is_ok_and(|name| name == CONTENT_TYPE);
        let first = values.first().filter(|_| is)?;
        HeaderValue::from_bytes(&first.as_bytes()).ok()
    });
    let request = &mut call.tx.request;
    let page = error_page::for_error(request, status, message.as_deref(), given.as_ref());
    let body = Value::String(call.lua.create_string(&page.body)?);
    call.tx.response.put(CONTENT_TYPE, page.content_type);
    send(call, status, body, &headers)
}
