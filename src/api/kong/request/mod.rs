//! `kong.request`: the client's request.

mod body;
mod shortcuts;

use http::HeaderValue;
use mlua::{Lua, LuaString, Table, Value};

use super::{checks, entity};
use crate::api::json;
use crate::binding::convert::{self, Collected};
use crate::binding::{Call, Namespace, bindings};
use crate::lua::as_number;
use crate::message::uri;
use crate::phase::PhaseSet;
use crate::transaction::Transaction;

const REQUEST: PhaseSet = PhaseSet::REWRITE
    .or(PhaseSet::ACCESS)
    .or(PhaseSet::BALANCER)
    .or(PhaseSet::RESPONSE)
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::BODY_FILTER)
    .or(PhaseSet::LOG)
    .or(PhaseSet::ERROR)
    .or(PhaseSet::ADMIN_API)
    .or(PhaseSet::CLUSTER_LISTENER);

const BEFORE_CONTENT: PhaseSet = PhaseSet::REWRITE
    .or(PhaseSet::ACCESS)
    .or(PhaseSet::RESPONSE)
    .or(PhaseSet::ERROR)
    .or(PhaseSet::ADMIN_API);

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.request",
    bindings: bindings! {
        "get_scheme", REQUEST, calls get_scheme;
        "get_host", REQUEST, calls get_host;
        "get_port", PhaseSet::CLIENT, calls get_port;
        "get_forwarded_scheme", REQUEST, calls get_forwarded_scheme;
        "get_forwarded_host", REQUEST, calls get_forwarded_host;
        "get_forwarded_port", REQUEST, calls get_forwarded_port;
        "get_forwarded_path", REQUEST, calls get_forwarded_path;
        "get_forwarded_prefix", REQUEST, calls get_forwarded_prefix;
        "get_http_version", REQUEST, calls get_http_version;
        "get_method", REQUEST, calls get_method, shortcut shortcuts::method;
        "get_path", REQUEST, calls get_path, shortcut shortcuts::path;
        "get_raw_path", REQUEST, calls get_raw_path, shortcut shortcuts::raw_path;
        "get_path_with_query", REQUEST, calls get_path_with_query, shortcut shortcuts::path_with_query;
        "get_raw_query", REQUEST, calls get_raw_query, shortcut shortcuts::raw_query;
        "get_query_arg", REQUEST, calls get_query_arg, shortcut shortcuts::query_arg;
        "get_query", REQUEST, calls get_query;
        "get_header", REQUEST, calls get_header, shortcut shortcuts::header;
        "get_headers", REQUEST, calls get_headers;
        "get_raw_body", BEFORE_CONTENT, waits body::get_raw_body;
        "get_body", BEFORE_CONTENT, waits body::get_body, shortcut body::get_body_shortcut;
        "get_start_time", REQUEST, calls get_start_time;
        "get_uri_captures", REQUEST, calls get_uri_captures;
        // Kong: does not have this function. Its own documentation of serverless functions calls
        // it, so it is here: an alias of kong.service.request.clear_header.
        "clear_header", super::service::request::ACCESS_AND_REWRITE,
            calls super::service::request::clear_header,
            shortcut super::service::request::clear_header_shortcut;
    },
};

fn get_scheme(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(call.tx.request.scheme())
}

fn get_host(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(call.tx.request.host_or_server(call.settings))
}

fn get_port(call: &mut Call<'_>, (): ()) -> mlua::Result<u16> {
    Ok(call.tx.request.port())
}

/// The header `name`, if the request came from a proxy that is trusted.
fn forwarded<'a>(call: &'a Call<'_>, name: &str) -> Option<&'a [u8]> {
    let peer = call.tx.request.connection()?.peer_addr();
    if !call.settings.trusts(peer.ip()) {
        return None;
    }
    call.tx.request.headers().get(name).map(HeaderValue::as_bytes)
}

fn get_forwarded_scheme(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    let own = call.tx.request.scheme().as_bytes();
    call.string(forwarded(call, "x-forwarded-proto").unwrap_or(own).to_ascii_lowercase())
}

/// Host and port of an authority, which may begin with user information.
fn split_authority(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let find = |text: &[u8], wanted| text.iter().position(|&byte| byte == wanted);
    let host = find(authority, b'@').map_or(authority, |at| &authority[at + 1..]);
    find(host, b':').map_or((host, None), |colon| (&host[..colon], Some(&host[colon + 1..])))
}

fn get_forwarded_host(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    match forwarded(call, "x-forwarded-host") {
        Some(host) => call.string(split_authority(host).0.to_ascii_lowercase()),
        None => get_host(call, ()),
    }
}

