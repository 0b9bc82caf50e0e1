//! `resty.openssl.digest`.

use mlua::{Lua, Table, UserData, Value};

use super::hash;
use super::running::{self, Running};
use crate::api::digest::{Algorithm, Digest};
use crate::api::modules::Loader;

/// What an object has digested so far.
pub(super) struct State {
    pub(super) algorithm: Algorithm,
    pub(super) digest: Digest,
}

impl UserData for State {}

impl Running for State {
    fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    fn value(&self) -> Vec<u8> {
        self.digest.clone().finish()
    }

    fn reset(&mut self) {
        self.digest = self.algorithm.begin();
    }
}

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    running::module::<State>(lua, lua.create_function(new)?, include_str!("digest.lua"))
}

fn new(_: &Lua, (name,): (Value,)) -> mlua::Result<Option<State>> {
    let algorithm = name.as_string().and_then(|name| hash::named(&name.as_bytes()));
    Ok(algorithm.map(|algorithm| State { algorithm, digest: algorithm.begin() }))
}
