//! `resty.hmac`.

use mlua::{Lua, LuaString, Table, UserData, Value};

use super::string::to_hex;
use super::{context, join, text};
use crate::api::digest::{Algorithm, Hmac};
use crate::api::modules::Loader;
use crate::lua::{raise_at, type_name};

/// What an object has been given so far; nothing once it is final.
struct State {
    keyed: Hmac,
    running: Option<Hmac>,
}

impl UserData for State {}

/// The field of `ALGOS` for each algorithm. What it holds is opaque.
const ALGOS: [(&str, Algorithm); 5] = [
    ("MD5", Algorithm::Md5),
    ("SHA1", Algorithm::Sha1),
    ("SHA256", Algorithm::Sha256),
    ("SHA384", Algorithm::Sha384),
    ("SHA512", Algorithm::Sha512),
];

pub(in crate::api::modules) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    let algorithms =
        lua.create_table_from(ALGOS.map(|(name, algorithm)| (name, algorithm.name())))?;
    native.raw_set("ALGOS", algorithms)?;
    native.raw_set("new", lua.create_function(new)?)?;
    native.raw_set("update", lua.create_function(update)?)?;
    native.raw_set("final", lua.create_function(finish)?)?;
    let reset = lua.create_function(|lua, state: Value| {
        let state = context::<State>(lua, &state, "reset")?;
        let mut state = state.borrow_mut::<State>()?;
        state.running = Some(state.keyed.clone());
        Ok(true)
    })?;
    native.raw_set("reset", reset)?;
    join(lua, include_str!("hmac.lua"), native)
}

fn new(lua: &Lua, (key, algorithm): (Value, Value)) -> mlua::Result<State> {
    let key = text(lua, key, "key")?;
    let algorithm = match algorithm {
        Value::Nil | Value::Boolean(false) => Algorithm::Md5,
        Value::String(name) => named(lua, &name)?,
        other => {
            let kind = type_name(&other);
            let message = format!(
                "bad argument #4 to 'HMAC_Init_ex' (cannot convert '{kind}' to 'const struct evp_md_st *')"
            );
            return Err(raise_at(lua, &message));
        }
    };
    let keyed = Hmac::new(algorithm, &key.as_bytes());
    Ok(State { running: Some(keyed.clone()), keyed })
}

fn named(lua: &Lua, name: &LuaString) -> mlua::Result<Algorithm> {
    let name = name.as_bytes();
    let known = ALGOS.iter().find(|(_, algorithm)| name == algorithm.name().as_bytes());
    let refuse = || {
        raise_at(
            lua,
            "bad argument #4 to 'HMAC_Init_ex' (cannot convert 'string' to 'const struct evp_md_st *')",
        )
    };
    known.map(|(_, algorithm)| *algorithm).ok_or_else(refuse)
}

fn update(lua: &Lua, (state, s): (Value, Value)) -> mlua::Result<bool> {
    let state = context::<State>(lua, &state, "update")?;
    let s = text(lua, s, "s")?;
    let mut state = state.borrow_mut::<State>()?;
    Ok(state.running.as_mut().map(|running| running.update(&s.as_bytes())).is_some())
}

fn finish(lua: &Lua, (state, s, hex): (Value, Value, Value)) -> mlua::Result<Option<LuaString>> {
    let state = context::<State>(lua, &state, "final")?;
    let s = if s.is_nil() { None } else { Some(text(lua, s, "s")?) };
    let Some(mut running) = state.borrow_mut::<State>()?.running.take() else { return Ok(None) };
    if let Some(s) = s {
        running.update(&s.as_bytes());
    }
    let code = running.finish();
    let code =
        if hex == Value::Boolean(true) { to_hex(lua, &code) } else { lua.create_string(code) };
    code.map(Some)
}
