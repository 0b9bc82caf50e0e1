//! Kong's Plugin Development Kit, `kong.*`: one file for each namespace, at the path that it has in
//! `kong/pdk`.

mod checks;
mod client;
mod ctx;
mod entity;
mod log;
mod request;
mod response;
mod router;
mod service;
mod table;

pub(crate) use self::checks::{as_number, type_name};
pub(crate) use self::ctx::kept;
use crate::binding::{Namespace, Scope};

/// All namespaces of functions.
pub(crate) const NAMESPACES: &[&Namespace] = &[
    &request::NAMESPACE,
    &response::NAMESPACE,
    &service::NAMESPACE,
    &service::request::NAMESPACE,
    &service::response::NAMESPACE,
    &client::NAMESPACE,
    &client::tls::NAMESPACE,
    &router::NAMESPACE,
    &ctx::NAMESPACE,
    &log::NAMESPACE,
    &table::NAMESPACE,
];

/// Makes the global `kong`.
pub(crate) fn register(scope: &Scope<'_>) -> mlua::Result<()> {
    let kong = scope.root(NAMESPACES)?;
    kong.raw_set("ctx", ctx::fields(scope.lua, kong.raw_get("ctx")?)?)?;
    kong.raw_set("log", log::callable(scope.lua, kong.raw_get("log")?)?)?;
    scope.lua.globals().set("kong", kong)
}
