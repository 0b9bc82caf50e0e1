//! `resty.openssl.hmac`, `resty.openssl.mac`.

use mlua::{Lua, Table, UserData, Value};

use super::running::{self, Running};
use super::{hash, text};
use crate::api::digest::Hmac;
use crate::api::modules::Loader;

/// What an object has been given so far.
struct State {
    keyed: Hmac,
    running: Hmac,
}

impl UserData for State {}

impl Running for State {
    fn update(&mut self, bytes: &[u8]) {
        self.running.update(bytes);
    }

    fn value(&self) -> Vec<u8> {
        self.running.clone().finish()
    }

    fn reset(&mut self) {
        self.running = self.keyed.clone();
    }
}

pub(super) fn hmac(lua: &Loader<'_>) -> mlua::Result<Table> {
    running::module::<State>(lua, lua.create_function(new)?, include_str!("hmac.lua"))
}

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    running::module::<State>(lua, lua.create_function(new)?, include_str!("mac.lua"))
}

fn new(lua: &Lua, (key, name): (Value, Value)) -> mlua::Result<Option<State>> {
    let key = text(lua, key, "key")?;
    let algorithm = name.as_string().and_then(|name| hash::named(&name.as_bytes()));
    let keyed = algorithm.map(|algorithm| Hmac::new(algorithm, &key.as_bytes()));
    Ok(keyed.map(|keyed| State { running: keyed.clone(), keyed }))
}
