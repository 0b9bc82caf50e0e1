//! `kong.response.get_raw_body` and `set_raw_body`: the body as a whole.

use bytes::Bytes;
use mlua::{LuaString, Value};

use crate::api::kong::checks;
use crate::binding::Call;
use crate::lua::raise;

/// Gathers the chunks, and gives the body at its end.
pub(super) fn get_raw_body(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<LuaString>> {
    let limit = call.settings.max_body_size;
    let chunk = &mut call.tx.chunk;
    chunk.gathering = true;
    let gathered = chunk.gathered.get_or_insert_default();
    if gathered.len() as u64 + chunk.data.len() as u64 > limit {
        return Err(raise(format!("response body too big: more than {limit} bytes")));
    }
    gathered.add(&chunk.data, &mut call.tx.share)?;
    chunk.data = Bytes::new();
    if !chunk.eof {
        return Ok(None);
    }
    let body = chunk.gathered.take().unwrap_or_default();
    chunk.gathering = false;
    call.tx.chunk.data = body.into_bytes();
    call.string(&call.tx.chunk.data).map(Some)
}

pub(super) fn set_raw_body(call: &mut Call<'_>, body: Value) -> mlua::Result<()> {
    let body = checks::string(body, "body must be a string")?;
    let chunk = &mut call.tx.chunk;
    // Kong: sends a line break for an empty body, because nginx needs some byte; so do we, for the
    // client to see the same.
    chunk.data = match &*body.as_bytes() {
        b"" => Bytes::from_static(b"\n"),
        body => call.tx.share.keep_one(body)?,
    };
    chunk.eof = true;
    chunk.gathered = None;
    chunk.gathering = false;
    Ok(())
}
