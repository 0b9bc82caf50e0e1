//! `resty.md5`, `resty.sha1`, `resty.sha224`, `resty.sha256`, `resty.sha384`, `resty.sha512`.

use mlua::{Lua, LuaString, Table, UserData, Value};

use super::{context, join, text};
use crate::api::digest::{Algorithm, Digest};
use crate::api::modules::Loader;
use crate::lua::as_number;

/// What an object has digested so far; nothing once it is final.
struct State(Option<Digest>);

impl UserData for State {}

pub(in crate::api::modules) fn module(
    lua: &Loader<'_>,
    algorithm: Algorithm,
) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    let new = lua.create_function(move |_, ()| Ok(State(Some(algorithm.begin()))))?;
    native.raw_set("new", new)?;
    let update = lua.create_function(move |lua, (state, s, len): (Value, Value, Value)| {
        let state = context::<State>(lua, &state, "update")?;
        let s = text(lua, s, "s")?;
        let mut bytes = &*s.as_bytes();
        // `resty.md5` alone takes a length.
        if let (Algorithm::Md5, Some(len)) = (algorithm, as_number(&len)) {
            bytes = &bytes[..bytes.len().min(len as usize)];
        }
        let mut state = state.borrow_mut::<State>()?;
        Ok(state.0.as_mut().map(|digest| digest.update(bytes)).is_some())
    })?;
    native.raw_set("update", update)?;
    native.raw_set("final", lua.create_function(finish)?)?;
    let reset = lua.create_function(move |lua, state: Value| {
        let state = context::<State>(lua, &state, "reset")?;
        state.borrow_mut::<State>()?.0 = Some(algorithm.begin());
        Ok(true)
    })?;
    native.raw_set("reset", reset)?;
    join(lua, include_str!("digest.lua"), native)
}

// Kong: what is asked of a final object is undefined. Here it is nothing, until it is reset.
fn finish(lua: &Lua, (state,): (Value,)) -> mlua::Result<Option<LuaString>> {
    let state = context::<State>(lua, &state, "final")?;
    let digest = state.borrow_mut::<State>()?.0.take();
    digest.map(|digest| lua.create_string(digest.finish())).transpose()
}
