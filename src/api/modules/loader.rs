//! What makes modules.

use std::ops::Deref;

use mlua::{FromLuaMulti, Function, IntoLuaMulti, LightUserData, Lua, Table};

use crate::lua::{PRELUDE_NAME, look_at_clock};
use crate::sandbox::{MARKERS, markers};

/// A VM in which a module is made, for one function or for what the operator has in a directory.
///
/// Whatever is Lua of a module runs in `globals`: those of the VM, or such as have the function's
/// `require` in them, so that what one module requires of others is the function's own, too.
///
/// What Rust makes for a module looks at the clock when it returns, as bindings do.
pub(in crate::api) struct Loader<'a> {
    lua: &'a Lua,
    globals: Table,
}

impl Deref for Loader<'_> {
    type Target = Lua;

    fn deref(&self) -> &Lua {
        self.lua
    }
}

/// Where a VM keeps the chunks of modules.
const CHUNKS: &str = "tower-lua.modules.chunks";

impl<'a> Loader<'a> {
    pub(super) fn new(lua: &'a Lua, globals: Option<Table>) -> Self {
        Self { lua, globals: globals.unwrap_or_else(|| lua.globals()) }
    }

    /// A chunk of the crate's own. Run again for another function, it makes other functions and
    /// tables of the same code.
    pub(super) fn chunk(&self, source: &'static str) -> mlua::Result<Function> {
        let chunks: Table = self.lua.named_registry_value(CHUNKS)?;
        let key = LightUserData(source.as_ptr().cast_mut().cast());
        let chunk = match chunks.raw_get(key)? {
            Some(chunk) => chunk,
            None => {
                let chunk = self.lua.load(source).set_name(format!("={PRELUDE_NAME}"));
                let chunk = chunk.into_function()?;
                chunks.raw_set(key, &chunk)?;
                chunk
            }
        };
        chunk.set_environment(self.globals.clone())?;
        Ok(chunk)
    }

    /// The function's own metatables of JSON arrays.
    pub(super) fn markers(&self) -> mlua::Result<Table> {
        // What functions see that are not sandboxed may have a metatable of theirs.
        let own = self.globals.metatable().map(|meta| meta.raw_get::<Option<Table>>(MARKERS));
        own.transpose()?.flatten().map_or_else(|| markers(self.lua), Ok)
    }

    /// A function of Rust's.
    pub(super) fn create_function<A, R>(
        &self,
        function: impl Fn(&Lua, A) -> mlua::Result<R> + Send + 'static,
    ) -> mlua::Result<Function>
    where
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        self.lua.create_function(move |lua, arguments: A| {
            let result = function(lua, arguments)?;
            look_at_clock(lua)?;
            Ok(result)
        })
    }
}

/// Prepares `lua` for modules.
pub(super) fn register(lua: &Lua) -> mlua::Result<()> {
    lua.set_named_registry_value(CHUNKS, lua.create_table()?)
}