fn get_forwarded_port(call: &mut Call<'_>, (): ()) -> mlua::Result<u16> {
    let port =
        |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<u16>().ok().filter(|&port| port > 0);
    let named = forwarded(call, "x-forwarded-port").and_then(port);
    let beside_host = || split_authority(forwarded(call, "x-forwarded-host")?).1.and_then(port);
    Ok(named.or_else(beside_host).unwrap_or_else(|| call.tx.request.port()))
}

fn get_forwarded_path(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    match forwarded(call, "x-forwarded-path") {
        Some(path) => call.string(path),
        None => get_path(call, ()),
    }
}

fn get_forwarded_prefix(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<LuaString>> {
    forwarded(call, "x-forwarded-prefix").map(|prefix| call.string(prefix)).transpose()
}

fn get_http_version(call: &mut Call<'_>, (): ()) -> mlua::Result<f64> {
    Ok(call.tx.request.http_version())
}

fn get_method(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(call.tx.request.method().as_str())
}

fn get_path(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(uri::normalize(raw_path(call.tx).as_bytes()))
}

fn raw_path(tx: &Transaction) -> &str {
    tx.request.original_path_and_query().split('?').next().unwrap_or_default()
}

fn get_raw_path(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(raw_path(call.tx))
}

fn get_path_with_query(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(call.tx.request.original_path_and_query())
}

fn get_raw_query(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(call.tx.request.query().unwrap_or_default())
}

fn get_query_arg(call: &mut Call<'_>, name: Value) -> mlua::Result<Value> {
    let name = checks::string(name, "query argument name must be a string")?;
    let query = call.tx.request.query().unwrap_or_default().as_bytes();
    let found =
        uri::args(query).take(convert::DEFAULT_MAX).find(|(key, _)| **key == *name.as_bytes());
    Ok(match found {
        Some((_, Some(value))) => Value::String(call.string(value)?),
        Some((_, None)) => Value::Boolean(true),
        None => Value::Nil,
    })
}

fn get_query(call: &mut Call<'_>, (max_args,): (Value,)) -> mlua::Result<Collected> {
    let max = checks::count(&max_args, "max_args")?;
    convert::args_table(call.lua, call.tx.request.query().unwrap_or_default().as_bytes(), max)
}

fn get_header(call: &mut Call<'_>, name: Value) -> mlua::Result<Option<LuaString>> {
    let name = checks::string(name, "header name must be a string")?;
    let value = call.tx.request.header(&name.as_bytes());
    value.map(|value| call.string(value.as_bytes())).transpose()
}

fn get_headers(call: &mut Call<'_>, (max_headers,): (Value,)) -> mlua::Result<Collected> {
    let max = checks::count(&max_headers, "max_headers")?;
    convert::request_headers_table(call.lua, &call.tx.request, max)
}

fn get_start_time(call: &mut Call<'_>, (): ()) -> mlua::Result<Value> {
    start_time(call.lua, call.tx)
}

/// When the request began, in milliseconds, or what a function has put in that place.
pub(in crate::api::kong) fn start_time(lua: &Lua, tx: &Transaction) -> mlua::Result<Value> {
    match entity::present(lua, tx, "KONG_PROCESSING_START")? {
        Value::Nil | Value::Boolean(false) => Ok(Value::Number(tx.started_at().as_millis() as f64)),
        given => Ok(given),
    }
}

fn get_uri_captures(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    let (unnamed, named) = (call.lua.create_table()?, call.lua.create_table()?);
    if let Value::Table(matches) = entity::present(call.lua, call.tx, "router_matches")? {
        if let Value::Table(captures) = matches.raw_get("uri_captures")? {
            sort_captures(&captures, &unnamed, &named)?;
        }
    } else if let Some(captures) = call.tx.request.captures() {
        for value in &captures.unnamed {
            unnamed.raw_push(value.as_str())?;
        }
        for (name, value) in &captures.named {
            named.raw_set(name.as_str(), value.as_str())?;
        }
    }
    unnamed.set_metatable(Some(json::array_mt_of_caller(call.lua)?))?;
    call.lua.create_table_from([("unnamed", unnamed), ("named", named)])
}

/// Sorts what a function has put in the place of the router's captures.
fn sort_captures(captures: &Table, unnamed: &Table, named: &Table) -> mlua::Result<()> {
    for pair in captures.pairs::<Value, Value>() {
        let (key, value) = pair?;
        match key {
            Value::String(_) => named.raw_set(key, value)?,
            key if as_number(&key).is_some() => unnamed.raw_set(key, value)?,
            _ => {}
        }
    }
    Ok(())
}
