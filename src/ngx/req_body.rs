//! The request's body: `ngx.req.*body*`.

use bytes::Bytes;
use mlua::{LuaString, Table, Value};

use super::args::max_count;
use crate::binding::{Call, Namespace, Wait, bindings, raise_at};
use crate::convert;
use crate::pdk::type_name;
use crate::phase::PhaseSet;
use crate::transaction::{Operation, RequestBody};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "read_body", super::YIELDABLE, waits read_body;
        "discard_body", super::YIELDABLE, calls discard_body;
        "get_body_data", super::YIELDABLE.or(PhaseSet::LOG), calls get_body_data;
        "get_body_file", super::YIELDABLE, calls get_body_file;
        "get_post_args", super::YIELDABLE.or(PhaseSet::HEADER_FILTER).or(PhaseSet::LOG),
            calls get_post_args;
        "set_body_data", super::YIELDABLE, calls set_body_data;
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

fn discard_body(call: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    call.tx.request.set_body(Bytes::new());
    Ok(())
}

/// The body as far as functions have it.
fn body<'a>(call: &'a Call<'_>) -> Option<&'a Bytes> {
    match &call.tx.request.body {
        RequestBody::Read(body) | RequestBody::Replaced(body) if !body.is_empty() => Some(body),
        _ => None,
    }
}

fn get_body_data(call: &mut Call<'_>, max_bytes: Option<usize>) -> mlua::Result<Option<LuaString>> {
    let body = body(call).map(|body| &body[..body.len().min(max_bytes.unwrap_or(usize::MAX))]);
    body.map(|body| call.string(body)).transpose()
}

/// Bodies never lie in files here.
fn get_body_file(_: &mut Call<'_>, (): ()) -> mlua::Result<Value> {
    Ok(Value::Nil)
}

fn get_post_args(
    call: &mut Call<'_>,
    max_args: Value,
) -> mlua::Result<(Option<Table>, Option<&'static str>)> {
    match &call.tx.request.body {
        RequestBody::Unread => Err(raise_at(
            call.lua,
            "no request body found; maybe you should turn on lua_need_request_body?",
        )),
        RequestBody::TooLong { .. } | RequestBody::Broken => {
            Ok((None, Some("request body in temp file not supported")))
        }
        RequestBody::Read(body) | RequestBody::Replaced(body) => {
            let (args, truncated) = convert::args_table(call.lua, body, max_count(&max_args))?;
            Ok((Some(args), truncated))
        }
    }
}

fn set_body_data(call: &mut Call<'_>, data: Value) -> mlua::Result<()> {
    let Some(data) = convert::scalar_text(call.lua, &data)?.filter(|_| !data.is_boolean()) else {
        let kind = type_name(&data);
        let message = format!("bad argument #1 to 'set_body_data' (string expected, got {kind})");
        return Err(raise_at(call.lua, &message));
    };
    if matches!(call.tx.request.body, RequestBody::Unread) {
        return Err(raise_at(call.lua, "request body not read yet"));
    }
    call.tx.request.set_body(Bytes::copy_from_slice(&data.as_bytes()));
    Ok(())
}
