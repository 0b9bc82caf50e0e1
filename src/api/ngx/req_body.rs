//! The request's body: `ngx.req.*body*`.

use std::io::Read;

use bytes::Bytes;
use mlua::{LuaString, MultiValue, Table, Value};

use super::arguments::Argument;
use crate::binding::convert::{self, Noted};
use crate::binding::{Call, Namespace, Wait, bindings};
use crate::lua::raise_at;
use crate::transaction::Gathered;
use crate::transaction::RequestBody;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "read_body", super::BEFORE, waits read_body;
        "discard_body", super::REQUEST, calls discard_body;
        "get_body_data", super::REQUEST, calls get_body_data;
        "get_body_file", super::REQUEST, calls get_body_file;
        "get_post_args", super::REQUEST, calls get_post_args;
        "set_body_data", super::REQUEST, calls set_body_data;
        "set_body_file", super::REQUEST, calls set_body_file;
        "init_body", super::REQUEST, calls init_body;
        "append_body", super::REQUEST, calls append_body;
        "finish_body", super::REQUEST, calls finish_body;
    },
};

fn read_body(call: &mut Call<'_>, (): ()) -> mlua::Result<Wait<()>> {
    if !matches!(call.tx.request.body, RequestBody::Unread) {
        return Ok(Wait::Ready(()));
    }
    let limit = call.settings.body_buffer_size;
    call.tx.read_at_once(limit);
    match call.tx.request.body {
        RequestBody::Unread => call.wait_for_body(limit),
        _ => Ok(Wait::Ready(())),
    }
}

/// What has been read stays.
fn discard_body(call: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    if matches!(call.tx.request.body, RequestBody::Unread) {
        call.tx.request.discard_body();
    }
    Ok(())
}

/// The body as far as functions have it.
fn body<'a>(call: &'a Call<'_>) -> Option<&'a Bytes> {
    match &call.tx.request.body {
        RequestBody::Read(body) | RequestBody::Replaced(body) if !body.is_empty() => Some(body),
        _ => None,
    }
}

fn get_body_data(call: &mut Call<'_>, max_bytes: Value) -> mlua::Result<Option<LuaString>> {
    let max = match max_bytes {
        Value::Nil => 0.0,
        max => Argument::new(1, "get_body_data").number(call, max)?,
    };
    let max = if max >= 1.0 { max as usize } else { usize::MAX };
    // A body that lies in a file is not given as text.
    if call.tx.body_file().is_some() {
        return Ok(None);
    }
    body(call).map(|body| call.string(&body[..body.len().min(max)])).transpose()
}

