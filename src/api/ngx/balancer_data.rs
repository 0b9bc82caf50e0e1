//! `ngx.ctx.balancer_data`: where Kong's balancer will send the request, as a table.
//!
//! Functions older than `kong.service` read and write it.

use std::net::IpAddr;
use std::time::Duration;

use mlua::{Function, IntoLua, Lua, Table, Value};

use crate::api::kong::{MAX_HOST, tries};
use crate::binding::{Call, Namespace, bindings};
use crate::extension::{Destination, Service, Timeouts};
use crate::lua::{as_number, raise_at, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "ctx.balancer_data.FIELD", PhaseSet::ANY, calls get;
        "ctx.balancer_data.FIELD =", PhaseSet::ANY, calls set;
        "ctx.balancer_data =", PhaseSet::ANY, calls take_over;
    },
};

/// Makes what makes the table, of which each request has its own: without an argument a new one, and else
/// of the one that a function has made.
pub(super) fn maker(lua: &Lua, ngx: &Table) -> mlua::Result<Function> {
    let take = |name: &str| {
        let function: Function = ngx.raw_get(name)?;
        ngx.raw_remove(name)?;
        Ok::<_, mlua::Error>(function)
    };
    let (get, set) = (take("ctx.balancer_data.FIELD")?, take("ctx.balancer_data.FIELD =")?);
    let take_over = take("ctx.balancer_data =")?;
    let maker: Function = lua
        .load(
            r#"
            local get, set, take_over = ...
            local setmetatable = setmetatable
            local meta = {
              __metatable = false,
              __index = function(_, name) return get(name) end,
              __newindex = function(_, name, value) set(name, value) end,
            }
            return function(given)
              if given then take_over(given) end
              return setmetatable(given or {}, meta)
            end
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    maker.call((get, set, take_over))
}

/// Asks for what stands in a table that a function has made, so that it is no longer what the table holds
/// but what holds for the request. Fields that nobody here knows stay.
fn take_over(call: &mut Call<'_>, table: Table) -> mlua::Result<()> {
    for name in WRITABLE {
        let value: Value = table.raw_get(name)?;
        if !value.is_nil() {
            table.raw_set(name, Value::Nil)?;
            set(call, (Value::String(call.lua.create_string(name)?), value))?;
        }
    }
    Ok(())
}

/// The fields that can be set, a host before its port.
const WRITABLE: [&str; 8] = [
    "scheme",
    "host",
    "port",
    "retries",
    "connect_timeout",
    "write_timeout",
    "send_timeout",
    "read_timeout",
];

/// A field that the application has named of the request's service.
fn of_service(call: &Call<'_>, name: &str) -> Option<serde_json::Value> {
    call.tx.request.service().map(Service::fields)?.get(name).cloned()
}

fn host(call: &Call<'_>) -> Option<String> {
    let upstream = &call.tx.request.upstream;
    match upstream.target().map(|(host, _)| host).or_else(|| upstream.name()) {
        Some(host) => Some(host.to_owned()),
        None => of_service(call, "host")?.as_str().map(str::to_owned),
    }
}

fn port(call: &Call<'_>) -> Option<u16> {
    match call.tx.request.upstream.target() {
        Some((_, port)) => Some(port),
        None => u16::try_from(of_service(call, "port")?.as_u64()?).ok(),
    }
}

/// Where a host is asked of which no port is known.
fn default_port(call: &Call<'_>) -> u16 {
    if call.tx.request.upstream.scheme() == Some("https") { 443 } else { 80 }
}

/// The three timeouts in milliseconds, in the order of [`Timeouts`].
fn timeouts(call: &Call<'_>) -> [Option<u64>; 3] {
    if let Some(Timeouts { connect, send, read }) = call.tx.request.upstream.timeouts() {
        return [connect, send, read].map(|time| u64::try_from(time.as_millis()).ok());
    }
    ["connect_timeout", "write_timeout", "read_timeout"]
        .map(|name| of_service(call, name).and_then(|time| time.as_u64()))
}

fn get(call: &mut Call<'_>, name: Value) -> mlua::Result<Value> {
    let Value::String(name) = name else { return Ok(Value::Nil) };
    let lua = call.lua;
    match &*name.as_bytes() {
        b"host" => host(call).into_lua(lua),
        b"port" => port(call).into_lua(lua),
        b"scheme" => match call.tx.request.upstream.scheme() {
            Some(scheme) => scheme.into_lua(lua),
            None => of_service(call, "protocol")
                .and_then(|protocol| protocol.as_str().map(str::to_owned))
                .into_lua(lua),
        },
        b"type" => host(call).map(|host| kind(&host)).into_lua(lua),
        b"ip" => host(call).filter(|host| host.parse::<IpAddr>().is_ok()).into_lua(lua),
        b"retries" => match call.tx.request.upstream.retries() {
            Some(retries) => retries.into_lua(lua),
            None => of_service(call, "retries").and_then(|retries| retries.as_u64()).into_lua(lua),
        },
        b"connect_timeout" => timeouts(call)[0].into_lua(lua),
        // Kong: `kong.service.set_timeouts` writes `write_timeout`, and its balancer reads `send_timeout`.
        // Here they are one.
        b"send_timeout" | b"write_timeout" => timeouts(call)[1].into_lua(lua),
        b"read_timeout" => timeouts(call)[2].into_lua(lua),
        // Kong: counts its own tries. Those of a forwarder behind a layer are out of sight until it tells
        // of them.
        b"try_count" => {
            let told = call.tx.tries().and_then(|tries| i64::try_from(tries.iter().len()).ok());
            Ok(Value::Integer(told.unwrap_or_else(|| i64::from(call.tx.called_at.is_some()))))
        }
        b"tries" => match tries(lua, call.tx)? {
            Some(tries) => Ok(Value::Table(tries)),
            None => lua.create_table().map(Value::Table),
        },
        _ => Ok(Value::Nil),
    }
}

fn kind(host: &str) -> &'static str {
    match host.parse() {
        Ok(IpAddr::V4(_)) => "ipv4",
        Ok(IpAddr::V6(_)) => "ipv6",
        Err(_) => "name",
    }
}

