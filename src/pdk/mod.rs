//! Kong's Plugin Development Kit, `kong.*`: one file for each namespace, at the path that it has in
//! `kong/pdk`.

mod checks;
mod ctx;
mod log;
mod request;
mod response;
mod service;
mod table;

pub(crate) use self::checks::{as_number, type_name};
pub(crate) use self::ctx::kept;
#[cfg(test)]
use crate::binding::Namespace;
use crate::binding::Scope;

/// All namespaces of functions.
#[cfg(test)]
pub(crate) const NAMESPACES: &[&Namespace] = &[
    &request::NAMESPACE,
    &response::NAMESPACE,
    &service::request::NAMESPACE,
    &service::response::NAMESPACE,
    &ctx::NAMESPACE,
    &log::NAMESPACE,
    &table::NAMESPACE,
];

/// Makes the global `kong`.
pub(crate) fn register(scope: &Scope<'_>) -> mlua::Result<()> {
    let kong = scope.lua.create_table()?;
    kong.set("request", request::table(scope)?)?;
    kong.set("response", response::table(scope)?)?;
    kong.set("service", service::table(scope)?)?;
    kong.set("ctx", ctx::table(scope)?)?;
    kong.set("log", log::table(scope)?)?;
    kong.set("table", table::table(scope)?)?;
    scope.lua.globals().set("kong", kong)
}
