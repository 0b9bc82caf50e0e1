//! `ngx.config`: what nginx this looks like.

use mlua::Table;

use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.config",
    bindings: bindings! {
        "prefix", PhaseSet::ANY, calls prefix;
        "nginx_configure", PhaseSet::ANY, calls nginx_configure;
    },
};

/// The fields that never change: the versions are those of the OpenResty that Kong 3.10 runs on.
pub(super) fn add_constants(config: &Table) -> mlua::Result<()> {
    config.raw_set("subsystem", "http")?;
    config.raw_set("debug", false)?;
    config.raw_set("nginx_version", 1_027_001)?;
    config.raw_set("ngx_lua_version", 10_027)
}

fn prefix(_: &mut Call<'_>, (): ()) -> mlua::Result<String> {
    let directory = std::env::current_dir().unwrap_or_default();
    Ok(format!("{}/", directory.display()))
}

fn nginx_configure(_: &mut Call<'_>, (): ()) -> mlua::Result<&'static str> {
    Ok("")
}
