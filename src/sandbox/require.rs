//! `require`: which modules a function gets, and where they come from.

use mlua::{Function, Lua, Table};

use super::Denied;
use crate::modules;
use crate::runtime::Settings;

/// How `require` gives a module to a function: `SHARED` is the module itself, `OWN` a copy that the
/// function may change without changing it for others.
const SHARED: i32 = 1;
const OWN: i32 = 2;

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

/// The `require` of functions in the sandbox: the names that it lets through and how, and what it
/// calls for any other.
pub(super) fn gate(lua: &Lua, settings: &Settings) -> mlua::Result<(Table, Function)> {
    let permitted = lua.create_table()?;
    for name in &settings.sandbox.requires {
        let how = if modules::NAMES.contains(&&**name) { OWN } else { SHARED };
        permitted.set(name.as_str(), how)?;
    }
    for (name, _) in &settings.modules {
        permitted.set(name.as_str(), SHARED)?;
    }
    let deny = lua.create_function(|_, name: mlua::Value| -> mlua::Result<()> {
        Err(mlua::Error::external(Denied::Require(name.to_string()?)))
    })?;
    Ok((permitted, deny))
}
