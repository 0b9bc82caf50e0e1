//! `kong.request.get_raw_body` and `get_body`: the body of the client's request, once it is there.

use bytes::Bytes;
use http::HeaderValue;
use mlua::Value;

use crate::api::kong::checks;
use crate::api::{forms, json};
use crate::binding::convert::Noted;
use crate::binding::{Asked, Call, Wait};
use crate::lua::as_number;
use crate::lua::shortcut::{Answer, Arguments};
use crate::message::headers;
use crate::transaction::RequestBody;

/// Why a function does not get the body.
enum Withheld {
    /// It is longer than the body buffer, and nothing was said of its length.
    NoFit,
    /// It is longer than what the function, or the runtime, allows.
    TooLong {
        length: Option<u64>,
        allowed: u64,
    },
    Broken,
}

impl std::fmt::Display for Withheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoFit => f.write_str(
                "request body did not fit into client body buffer, consider raising \
                 'client_body_buffer_size'",
            ),
            Self::TooLong { length: Some(length), allowed } => {
                write!(f, "request body file too big: {length} > {allowed}")
            }
            Self::TooLong { length: None, allowed } => {
                write!(f, "request body file too big: more than {allowed}")
            }
            Self::Broken => f.write_str("request body could not be read"),
        }
    }
}

/// The body, once it is there.
///
/// `max_size` is how long a body the caller takes, in bytes: 0 for any, nothing or less than 0 for
/// what fits into the body buffer. In Kong, longer bodies lie in a file.
fn raw_body(call: &mut Call<'_>, max_size: &Value) -> mlua::Result<Wait<Result<Bytes, Withheld>>> {
    let (buffer, most) = (call.settings.body_buffer_size, call.settings.max_body_size);
    let given = as_number(max_size).filter(|&size| size >= 0.0).map(|size| size as u64);
    let limit = match given {
        None => buffer,
        Some(0) => most.max(buffer),
        Some(size) => size.clamp(buffer, most.max(buffer)),
    };
    let withheld = |length: Option<u64>| match given {
        None => Withheld::NoFit,
        Some(0) => Withheld::TooLong { length, allowed: limit },
        Some(size) => Withheld::TooLong { length, allowed: size.min(limit) },
    };
    call.tx.read_at_once(limit);
    let result = match &call.tx.request.body {
        RequestBody::Replaced(body) => Ok(body.clone()),
        RequestBody::Read(body) if body.len() as u64 <= limit => Ok(body.clone()),
        RequestBody::Read(body) => Err(withheld(Some(body.len() as u64))),
        RequestBody::TooLong { limit: read } if *read >= limit => {
            Err(withheld(call.tx.request.content_length()))
        }
        RequestBody::Broken => Err(Withheld::Broken),
        // What a function has received is not there any more, as in Kong.
        RequestBody::Discarded => Ok(Bytes::new()),
        #[cfg(feature = "net")]
        RequestBody::Socket => Ok(Bytes::new()),
        RequestBody::Unread | RequestBody::TooLong { .. } => {
            return call.wait_for_body(limit);
        }
    };
    Ok(Wait::Ready(result))
}

pub(super) fn get_raw_body(
    call: &mut Call<'_>,
    (max_allowed_file_size,): (Value,),
) -> mlua::Result<Wait<Noted<Value, String>>> {
    Ok(match raw_body(call, &max_allowed_file_size)? {
        Wait::Pending => Wait::Pending,
        Wait::Ready(Ok(body)) => Wait::Ready(Noted(Value::String(call.string(body)?), None)),
        Wait::Ready(Err(why)) => Wait::Ready(Noted(Value::Nil, Some(why.to_string()))),
    })
}

pub(super) fn get_body(
    call: &mut Call<'_>,
    (mimetype, max_args, max_allowed_file_size): (Value, Value, Value),
) -> mlua::Result<Wait<forms::Decoded>> {
    let content_type = match checks::text_or_nothing(call, mimetype, "get_body")? {
        Some(mimetype) => mimetype.as_bytes().to_vec(),
        None => match headers::get(call.tx.request.headers(), b"content-type") {
            Some(value) => value.as_bytes().to_vec(),
            None => return Ok(Wait::Ready(forms::Decoded::missing_content_type())),
        },
    };
    let Some(kind) = forms::Kind::of(&content_type) else {
        return Ok(Wait::Ready(forms::Decoded::unsupported(&content_type)));
    };
    let is_form = kind == forms::Kind::UrlEncoded;
    let max = if is_form { checks::count(&max_args, "max_args")? } else { 0 };
    // Kong reads no form that lies in a file, whatever its size.
    let max_size = if is_form { Value::Nil } else { max_allowed_file_size };
    let Wait::Ready(body) = raw_body(call, &max_size)? else {
        return Ok(Wait::Pending);
    };
    let body = body.map_err(|why| match why {
        Withheld::NoFit if is_form => "request body in temp file not supported".to_owned(),
        why => why.to_string(),
    });
    forms::decode(call.lua, kind, &content_type, body, max).map(Wait::Ready)
}

/// The same for a short body of JSON that is there, where nothing is said of lengths.
pub(super) fn get_body_shortcut(
    Asked { tx, settings, scratch }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    if !arguments.are_at_most_a_text() {
        return None;
    }
    let named = || headers::get(tx.request.headers(), b"content-type").map(HeaderValue::as_bytes);
    if forms::Kind::of(arguments.text(1).or_else(named)?) != Some(forms::Kind::Json) {
        return None;
    }
    tx.read_at_once(settings.body_buffer_size);
    let RequestBody::Read(body) = &tx.request.body else { return None };
    if body.len() as u64 > settings.body_buffer_size {
        return None;
    }
    let answer = json::decode_short(body, json::Rules::KONG, scratch)?;
    if !scratch.tape.is_of_table() {
        return None;
    }
    scratch.source = body.clone();
    scratch.text.extend_from_slice(forms::Kind::Json.mime().as_bytes());
    Some(answer)
}
