//! Kong's Plugin Development Kit, `kong.*`: one file for each namespace, at the path that it has in
//! `kong/pdk`.

#![expect(clippy::needless_pass_by_value, reason = "a binding owns what Lua passes")]

mod cache;
mod checks;
mod client;
mod cluster;
mod cluster_events;
mod configuration;
mod ctx;
mod entity;
mod ip;
mod log;
mod nginx;
mod node;
mod plugin;
mod request;
mod response;
mod router;
mod service;
mod table;
mod telemetry;
mod tracing;
mod vault;

pub(crate) use self::client::{consumer, credential};
pub(crate) use self::ctx::{NGX_CTX_META, ngx_ctx, shared_value};
pub(crate) use self::log::tries;
pub(crate) use self::router::{route, service};
pub(crate) use self::service::MAX_HOST;
pub(crate) use self::service::retry::ask as retry_function;
use crate::binding::{Namespace, Scope};
use crate::phase::PhaseSet;

/// All namespaces of functions.
pub(crate) const NAMESPACES: &[&Namespace] = &[
    &request::NAMESPACE,
    &response::NAMESPACE,
    &service::NAMESPACE,
    &service::retry::NAMESPACE,
    &service::request::NAMESPACE,
    &service::response::NAMESPACE,
    &cache::NAMESPACE,
    &client::NAMESPACE,
    &client::tls::NAMESPACE,
    &router::NAMESPACE,
    &ctx::NAMESPACE,
    &log::NAMESPACE,
    &node::NAMESPACE,
    &ip::NAMESPACE,
    &nginx::NAMESPACE,
    &cluster::NAMESPACE,
    &cluster_events::NAMESPACE,
    &plugin::NAMESPACE,
    &vault::NAMESPACE,
    &tracing::NAMESPACE,
    &telemetry::NAMESPACE,
    &configuration::NAMESPACE,
    &table::NAMESPACE,
];

/// When authentication has had its turn.
const AUTH_AND_LATER: PhaseSet = PhaseSet::ACCESS
    .or(PhaseSet::RESPONSE)
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::BODY_FILTER)
    .or(PhaseSet::LOG);

/// The fields of `kong` that are no tables: which Kong this is like.
const VERSION: [(&str, Field); 2] =
    [("version", Field::Text("3.10.0")), ("version_num", Field::Number(30_010_000))];

/// A value that never changes.
#[derive(Clone, Copy)]
enum Field {
    Text(&'static str),
    Number(i32),
}

/// The names in `kong` that no row of a namespace stands for: constants, and what is made in Lua.
#[cfg(test)]
pub(crate) fn lua_names() -> impl Iterator<Item = &'static str> {
    VERSION.iter().map(|(name, _)| *name).chain(log::LUA_NAMES)
}

/// Makes the global `kong`.
pub(crate) fn register(scope: &Scope<'_>) -> mlua::Result<()> {
    let kong = scope.root(NAMESPACES)?;
    service::retry::register(scope)?;
    kong.raw_set("cache", cache::with_loaders(scope, &kong.raw_get("cache")?)?)?;
    kong.raw_set("ctx", ctx::fields(scope.lua, kong.raw_get("ctx")?)?)?;
    kong.raw_set("log", log::facility(scope, &kong.raw_get("log")?)?)?;
    cluster_events::with_callbacks(scope, &kong.raw_get("cluster_events")?)?;
    tracing::tracer(scope, &kong.raw_get("tracing")?)?;
    vault::with_tables(scope.lua, &kong.raw_get("vault")?)?;
    let configuration = configuration::fields(scope.lua, &kong.raw_get("configuration")?)?;
    kong.raw_set("configuration", configuration)?;
    for (name, field) in VERSION {
        match field {
            Field::Text(text) => kong.raw_set(name, text)?,
            Field::Number(number) => kong.raw_set(name, number)?,
        }
    }
    scope.lua.globals().set("kong", kong)
}
