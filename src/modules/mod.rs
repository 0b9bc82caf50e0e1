//! What `require` offers beside the application's and the operator's modules.

mod cjson;
pub(crate) mod json;

use mlua::{Lua, Table};

/// The modules that come with the crate.
pub(crate) const NAMES: &[&str] = &["cjson", "cjson.safe"];

/// Makes the crate's modules known to `require`.
pub(crate) fn register(lua: &Lua) -> mlua::Result<()> {
    json::register(lua)?;
    let loaded: Table = lua.globals().get::<Table>("package")?.get("loaded")?;
    loaded.set("cjson", cjson::plain(lua)?)?;
    loaded.set("cjson.safe", cjson::safe(lua)?)
}