/// The file that the body was taken from. Others lie in memory.
fn get_body_file(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<LuaString>> {
    let file = call.tx.body_file();
    file.map(|name| call.string(name)).transpose()
}

fn get_post_args(call: &mut Call<'_>, max: Value) -> mlua::Result<Noted<Option<Table>>> {
    let max = Argument::new(1, "get_post_args").max_count(call, max)?;
    match &call.tx.request.body {
        RequestBody::Unread => Err(raise_at(
            call.lua,
            "no request body found; maybe you should turn on lua_need_request_body?",
        )),
        RequestBody::TooLong { .. } | RequestBody::Broken => {
            Ok(Noted(None, Some("request body in temp file not supported")))
        }
        RequestBody::Discarded => Ok(Noted(Some(call.lua.create_table()?), None)),
        #[cfg(feature = "net")]
        RequestBody::Socket => Ok(Noted(Some(call.lua.create_table()?), None)),
        RequestBody::Read(body) | RequestBody::Replaced(body) => {
            let Noted(args, truncated) = convert::args_table(call.lua, body, max)?;
            Ok(Noted(Some(args), truncated))
        }
    }
}

fn set_body_data(call: &mut Call<'_>, data: Value) -> mlua::Result<()> {
    let data = Argument::new(1, "set_body_data").text(call, &data)?;
    expect_read(call)?;
    let body = call.tx.share.keep_one(&data.as_bytes())?;
    call.tx.request.set_body(body);
    Ok(())
}

fn expect_read(call: &Call<'_>) -> mlua::Result<()> {
    match call.tx.request.body {
        RequestBody::Unread => Err(raise_at(call.lua, "request body not read yet")),
        RequestBody::Discarded => {
            Err(raise_at(call.lua, "request body already discarded asynchronously"))
        }
        _ => Ok(()),
    }
}

/// Takes the body from a file: read whole and at once, as nginx opens it at once.
// Kong: reads any file. Here a function must be one that may have `io.open`.
fn set_body_file(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let count = arguments.len();
    if !(1..=2).contains(&count) {
        let message = format!("expecting 1 or 2 arguments but seen {count}");
        return Err(raise_at(call.lua, &message));
    }
    let name = Argument::new(1, "set_body_file").text(call, &arguments[0])?.to_string_lossy();
    let clean = match arguments.get(1) {
        Some(clean) => Argument::new(2, "set_body_file").flag(call, clean)?,
        None => false,
    };
    if !call.settings.sandbox.allows_files() {
        let message = "ngx.req.set_body_file not allowed within sandbox";
        return Err(raise_at(call.lua, message));
    }
    expect_read(call)?;
    let limit = call.settings.max_body_size.min(call.tx.share.room() as u64);
    let body = std::fs::File::open(&name).and_then(|file| {
        let mut body = Vec::new();
        // A directory can be opened, but not read; what has no end is read to the limit.
        file.take(limit + 1).read_to_end(&mut body)?;
        Ok(body)
    });
    let body = body.map_err(|_| raise_at(call.lua, &format!("open() \"{name}\" failed")))?;
    if body.len() as u64 > limit {
        return Err(raise_at(call.lua, &format!("more than {limit} bytes in \"{name}\"")));
    }
    if clean {
        // It may be gone already.
        let _ = std::fs::remove_file(&name);
    }
    let body = call.tx.share.own_one(body)?;
    call.tx.request.set_body(body.clone());
    call.tx.rare_mut().body_file = (!body.is_empty()).then_some((body, name));
    Ok(())
}

fn init_body(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let count = arguments.len();
    if count > 1 {
        return Err(raise_at(call.lua, &format!("expecting 0 or 1 argument but seen {count}")));
    }
    expect_read(call)?;
    // How much nginx is to keep in memory. Here it is all of it.
    if let Some(size) = arguments.front() {
        let size = Argument::new(1, "init_body").number(call, size.clone())?.trunc();
        if size < 0.0 {
            return Err(raise_at(call.lua, &format!("bad size argument: {size}")));
        }
    }
    call.tx.rare_mut().written_body = Some(Gathered::default());
    Ok(())
}

fn append_body(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let count = arguments.len();
    if count != 1 {
        return Err(raise_at(call.lua, &format!("expecting 1 arguments but seen {count}")));
    }
    let text = Argument::new(1, "append_body").text(call, &arguments[0])?;
    let text = text.as_bytes();
    let limit = call.settings.max_body_size;
    let tx = &mut *call.tx;
    let written = tx.tables.get_mut().and_then(|held| held.rare.written_body.as_mut());
    let Some(written) = written else {
        return Err(raise_at(call.lua, "request_body not initialized"));
    };
    if (written.len() + text.len()) as u64 > limit {
        return Err(raise_at(call.lua, &format!("more than {limit} bytes appended")));
    }
    Ok(written.add(&text, &mut tx.share)?)
}

fn finish_body(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let count = arguments.len();
    if count != 0 {
        return Err(raise_at(call.lua, &format!("expecting 0 argument but seen {count}")));
    }
    let Some(written) = call.tx.rare_mut().written_body.take() else {
        return Err(raise_at(call.lua, "request_body not initialized"));
    };
    call.tx.request.set_body(written.into_bytes());
    Ok(())
}
