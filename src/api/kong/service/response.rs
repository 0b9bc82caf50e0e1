//! `kong.service.response`: what the service answered, before functions changed it.

use http::HeaderValue;
use mlua::{LuaString, Value};

use crate::api::forms;
use crate::api::kong::checks;
use crate::binding::convert::{self, Collected};
use crate::binding::{Call, Namespace, bindings};
use crate::lua::raise;
use crate::message::headers;
use crate::phase::PhaseSet;

const HEADER_BODY_LOG: PhaseSet =
    PhaseSet::RESPONSE.or(PhaseSet::HEADER_FILTER).or(PhaseSet::BODY_FILTER).or(PhaseSet::LOG);

pub(in crate::api::kong) const NAMESPACE: Namespace = Namespace {
    path: "kong.service.response",
    bindings: bindings! {
        "get_status", HEADER_BODY_LOG, calls get_status;
        "get_headers", HEADER_BODY_LOG, calls get_headers;
        "get_header", HEADER_BODY_LOG, calls get_header;
        "get_raw_body", HEADER_BODY_LOG, calls get_raw_body;
        "get_body", HEADER_BODY_LOG, calls get_body;
    },
};

fn get_status(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<u16>> {
    Ok(call.tx.response.service_status())
}

fn get_headers(call: &mut Call<'_>, (max_headers,): (Value,)) -> mlua::Result<Collected> {
    let max = checks::count(&max_headers, "max_headers")?;
    convert::headers_table(call.lua, call.tx.response.service_headers(), max)
}

fn get_header(call: &mut Call<'_>, name: Value) -> mlua::Result<Option<LuaString>> {
    let name = checks::string(name, "name must be a string")?;
    header(call, &name.as_bytes()).map(|value| call.string(value)).transpose()
}

/// The first value of a header of the service's.
fn header<'a>(call: &'a Call<'_>, name: &[u8]) -> Option<&'a HeaderValue> {
    let mut headers = call.tx.response.service_headers();
    headers.find(|(key, _)| headers::same_name(key, name)).map(|(_, value)| value)
}

/// The service's body, if the whole of it was asked for.
fn body(call: &Call<'_>) -> mlua::Result<bytes::Bytes> {
    if !call.tx.request.buffers_response {
        return Err(raise(
            "service body is only available with buffered proxying (see: \
             kong.service.request.enable_buffering function)",
        ));
    }
    Ok(call.tx.response.service_body.as_deref().cloned().unwrap_or_default())
}

fn get_raw_body(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    let body = body(call)?;
    call.string(body)
}

fn get_body(
    call: &mut Call<'_>,
    (mimetype, max_args): (Value, Value),
) -> mlua::Result<forms::Decoded> {
    let body = body(call)?;
    let content_type = match checks::text_or_nothing(call, mimetype, "get_body")? {
        Some(mimetype) => mimetype.as_bytes().to_vec(),
        None => match header(call, b"content-type") {
            Some(value) => value.as_bytes().to_vec(),
            None => return Ok(forms::Decoded::missing_content_type()),
        },
    };
    let Some(kind) = forms::Kind::of(&content_type) else {
        return Ok(forms::Decoded::unsupported(&content_type));
    };
    let max =
        if kind == forms::Kind::UrlEncoded { checks::count(&max_args, "max_args")? } else { 0 };
    forms::decode(call.lua, kind, &content_type, Ok(body), max)
}
