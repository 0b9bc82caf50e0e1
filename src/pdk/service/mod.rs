//! `kong.service`: what goes to the service behind the layer, and what it answers.

pub(super) mod request;
pub(super) mod response;

use mlua::Table;

use crate::binding::Scope;

pub(super) fn table(scope: &Scope<'_>) -> mlua::Result<Table> {
    let service = scope.lua.create_table()?;
    service.set("request", request::table(scope)?)?;
    service.set("response", response::table(scope)?)?;
    Ok(service)
}
