//! `kong.log.serialize`: a request as Kong's logging plugins send it.

use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, PROXY_AUTHORIZATION};
use mlua::{Lua, LuaString, Table, Value};

use crate::api::kong::request::start_time;
use crate::api::kong::{checks, client, ctx, entity, router};
use crate::binding::{Call, convert};
use crate::lua::check;
use crate::lua::raise;
use crate::phase::PhaseSet;
use crate::transaction::{Source, Transaction};

pub(super) const WITH_CTX: PhaseSet = PhaseSet::REWRITE
    .or(PhaseSet::ACCESS)
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::RESPONSE)
    .or(PhaseSet::BODY_FILTER)
    .or(PhaseSet::LOG);

/// How deeply a value for the log may be nested.
const MAX_DEPTH: usize = 64;

/// Notes a change for [`serialize`] to make.
pub(super) fn set_serialize_value(
    call: &mut Call<'_>,
    (key, value, options): (Value, Value, Value),
) -> mlua::Result<()> {
    let key = checks::string(key, "key must be a string")?;
    // Kong: has no limit, but the memory for a table for each of the dots.
    if split_path(&key.as_bytes()).count() > MAX_DEPTH {
        return Err(raise(format!("key is nested too deeply (limit: {MAX_DEPTH})")));
    }
    let mode = match options {
        Value::Nil | Value::Boolean(false) => Value::Nil,
        Value::Table(options) => options.raw_get("mode")?,
        _ => return Err(raise("options must be a table")),
    };
    let mode = match mode {
        Value::Nil | Value::Boolean(false) => "set".to_owned(),
        Value::String(mode) => mode.to_string_lossy(),
        _ => String::new(),
    };
    if !["set", "add", "replace"].contains(&&*mode) {
        return Err(raise("mode must be 'set', 'add' or 'replace'"));
    }
    let change = call.lua.create_table()?;
    change.raw_set("key", key)?;
    change.raw_set("value", value)?;
    change.raw_set("mode", mode)?;
    ctx::kept(call.lua, &mut call.tx.tables.get_or_default().serialize)?.raw_push(change)
}

pub(super) fn serialize(call: &mut Call<'_>, _options: Value) -> mlua::Result<Table> {
    let root = record(call)?;
    let kept = call.tx.tables.get().and_then(|tables| tables.serialize.as_ref());
    let Some(kept) = kept else { return Ok(root) };
    for change in kept.get::<Table>(call.lua)?.sequence_values::<Table>() {
        apply(call.lua, &root, &change?)?;
    }
    Ok(root)
}

fn record(call: &mut Call<'_>) -> mlua::Result<Table> {
    let entities = entities(call)?;
    let tls = tls(call)?;
    let Call { lua, tx, settings } = call;
    let times = tx.times();
    let total = tx.age();
    let root = lua.create_table()?;
    let request = request(lua, tx)?;
    request.set("tls", tls)?;
    root.set("request", request)?;
    root.set("upstream_uri", upstream_uri(tx))?;
    let upstream_status = tx.response.service_status().map(|status| status.to_string());
    root.set("upstream_status", upstream_status.unwrap_or_default())?;
    root.set("response", response(lua, tx)?)?;
    let latencies = lua.create_table()?;
    let by_service = tx.response.source == Some(Source::Service);
    let called = times.called.filter(|_| by_service);
    latencies.set("kong", millis(called.or(times.answered).unwrap_or(total)))?;
    let waited = called.zip(times.answered);
    let waited = waited.map(|(called, answered)| answered.saturating_sub(called));
    latencies.set("proxy", waited.map_or(-1, millis))?;
    latencies.set("request", millis(total))?;
    let received = times.answered.filter(|_| waited.is_some());
    latencies
        .set("receive", received.map_or(0, |answered| millis(total.saturating_sub(answered))))?;
    root.set("latencies", latencies)?;
    root.set("tries", tries(lua, tx)?)?;
    root.set("client_ip", tx.request.client_ip(settings).map(|ip| ip.to_string()))?;
    root.set("started_at", start_time(lua, tx)?)?;
    root.set("source", if by_service { "upstream" } else { "kong" })?;
    for (name, entity) in entities {
        root.set(name, entity)?;
    }
    Ok(root)
}

/// Where the request was sent, if the forwarder tells of it.
pub(crate) fn tries(lua: &Lua, tx: &Transaction) -> mlua::Result<Option<Table>> {
    let Some(tries) = tx.tries() else { return Ok(None) };
    let list = lua.create_table_with_capacity(tries.iter().len(), 0)?;
    for one in tries.iter() {
        let table = lua.create_table_with_capacity(0, 6)?;
        let began = one.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        table.raw_set("balancer_start", millis(began))?;
        // Kong: the time that it took to choose. Here that is over when a try begins.
        table.raw_set("balancer_latency", 0)?;
        table.raw_set("ip", one.addr.ip().to_string())?;
        table.raw_set("port", one.addr.port())?;
        if let Some(status) = one.failure {
            table.raw_set("state", "failed")?;
            table.raw_set("code", status.as_u16())?;
        }
        list.raw_push(table)?;
    }
    Ok(Some(list))
}

/// Copies of what Kong calls entities: the record can be changed without changing them.
fn entities(call: &mut Call<'_>) -> mlua::Result<[(&'static str, Value); 4]> {
    let authenticated = match client::credential(call)? {
        Value::Table(credential) => {
            let entity = call.lua.create_table()?;
            for field in ["id", "consumer_id"] {
                entity.set(field, entity::copy(call.lua, credential.raw_get(field)?)?)?;
            }
            Value::Table(entity)
        }
        _ => Value::Nil,
    };
    let route = router::route(call)?;
    let service = router::service(call)?;
    let consumer = client::consumer(call)?;
    Ok([
        ("authenticated_entity", authenticated),
        ("route", entity::copy(call.lua, route)?),
        ("service", entity::copy(call.lua, service)?),
        ("consumer", entity::copy(call.lua, consumer)?),
    ])
}

