//! `require`: which modules a function gets, and where they come from.

use mlua::{Function, Lua, Table, Value};

use super::Denied;
use crate::binding::{Modules, convert};
use crate::settings::Settings;

/// Makes the modules of the crate, of the application and of the operator's directory known to
/// Lua's `require`.
pub(super) fn register(lua: &Lua, settings: &Settings) -> mlua::Result<()> {
    let package: Table = lua.globals().get("package")?;
    let path = settings.module_path.as_deref().map_or_else(String::new, |directory| {
        let directory = directory.display();
        format!("{directory}/?.lua;{directory}/?/init.lua")
    });
    package.set("path", path)?;
    let loaded: Table = package.get("loaded")?;
    for (name, module) in &settings.modules {
        loaded.set(name.as_str(), module(lua)?)?;
    }
    Ok(())
}

/// The `require` of functions in the sandbox: what it lets through, and what it calls for any other
/// name.
///
/// A name that it lets through has `true`, or the function that makes the module: one of the
/// those `offered`, which each function gets for itself, settings and all.
pub(super) fn gate(
    lua: &Lua,
    settings: &Settings,
    offered: &Modules,
) -> mlua::Result<(Table, Function)> {
    let sandbox = &settings.sandbox;
    let permitted = lua.create_table()?;
    for name in &sandbox.requires {
        permitted.set(name.as_str(), true)?;
    }
    for (name, how) in offered {
        // Kong: allows nothing that is not listed.
        if !sandbox.only_listed || sandbox.requires.contains(*name) {
            permitted.set(*name, how)?;
        }
    }
    for (name, _) in &settings.modules {
        permitted.set(name.as_str(), true)?;
    }
    let deny = lua.create_function(|lua, name: Value| -> mlua::Result<()> {
        let name = convert::display(lua, &name);
        Err(mlua::Error::external(Denied::Require(name)))
    })?;
    Ok((permitted, deny))
}