fn set(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    let name = name.to_string()?;
    let number = |most: f64| {
        let number = as_number(&value).filter(|number| number.fract() == 0.0);
        number.filter(|number| (0.0..=most).contains(number))
    };
    let text = value.as_string().filter(|text| text.as_bytes().len() <= MAX_HOST);
    let text = text.map(mlua::LuaString::to_string_lossy);
    let done = match (&*name, text) {
        ("host", Some(host)) => {
            let port = port(call).unwrap_or_else(|| default_port(call));
            let destination = Destination::Target(host, port);
            call.tx.request.upstream.balancer_mut().destination = Some(destination);
            Some(())
        }
        ("port", None) => number(65_535.0).zip(host(call)).map(|(port, host)| {
            // A group of targets has those of its own.
            if call.tx.request.upstream.name().is_none() {
                let destination = Destination::Target(host, port as u16);
                call.tx.request.upstream.balancer_mut().destination = Some(destination);
            }
        }),
        ("scheme", Some(scheme)) => {
            let known = ["http", "https"].into_iter().find(|known| *known == scheme);
            known.map(|scheme| call.tx.request.upstream.scheme = Some(scheme))
        }
        ("retries", None) => number(32_767.0).map(|retries| {
            call.tx.request.upstream.balancer_mut().retries = Some(retries as u32);
        }),
        ("connect_timeout" | "send_timeout" | "write_timeout" | "read_timeout", None) => {
            number(2_147_483_646.0).map(|time| {
                let [connect, send, read] = timeouts(call)
                    .map(|time| Duration::from_millis(time.unwrap_or(DEFAULT_TIMEOUT)));
                let mut timeouts = Timeouts { connect, send, read };
                let time = Duration::from_millis(time as u64);
                match &*name {
                    "connect_timeout" => timeouts.connect = time,
                    "read_timeout" => timeouts.read = time,
                    _ => timeouts.send = time,
                }
                call.tx.request.upstream.balancer_mut().timeouts = Some(timeouts);
            })
        }
        _ => None,
    };
    done.ok_or_else(|| {
        let message = format!("balancer_data.{name} cannot be set to a {}", type_name(&value));
        raise_at(call.lua, &message)
    })
}

/// A service's timeout where nobody has named one, in milliseconds: Kong's default.
const DEFAULT_TIMEOUT: u64 = 60_000;
