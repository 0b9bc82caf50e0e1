//! `resty.md5`, `resty.sha1`, `resty.sha224`, `resty.sha256`, `resty.sha384`, `resty.sha512`.

use mlua::{Lua, LuaString, Table, UserData, UserDataRefMut, Value};

use super::{join, text};
use crate::digest::{Algorithm, Digest};
use crate::pdk::as_number;

/// What an object has digested so far; nothing once it is final.
struct State(Option<Digest>);

impl UserData for State {}

type StateArgument = UserDataRefMut<State>;

pub(in crate::modules) fn module(lua: &Lua, algorithm: Algorithm) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    let new = lua.create_function(move |_, ()| Ok(State(Some(algorithm.begin()))))?;
    native.raw_set("new", new)?;
    let update =
        lua.create_function(move |lua, (mut state, s, len): (StateArgument, Value, Value)| {
            let s = text(lua, s, "s")?;
            let mut bytes = &*s.as_bytes();
            // `resty.md5` alone takes a length.
            if let (Algorithm::Md5, Some(len)) = (algorithm, as_number(&len)) {
                bytes = &bytes[..bytes.len().min(len as usize)];
            }
            let running = state.0.as_mut();
            Ok(running.map(|digest| digest.update(bytes)).is_some())
        })?;
    native.raw_set("update", update)?;
    native.raw_set("final", lua.create_function(finish)?)?;
    let reset = lua.create_function(move |_, mut state: StateArgument| {
        state.0 = Some(algorithm.begin());
        Ok(true)
    })?;
    native.raw_set("reset", reset)?;
    join(lua, include_str!("digest.lua"), native)
}

// Kong: what is asked of a final object is undefined. Here it is nothing, until it is reset.
fn finish(lua: &Lua, mut state: StateArgument) -> mlua::Result<Option<LuaString>> {
    state.0.take().map(|digest| lua.create_string(digest.finish())).transpose()
}
