//! `require`: which modules a function gets, and where they come from.

use std::sync::Arc;

use mlua::{Lua, MultiValue, Table, Value};

use super::Denied;
use crate::binding::{Modules, convert};
use crate::lua::watched;
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
        loaded.set(name.as_str(), watched(lua, name, module(lua)?)?)?;
    }
    Ok(())
}

/// What the `require` of functions in the sandbox goes by: the names that are `permitted`, what the
/// crate has `offered`, whoever may ask for it, and what it calls to `deny` any other name.
///
/// A name has `true`, or the function that makes the module: each function gets it for itself,
/// settings and all. What is in the operator's directory is shared, as in Kong.
pub(super) fn gate(lua: &Lua, settings: &Settings, offered: &Modules) -> mlua::Result<Table> {
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
    for (name, module) in &settings.modules {
        let (own_name, module) = (name.clone(), Arc::clone(module));
        let make =
            lua.create_function(move |lua, _: MultiValue| watched(lua, &own_name, module(lua)?))?;
        permitted.set(name.as_str(), make)?;
    }
    // Each function has a table of its own.
    let copy = lua.create_function(|lua, (name, _): (Value, MultiValue)| {
        let loaded: Table = lua.globals().get::<Table>("package")?.get("loaded")?;
        let module: Table = loaded.raw_get(name)?;
        let fields = module.pairs::<Value, Value>().collect::<mlua::Result<Vec<_>>>()?;
        lua.create_table_from(fields)
    })?;
    for function in &settings.host_functions {
        permitted.set(function.module.as_str(), &copy)?;
    }
    let deny = lua.create_function(|lua, name: Value| -> mlua::Result<()> {
        let name = convert::display(lua, &name);
        Err(mlua::Error::external(Denied::Require(name)))
    })?;
    let own = offered.iter().filter(|(_, how)| how.is_function()).cloned();
    lua.create_table_from([
        ("permitted", Value::Table(permitted)),
        ("offered", Value::Table(lua.create_table_from(own)?)),
        ("deny", Value::Function(deny)),
    ])
}