/// What is known of the connection, if it is encrypted.
fn tls(call: &Call<'_>) -> mlua::Result<Option<Table>> {
    let Some(tls) = client::tls::tls(call) else { return Ok(None) };
    let table = call.lua.create_table()?;
    table.set("version", tls.version())?;
    table.set("cipher", tls.cipher())?;
    table.set("client_verify", client::tls::client_verify(call)?)?;
    Ok(Some(table))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn request(lua: &Lua, tx: &mut Transaction) -> mlua::Result<Table> {
    let request = lua.create_table()?;
    request.set("id", tx.request.id().as_str())?;
    let uri = tx.request.original_path_and_query();
    request.set("uri", uri)?;
    let (scheme, port) = (tx.request.scheme(), tx.request.port());
    let host = tx.request.host().unwrap_or_default();
    request.set("url", format!("{scheme}://{host}:{port}{uri}"))?;
    let query = tx.request.query().unwrap_or_default();
    let max = convert::DEFAULT_MAX;
    request.set("querystring", convert::args_table(lua, query.as_bytes(), max)?.0)?;
    request.set("method", tx.request.method().as_str())?;
    let headers = convert::request_headers_table(lua, &tx.request, max)?.0;
    for secret in [AUTHORIZATION, PROXY_AUTHORIZATION] {
        if tx.request.headers().contains_key(&secret) {
            headers.raw_set(secret.as_str(), "REDACTED")?;
        }
    }
    request.set("headers", headers)?;
    request.set("size", tx.request.length())?;
    Ok(request)
}

fn upstream_uri(tx: &Transaction) -> String {
    let path = tx.request.upstream_path();
    match tx.request.query().filter(|_| !path.contains('?')) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn response(lua: &Lua, tx: &Transaction) -> mlua::Result<Table> {
    let response = lua.create_table()?;
    response.set("status", tx.response.status())?;
    let headers = tx.response.headers().iter();
    response.set("headers", convert::headers_table(lua, headers, convert::DEFAULT_MAX)?.0)?;
    response.set("size", tx.response.length())?;
    Ok(response)
}

/// Makes one change: `key` is a path with dots, `\.` a dot in a name.
fn apply(lua: &Lua, root: &Table, change: &Table) -> mlua::Result<()> {
    let key = change.raw_get::<LuaString>("key")?;
    let value: Value = change.raw_get("value")?;
    let mode: String = change.raw_get("mode")?;
    if !is_serializable(lua, &value, MAX_DEPTH, &mut 0)? {
        return Err(raise(
            "value must be nil, a number, string, boolean or a non-self-referencial table \
             containing numbers, string and booleans",
        ));
    }
    let key = key.as_bytes();
    let mut path: Vec<_> = split_path(&key).collect();
    let last = lua.create_string(path.pop().unwrap_or_default())?;
    let mut node = root.clone();
    for name in path {
        let name = lua.create_string(name)?;
        node = match node.raw_get(&name)? {
            Value::Table(next) => next,
            Value::Nil if mode == "replace" => return Ok(()),
            Value::Nil => {
                let next = lua.create_table()?;
                node.raw_set(name, &next)?;
                next
            }
            other => {
                let shown = convert::display(lua, &other);
                let (key, name) = (String::from_utf8_lossy(&key), name.to_string_lossy());
                return Err(raise(format!(
                    "The key '{key}' could not be used as a serialize value. Subkey '{name}' is \
                     not a table. It's {shown}"
                )));
            }
        };
    }
    let exists = !node.raw_get::<Value>(&last)?.is_nil();
    match mode.as_str() {
        "add" if exists => Ok(()),
        "replace" if !exists => Ok(()),
        _ => node.raw_set(last, value),
    }
}

/// The names in a key. A dot at the very beginning separates nothing.
fn split_path(key: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = Some(key);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let is_first = bytes.len() == key.len();
        let mut name = Vec::new();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'\\' if bytes.get(at + 1) == Some(&b'.') => {
                    name.push(b'.');
                    at += 1;
                }
                b'.' if !(is_first && at == 0) => {
                    rest = Some(&bytes[at + 1..]);
                    return Some(name);
                }
                other => name.push(other),
            }
            at += 1;
        }
        rest = None;
        Some(name)
    })
}

/// After how many values the clock is looked at.
const VALUES_PER_TICK: usize = 256;

/// Whether a value holds only what a log can hold. A table that holds itself is too deep.
fn is_serializable(
    lua: &Lua,
    value: &Value,
    depth: usize,
    count: &mut usize,
) -> mlua::Result<bool> {
    *count += 1;
    if count.is_multiple_of(VALUES_PER_TICK) {
        check(lua, 0)?;
    }
    match value {
        Value::Nil
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Number(_)
        | Value::String(_) => Ok(true),
        Value::LightUserData(pointer) => Ok(pointer.0.is_null()),
        Value::Table(_) if depth == 0 => Ok(false),
        Value::Table(table) => {
            for pair in table.pairs::<Value, Value>() {
                let (key, value) = pair?;
                let simple = matches!(
                    key,
                    Value::String(_) | Value::Integer(_) | Value::Number(_) | Value::Boolean(_)
                );
                if !simple || !is_serializable(lua, &value, depth - 1, count)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}
