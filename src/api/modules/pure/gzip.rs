//! `kong.tools.gzip`.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use mlua::{Lua, LuaString, Table};

use crate::api::modules::Loader;
use crate::lua::check;

/// How many bytes are worked on before it is asked whether there is time and room for more.
const STRETCH: usize = 64 << 10;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    module.raw_set("deflate_gzip", lua.create_function(deflate)?)?;
    module.raw_set("inflate_gzip", lua.create_function(inflate)?)?;
    Ok(module)
}

fn deflate(lua: &Lua, (text,): (LuaString,)) -> mlua::Result<LuaString> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for stretch in text.as_bytes().chunks(STRETCH) {
        check(lua, 0)?;
        encoder.write_all(stretch)?;
    }
    lua.create_string(encoder.finish()?)
}

/// The text, or `nil` and a message: also of a text that is longer than the VM's memory.
fn inflate(lua: &Lua, (text,): (LuaString,)) -> mlua::Result<Result<LuaString, &'static str>> {
    let text = text.as_bytes();
    let mut decoder = MultiGzDecoder::new(&*text);
    let (mut inflated, mut stretch) = (Vec::new(), vec![0; STRETCH]);
    loop {
        check(lua, inflated.len() + STRETCH)?;
        match decoder.read(&mut stretch) {
            Ok(0) => return Ok(Ok(lua.create_string(inflated)?)),
            Ok(len) => inflated.extend_from_slice(&stretch[..len]),
            Err(_) => return Ok(Err("INFLATE: data error")),
        }
    }
}
