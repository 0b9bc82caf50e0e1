//! The request's body: `ngx.req.*body*`.

use bytes::Bytes;
use mlua::{LuaString, Table, Value};

use super::arguments::Argument;
use crate::binding::{Call, Namespace, Wait, bindings, raise_at};
use crate::convert::{self, Noted};
use crate::transaction::{Operation, RequestBody};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "read_body", super::YIELDABLE, waits read_body;
        "discard_body", super::REQUEST, calls discard_body;
        "get_body_data", super::REQUEST, calls get_body_data;
        "get_body_file", super::REQUEST, calls get_body_file;
        "get_post_args", super::REQUEST, calls get_post_args;
        "set_body_data", super::REQUEST, calls set_body_data;
    },
};

fn read_body(call: &mut Call<'_>, (): ()) -> mlua::Result<Wait<()>> {
    match call.tx.request.body {
        RequestBody::Unread => {
            let limit = call.settings.body_buffer_size;
            call.wait(Operation::ReadBody { limit })
        }
        _ => Ok(Wait::Ready(())),
    }
}

/// What has been read stays.
fn discard_body(call: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    if matches!(call.tx.request.body, RequestBody::Unread) {
        call.tx.request.set_body(Bytes::new());
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
    body(call).map(|body| call.string(&body[..body.len().min(max)])).transpose()
}

/// Bodies never lie in files here.
fn get_body_file(_: &mut Call<'_>, (): ()) -> mlua::Result<Value> {
    Ok(Value::Nil)
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
        RequestBody::Read(body) | RequestBody::Replaced(body) => {
            let Noted(args, truncated) = convert::args_table(call.lua, body, max)?;
            Ok(Noted(Some(args), truncated))
        }
    }
}

fn set_body_data(call: &mut Call<'_>, data: Value) -> mlua::Result<()> {
    let data = Argument::new(1, "set_body_data").text(call, &data)?;
    if matches!(call.tx.request.body, RequestBody::Unread) {
        return Err(raise_at(call.lua, "request body not read yet"));
    }
    call.tx.request.set_body(Bytes::copy_from_slice(&data.as_bytes()));
    Ok(())
}
