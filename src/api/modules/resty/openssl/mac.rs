//! `resty.openssl.hmac`, `resty.openssl.mac`.

use mlua::{AnyUserData, Lua, LuaString, Table, UserData, Value};

use super::{context, hash, join, text};
use crate::api::digest::Hmac;
use crate::api::modules::Loader;

/// What an object has been given so far.
struct State {
    keyed: Hmac,
    running: Hmac,
}

impl UserData for State {}

pub(super) fn hmac(lua: &Loader<'_>) -> mlua::Result<Table> {
    join(lua, include_str!("hmac.lua"), native(lua)?)
}

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    join(lua, include_str!("mac.lua"), native(lua)?)
}

fn native(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("new", lua.create_function(new)?)?;
    native.raw_set("update", lua.create_function(update)?)?;
    native.raw_set("final", lua.create_function(finish)?)?;
    let is = |_: &Lua, value: Value| Ok(value.as_userdata().is_some_and(AnyUserData::is::<State>));
    native.raw_set("is", lua.create_function(is)?)?;
    let reset = lua.create_function(|lua, state: Value| {
        let state = context::<State>(lua, &state, "reset")?;
        let mut state = state.borrow_mut::<State>()?;
        state.running = state.keyed.clone();
        Ok(true)
    })?;
    native.raw_set("reset", reset)?;
    Ok(native)
}

fn new(lua: &Lua, (key, name): (Value, Value)) -> mlua::Result<Option<State>> {
    let key = text(lua, key, "key")?;
    let algorithm = name.as_string().and_then(|name| hash::named(&name.as_bytes()));
    let keyed = algorithm.map(|algorithm| Hmac::new(algorithm, &key.as_bytes()));
    Ok(keyed.map(|keyed| State { running: keyed.clone(), keyed }))
}

fn update(lua: &Lua, (state, s): (Value, Value)) -> mlua::Result<()> {
    let state = context::<State>(lua, &state, "update")?;
    let s = text(lua, s, "s")?;
    state.borrow_mut::<State>()?.running.update(&s.as_bytes());
    Ok(())
}

fn finish(lua: &Lua, (state,): (Value,)) -> mlua::Result<LuaString> {
    let state = context::<State>(lua, &state, "final")?;
    let running = state.borrow::<State>()?.running.clone();
    lua.create_string(running.finish())
}
