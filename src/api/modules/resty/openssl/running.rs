//! What digests and codes have in common: an object is given bytes, and has a value for all so far.

use mlua::{AnyUserData, Function, Lua, LuaString, Table, UserData, Value};

use super::{context, text};
use crate::api::modules::Loader;

/// What an object holds.
pub(super) trait Running: UserData + Send + 'static {
    /// Takes in more.
    fn update(&mut self, bytes: &[u8]);

    /// The value for all so far.
    fn value(&self) -> Vec<u8>;

    /// Begins anew.
    fn reset(&mut self);
}

/// Makes a module whose objects hold a `T`, made by `new`; `lua_half` makes it of the methods that
/// all of them have.
pub(super) fn module<T: Running>(
    lua: &Loader<'_>,
    new: Function,
    lua_half: &'static str,
) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("new", new)?;
    native.raw_set("update", lua.create_function(update::<T>)?)?;
    native.raw_set("final", lua.create_function(finish::<T>)?)?;
    native.raw_set("reset", lua.create_function(reset::<T>)?)?;
    let is = |_: &Lua, value: Value| Ok(value.as_userdata().is_some_and(AnyUserData::is::<T>));
    native.raw_set("is", lua.create_function(is)?)?;
    let (module, object): (Table, Function) =
        lua.chunk(include_str!("running.lua"))?.call(native)?;
    lua.chunk(lua_half)?.call((module, object))
}

fn update<T: Running>(lua: &Lua, (state, s): (Value, Value)) -> mlua::Result<()> {
    let state = context::<T>(lua, &state, "update")?;
    let s = text(lua, s, "s")?;
    state.borrow_mut::<T>()?.update(&s.as_bytes());
    Ok(())
}

fn finish<T: Running>(lua: &Lua, (state,): (Value,)) -> mlua::Result<LuaString> {
    let state = context::<T>(lua, &state, "final")?;
    let value = state.borrow::<T>()?.value();
    lua.create_string(value)
}

fn reset<T: Running>(lua: &Lua, (state,): (Value,)) -> mlua::Result<bool> {
    context::<T>(lua, &state, "reset")?.borrow_mut::<T>()?.reset();
    Ok(true)
}
