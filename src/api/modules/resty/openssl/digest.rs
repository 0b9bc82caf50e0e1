//! `resty.openssl.digest`.

use mlua::{AnyUserData, Lua, LuaString, Table, UserData, Value};

use super::{context, hash, join, text};
use crate::api::digest::{Algorithm, Digest};
use crate::api::modules::Loader;

/// What an object has digested so far.
pub(super) struct State {
    pub(super) algorithm: Algorithm,
    pub(super) digest: Digest,
}

impl UserData for State {}

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("new", lua.create_function(new)?)?;
    native.raw_set("update", lua.create_function(update)?)?;
    native.raw_set("final", lua.create_function(finish)?)?;
    let is = |_: &Lua, value: Value| Ok(value.as_userdata().is_some_and(AnyUserData::is::<State>));
    native.raw_set("is", lua.create_function(is)?)?;
    let reset = lua.create_function(|lua, state: Value| {
        let state = context::<State>(lua, &state, "reset")?;
        let mut state = state.borrow_mut::<State>()?;
        state.digest = state.algorithm.begin();
        Ok(true)
    })?;
    native.raw_set("reset", reset)?;
    join(lua, include_str!("digest.lua"), native)
}

fn new(_: &Lua, (name,): (Value,)) -> mlua::Result<Option<State>> {
    let algorithm = name.as_string().and_then(|name| hash::named(&name.as_bytes()));
    Ok(algorithm.map(|algorithm| State { algorithm, digest: algorithm.begin() }))
}

fn update(lua: &Lua, (state, s): (Value, Value)) -> mlua::Result<()> {
    let state = context::<State>(lua, &state, "update")?;
    let s = text(lua, s, "s")?;
    state.borrow_mut::<State>()?.digest.update(&s.as_bytes());
    Ok(())
}

fn finish(lua: &Lua, (state,): (Value,)) -> mlua::Result<LuaString> {
    let state = context::<State>(lua, &state, "final")?;
    let digest = state.borrow::<State>()?.digest.clone();
    lua.create_string(digest.finish())
}
