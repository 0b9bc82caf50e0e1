//! Modules that are Lua, ours: those of OpenResty that need `ffi` there, and what Kong's own
//! functions require of Kong.

#[cfg(feature = "crypto")]
mod gzip;
pub(super) mod lock;

use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Instant;

use ipnet::IpNet;
use mlua::{Function, LuaString, Table, Value};

use super::{Loader, Maker, bound};
use crate::api::serializer::SERIALIZED;
use crate::lua::traceback;
use crate::vm::NEWPROXY_KEY;

/// A module of a chunk alone.
macro_rules! lua {
    ($file:literal) => {
        |lua| lua.chunk(include_str!($file))?.call(())
    };
}

/// The modules, and how each is made.
pub(super) const MODULES: &[(&str, Maker)] = &[
    ("kong.constants", lua!("constants.lua")),
    ("kong.meta", |lua| {
        lua.chunk(r#"return { _NAME = "kong", _VERSION = kong.version }"#)?.call(())
    }),
    ("kong.resty.mlcache", mlcache),
    ("kong.tools.http", lua!("tools_http.lua")),
    ("kong.tools.ip", tools_ip),
    ("kong.tools.string", lua!("tools_string.lua")),
    ("kong.tools.table", lua!("tools_table.lua")),
    ("kong.tools.time", lua!("tools_time.lua")),
    ("ngx.pipe", lua!("ngx_pipe.lua")),
    ("ngx.process", lua!("ngx_process.lua")),
    ("resty.cookie", lua!("cookie.lua")),
    ("resty.core", lua!("core.lua")),
    ("resty.core.base", lua!("core.lua")),
    ("resty.core.base64", lua!("core.lua")),
    ("resty.core.hash", lua!("core.lua")),
    ("resty.core.regex", lua!("core.lua")),
    ("resty.core.request", lua!("core.lua")),
    ("resty.core.response", lua!("core.lua")),
    ("resty.core.shdict", lua!("core.lua")),
    ("resty.core.time", core_time),
    ("resty.core.uri", lua!("core.lua")),
    ("resty.core.var", lua!("core.lua")),
    ("resty.ipmatcher", ipmatcher),
    ("resty.limit.conn", lua!("limit_conn.lua")),
    ("resty.limit.count", lua!("limit_count.lua")),
    ("resty.limit.req", lua!("limit_req.lua")),
    ("resty.limit.traffic", lua!("limit_traffic.lua")),
    ("resty.lock", |lua| lua.chunk(include_str!("lock.lua"))?.call(bound(lua, &lock::NAMESPACE)?)),
    ("resty.lrucache", lua!("lrucache.lua")),
    ("resty.lrucache.pureffi", lua!("lrucache.lua")),
    ("resty.mlcache", mlcache),
    ("resty.mlcache.ipc", lua!("mlcache_ipc.lua")),
    ("string.buffer", string_buffer),
    ("tablepool", lua!("tablepool.lua")),
    #[cfg(feature = "digest")]
    ("kong.tools.rand", tools_rand),
    #[cfg(feature = "digest")]
    ("kong.tools.utils", lua!("tools_utils.lua")),
    #[cfg(feature = "digest")]
    ("kong.tools.uuid", lua!("tools_uuid.lua")),
    #[cfg(feature = "digest")]
    ("resty.jit-uuid", jit_uuid),
    #[cfg(feature = "crypto")]
    ("kong.plugins.jwt.jwt_parser", |lua| of_tokens(lua, include_str!("jwt_parser.lua"))),
    #[cfg(feature = "crypto")]
    ("kong.tools.gzip", gzip::module),
    #[cfg(feature = "crypto")]
    ("resty.jwt", |lua| of_tokens(lua, include_str!("jwt.lua"))),
    #[cfg(feature = "crypto")]
    ("resty.jwt-validators", lua!("jwt_validators.lua")),
];

fn mlcache(lua: &Loader<'_>) -> mlua::Result<Table> {
    let serialized: Function = lua.chunk(SERIALIZED)?.call(())?;
    let stack = lua.create_function(|lua, ()| traceback(lua, 1))?;
    lua.chunk(include_str!("mlcache.lua"))?.call((serialized, stack))
}

/// `resty.core` with a clock that nobody sets.
fn core_time(lua: &Loader<'_>) -> mlua::Result<Table> {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let module: Table = lua.chunk(include_str!("core.lua"))?.call(())?;
    let millis = || BEGAN.elapsed().as_millis() as f64;
    module.set("monotonic_msec", lua.create_function(move |_, ()| Ok(millis()))?)?;
    module.set("monotonic_time", lua.create_function(move |_, ()| Ok(millis() / 1000.0))?)?;
    Ok(module)
}

fn string_buffer(lua: &Loader<'_>) -> mlua::Result<Table> {
    let newproxy: Value = lua.named_registry_value(NEWPROXY_KEY)?;
    lua.chunk(include_str!("string_buffer.lua"))?.call(newproxy)
}

fn tools_ip(lua: &Loader<'_>) -> mlua::Result<Table> {
    let kind = |is_v4: bool| if is_v4 { 4 } else { 6 };
    let is_ip = lua.create_function(move |_, text: LuaString| {
        let address = text.to_string_lossy().parse::<IpAddr>();
        Ok(address.ok().map(|address| kind(address.is_ipv4())))
    })?;
    let is_cidr = lua.create_function(move |_, text: LuaString| {
        let block = text.to_string_lossy().parse::<IpNet>();
        Ok(block.ok().map(|block| kind(block.addr().is_ipv4())))
    })?;
    // Kong: writes each part of an address with four digits.
    let normalized = lua.create_function(|_, text: LuaString| {
        let address = text.to_string_lossy().parse::<std::net::Ipv6Addr>();
        let parts =
            address.ok().map(|address| address.segments().map(|part| format!("{part:04x}")));
        Ok(parts.map(|parts| parts.join(":")))
    })?;
    lua.chunk(include_str!("tools_ip.lua"))?.call((is_ip, is_cidr, normalized))
}

fn ipmatcher(lua: &Loader<'_>) -> mlua::Result<Table> {
    let bytes_of = lua.create_function(|lua, text: LuaString| {
        let bytes = |address| match address {
            IpAddr::V4(address) => lua.create_string(address.octets()),
            IpAddr::V6(address) => lua.create_string(address.octets()),
        };
        text.to_string_lossy().parse().ok().map(bytes).transpose()
    })?;
    let masked = lua.create_function(|lua, (bytes, length): (LuaString, usize)| {
        let mut bytes = bytes.as_bytes().to_vec();
        for (place, byte) in bytes.iter_mut().enumerate() {
            let kept = length.saturating_sub(8 * place).min(8);
            *byte &= !(0xff_u8.checked_shr(kept as u32).unwrap_or(0));
        }
        lua.create_string(bytes)
    })?;
    lua.chunk(include_str!("ipmatcher.lua"))?.call((bytes_of, masked))
}

/// Bytes of the system's generator.
#[cfg(feature = "digest")]
fn random_bytes(lua: &Loader<'_>) -> mlua::Result<Function> {
    super::resty::random::module(lua)?.get("bytes")
}

#[cfg(feature = "digest")]
fn tools_rand(lua: &Loader<'_>) -> mlua::Result<Table> {
    lua.chunk(include_str!("tools_rand.lua"))?.call(random_bytes(lua)?)
}

#[cfg(feature = "digest")]
fn jit_uuid(lua: &Loader<'_>) -> mlua::Result<Table> {
    use crate::api::digest::Algorithm;
    let digest = |algorithm: Algorithm| {
        lua.create_function(move |lua, text: LuaString| {
            lua.create_string(algorithm.of(&text.as_bytes()))
        })
    };
    let (md5, sha1) = (digest(Algorithm::Md5)?, digest(Algorithm::Sha1)?);
    lua.chunk(include_str!("jit_uuid.lua"))?.call((random_bytes(lua)?, md5, sha1))
}

/// A module that signs and verifies tokens. It compares secrets in a time that tells nothing of where
/// they differ.
#[cfg(feature = "crypto")]
fn of_tokens(lua: &Loader<'_>, source: &'static str) -> mlua::Result<Table> {
    use subtle::ConstantTimeEq;
    let equal = lua.create_function(|_, (a, b): (LuaString, LuaString)| {
        Ok(bool::from(a.as_bytes().ct_eq(&b.as_bytes())))
    })?;
    let algorithms = lua.chunk(include_str!("jws.lua"))?;
    lua.chunk(source)?.call((equal, algorithms))
}
