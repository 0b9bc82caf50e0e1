//! `kong.response.exit` and `error`.

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use mlua::{LuaString, Value};

use super::grpc::{self, Grpc};
use super::{ensure_not_sent, put_header, status_code};
use crate::api::json::{self, JsonError};
use crate::api::kong::{checks, log};
use crate::binding::{Asked, Call, exited};
use crate::lua::raise;
use crate::lua::shortcut::{Answer, Arguments};
use crate::message::grpc::MIME;
use crate::message::{error_page, headers};
use crate::phase::Phase;
use crate::transaction::{Exit, Source, Transaction};

/// Headers that a function gave, by name.
type Headers = [(LuaString, Vec<LuaString>)];

pub(super) fn exit(
    call: &mut Call<'_>,
    (status, body, headers): (Value, Value, Value),
) -> mlua::Result<bool> {
    ensure_not_sent(call)?;
    let status = status_code(&status, 100)?;
    if !matches!(body, Value::Nil | Value::String(_) | Value::Table(_)) {
        return Err(raise("body must be a nil, string or table"));
    }
    let headers = given_headers(call, headers)?;
    send(call, status, body, &headers)
}

/// A status and a text, of a request that is not gRPC.
pub(super) fn exit_shortcut(
    Asked { tx, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let (status, body) = (arguments.number(1)?, arguments.text(2)?);
    let is_common = arguments.len() == 2 && (100.0..=599.0).contains(&status);
    if !is_common || tx.response.sent || Grpc::of(tx, None).is_some() {
        return None;
    }
    let body = tx.share.keep_one(body).ok()?;
    tx.response.set_status(status as u16);
    tx.response.source = Some(Source::Exit);
    tx.response.end_with(body, true);
    Some(if end(tx) { exited(arguments) } else { Answer::Nil })
}

pub(super) fn error(
    call: &mut Call<'_>,
    (status, message, headers): (Value, Value, Value),
) -> mlua::Result<bool> {
    ensure_not_sent(call)?;
    let status = status_code(&status, 400)?;
    let message = match message {
        Value::Nil => None,
        Value::String(message) => Some(message.to_string_lossy()),
        Value::Table(_) => {
            let json = encode(call, &message, "could not JSON encode the error message")?;
            Some(String::from_utf8_lossy(&json).into_owned())
        }
        _ => return Err(raise("message must be a nil, a string or a table")),
    };
    let headers = given_headers(call, headers)?;
    let content_type = value_of(&headers, &CONTENT_TYPE)
        .and_then(|given| HeaderValue::from_bytes(&given.as_bytes()).ok());
    if content_type.is_none() && call.tx.request.is_grpc() {
        call.tx.response.put(CONTENT_TYPE, MIME);
        return send(call, status, Value::Nil, &headers);
    }
    let (message, given) = (message.as_deref(), content_type.as_ref());
    let id = call.tx.request.id().clone();
    let headers_in = call.tx.request.headers();
    let page = error_page::for_error(headers_in, status, id.as_str(), message, given);
    let body = Value::String(call.lua.create_string(&page.body)?);
    call.tx.response.put(CONTENT_TYPE, page.content_type);
    send(call, status, body, &headers)
}

fn given_headers(
    call: &Call<'_>,
    headers: Value,
) -> mlua::Result<Vec<(LuaString, Vec<LuaString>)>> {
    match headers {
        Value::Nil => Ok(Vec::new()),
        Value::Table(headers) => checks::headers(call, &headers),
        _ => Err(raise("headers must be a nil or table")),
    }
}

/// The first value of the header `name` among `headers`.
fn value_of<'a>(headers: &'a Headers, name: &HeaderName) -> Option<&'a LuaString> {
    let is =
        |key: &LuaString| headers::response_name_of(&key.as_bytes()).is_ok_and(|key| key == name);
    headers.iter().find(|(key, _)| is(key)).and_then(|(_, values)| values.first())
}

/// Makes the response of an exit. Whether the function ends with it.
fn send(call: &mut Call<'_>, status: u16, body: Value, headers: &Headers) -> mlua::Result<bool> {
    let content_type = value_of(headers, &CONTENT_TYPE);
    let grpc = Grpc::of(call.tx, content_type);
    let is_json = grpc.is_none() && matches!(body, Value::Table(_));
    let body = match (body, grpc) {
        (Value::String(body), _) => Some(call.tx.share.keep_one(&body.as_bytes())?),
        (body @ Value::Table(_), None) => {
            Some(encode(call, &body, "body encoding failed while flushing response")?)
        }
        (Value::Table(_), Some(Grpc::Body)) => {
            return Err(raise("table body encoding with gRPC is not supported"));
        }
        (Value::Table(body), Some(Grpc::Message)) => match body.raw_get("message")? {
            Value::String(message) => Some(call.tx.share.keep_one(&message.as_bytes())?),
            _ => {
                let message = "body was removed because table body encoding with gRPC is not \
                               supported";
                log::warn(call, message);
                None
            }
        },
        _ => None,
    };
    for (name, values) in headers {
        put_header(call, name, values)?;
    }
    let has_length = value_of(headers, &CONTENT_LENGTH).is_some();
    let response = &mut call.tx.response;
    response.set_status(status);
    response.source = Some(Source::Exit);
    match (body, grpc) {
        (body, Some(grpc)) => grpc::end(response, grpc, body, !has_length, &mut call.tx.share)?,
        (Some(body), None) => {
            if is_json && content_type.is_none() {
                response.put(CONTENT_TYPE, "application/json; charset=utf-8");
            }
            response.end_with(body, !has_length);
        }
        (None, None) => {
            let page = call.tx.page_for_exit(status);
            let response = &mut call.tx.response;
            match page {
                Some(page) => {
                    response.put(CONTENT_TYPE, page.content_type);
                    response.end_with(page.body, true);
                }
                None => response.end_with(Bytes::new(), !has_length),
            }
        }
    }
    Ok(end(call.tx))
}

/// Ends the request. In `header_filter` the response is replaced instead and the function goes on,
/// as `ngx.exit` has it there.
fn end(tx: &mut Transaction) -> bool {
    if tx.site.phase == Phase::HeaderFilter {
        return false;
    }
    tx.exit = Some(Exit::Request);
    true
}

/// A table as JSON, or an error that begins with `failure`.
fn encode(call: &mut Call<'_>, value: &Value, failure: &str) -> mlua::Result<Bytes> {
    let json = json::encode(call.lua, value, json::Format::KONG).map_err(|error| match error {
        JsonError::Unfit(why) => raise(format!("{failure}: {why}")),
        JsonError::Lua(error) => error,
    })?;
    Ok(call.tx.share.own_one(json.into_vec())?)
}
