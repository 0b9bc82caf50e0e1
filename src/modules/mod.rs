//! What `require` offers beside the application's and the operator's modules.

mod cjson;
pub(crate) mod json;

use mlua::{Lua, Table};

use self::cjson::Manner;

/// Makes a module.
type Maker = fn(&Lua) -> mlua::Result<Table>;

/// The modules that come with the crate, and how each is made.
pub(crate) const MODULES: &[(&str, Maker)] = &[
    ("cjson", |lua| cjson::module(lua, Manner::Plain)),
    ("cjson.safe", |lua| cjson::module(lua, Manner::Safe)),
];

/// Makes the crate's modules known to `require`.
pub(crate) fn register(lua: &Lua) -> mlua::Result<()> {
    json::register(lua)?;
    let loaded: Table = lua.globals().get::<Table>("package")?.get("loaded")?;
    MODULES.iter().try_for_each(|(name, make)| loaded.set(*name, make(lua)?))
}
