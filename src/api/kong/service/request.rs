//! `kong.service.request`: the request that the service gets.

use http::Method;
use http::header::CONTENT_TYPE;
use mlua::{LuaString, Table, Value};

use crate::api::forms;
use crate::api::json::{self, JsonError};
use crate::api::kong::{checks, log};
use crate::binding::refuse;
use crate::binding::{Asked, Call, Namespace, bindings, convert};
use crate::lua::shortcut::{Answer, Arguments};
use crate::lua::{Buffer, Texts};
use crate::lua::{raise, type_name};
use crate::message::headers::{self, Name};
use crate::message::uri::{self, Escape};
use crate::phase::PhaseSet;

pub(in crate::api::kong) const ACCESS_AND_REWRITE: PhaseSet =
    PhaseSet::REWRITE.or(PhaseSet::ACCESS);
const ACCESS_REWRITE_BALANCER: PhaseSet = ACCESS_AND_REWRITE.or(PhaseSet::BALANCER);
const PREREAD_AND_BALANCER: PhaseSet = PhaseSet::PREREAD.or(PhaseSet::BALANCER);

pub(in crate::api::kong) const NAMESPACE: Namespace = Namespace {
    path: "kong.service.request",
    bindings: bindings! {
        "enable_buffering", ACCESS_REWRITE_BALANCER, calls enable_buffering;
        "set_scheme", ACCESS_REWRITE_BALANCER, calls set_scheme;
        "set_path", ACCESS_REWRITE_BALANCER, calls set_path;
        "set_raw_query", ACCESS_AND_REWRITE, calls set_raw_query;
        "set_method", ACCESS_AND_REWRITE, calls set_method;
        "set_query", ACCESS_AND_REWRITE, calls set_query;
        "clear_query_arg", ACCESS_AND_REWRITE, calls clear_query_arg;
        "set_header", ACCESS_REWRITE_BALANCER, calls set_header, shortcut set_header_shortcut;
        "add_header", ACCESS_AND_REWRITE, calls add_header;
        "clear_header", ACCESS_AND_REWRITE, calls clear_header, shortcut clear_header_shortcut;
        "set_headers", ACCESS_AND_REWRITE, calls set_headers;
        "set_raw_body", ACCESS_REWRITE_BALANCER, calls set_raw_body;
        "set_body", ACCESS_AND_REWRITE, calls set_body;
        "disable_tls", PREREAD_AND_BALANCER, calls no_balancer;
        "enable_tls", PREREAD_AND_BALANCER, calls no_balancer;
    },
};

fn enable_buffering(call: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    call.tx.request.buffers_response = true;
    Ok(())
}

fn set_scheme(call: &mut Call<'_>, scheme: Value) -> mlua::Result<()> {
    let scheme = checks::string(scheme, "scheme must be a string")?;
    call.tx.request.upstream.scheme = match &*scheme.as_bytes() {
        b"http" => Some("http"),
        b"https" => Some("https"),
        _ => return Err(raise(format!("invalid scheme: {}", scheme.to_string_lossy()))),
    };
    Ok(())
}

fn set_path(call: &mut Call<'_>, path: Value) -> mlua::Result<()> {
    let path = checks::string(path, "path must be a string")?;
    let path = path.as_bytes();
    if path.first() != Some(&b'/') {
        return Err(raise("path must start with /"));
    }
    let refused = |why| raise(format!("invalid path: {why}"));
    uri::ensure_fits(path.len()).map_err(refused)?;
    // Kong: sends a `#` as it is. A URI ends there, so it is escaped here rather than lost.
    let path = ascii(&uri::escape(&path, Escape::UpstreamPath)).replace('#', "%23");
    call.tx.request.set_upstream_path(path).map_err(refused)
}

fn set_raw_query(call: &mut Call<'_>, query: Value) -> mlua::Result<()> {
    let query = checks::string(query, "query must be a string")?;
    put_query(call, &query.as_bytes())
}

fn put_query(call: &mut Call<'_>, query: &[u8]) -> mlua::Result<()> {
    call.tx.request.set_query(query).map_err(|why| raise(format!("invalid query: {why}")))
}

/// Bytes that are ASCII after escaping, as text.
fn ascii(escaped: &[u8]) -> String {
    String::from_utf8_lossy(escaped).into_owned()
}

/// The methods that Kong lets through.
const METHODS: [&str; 15] = [
    "GET",
    "HEAD",
    "PUT",
    "POST",
    "DELETE",
    "OPTIONS",
    "MKCOL",
    "COPY",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    "PATCH",
    "TRACE",
];

fn set_method(call: &mut Call<'_>, method: Value) -> mlua::Result<()> {
    let method = checks::string(method, "method must be a string")?.to_string_lossy();
    if !METHODS.contains(&&*method) {
        return Err(raise(format!("invalid method: {method}")));
    }
    let method = Method::from_bytes(method.as_bytes()).expect("all of METHODS are methods");
    call.tx.request.set_method(method);
    Ok(())
}

fn set_query(call: &mut Call<'_>, args: Value) -> mlua::Result<()> {
    let args = checks::table(args, "args must be a table")?;
    let query = ordered_args(call, &args)?;
    put_query(call, &query)
}

/// The arguments of a table as a query string, sorted by name; the values of an array stay in order.
fn ordered_args(call: &Call<'_>, args: &Table) -> mlua::Result<Vec<u8>> {
    let mut fields = Texts::new(call.buffer());
    for pair in args.pairs::<Value, Value>() {
        let (Value::String(name), value) = pair? else {
            return Err(raise("arg keys must be strings"));
        };
        let mut query = call.buffer();
        convert::encode_arg(call.lua, &name, &value, &mut query)?;
        // Kong: joins an empty text for an argument that has no value, which makes `&&`.
        if query.len() > 0 {
            fields.add(&[query.as_bytes()])?;
        }
    }
    fields.sort();
    let mut query = call.buffer();
    for field in fields.iter() {
        if query.len() > 0 {
            query.push(b'&')?;
        }
        query.extend(field)?;
    }
    Ok(query.into_vec())
}

fn clear_query_arg(call: &mut Call<'_>, name: Value) -> mlua::Result<()> {
    let name = checks::string(name, "query argument name must be a string")?;
    let Some(query) = call.tx.request.query() else { return Ok(()) };
    let name = name.as_bytes();
    let kept: Vec<_> = query
        .split('&')
        .filter(|arg| {
            let key = arg.split('=').next().unwrap_or_default();
            *uri::unescape(key.as_bytes()) != *name
        })
        .collect();
    let query = kept.join("&").replace('+', "%20");
    put_query(call, query.as_bytes())
}

/// The header `name`. One that cannot be sent as it is, is sent escaped, as nginx would.
fn header_name<'a>(call: &Call<'_>, name: &'a [u8]) -> mlua::Result<Name<'a>> {
    let name = Name::of_request(name).map_err(refuse)?;
    log::warn_of_escaped(call, &name);
    Ok(name)
}

fn put_header(call: &mut Call<'_>, name: &LuaString, values: &[LuaString]) -> mlua::Result<()> {
    let name = name.as_bytes();
    let name = header_name(call, &name)?;
    let values: Vec<_> = values.iter().map(LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    call.tx.request.set_header(&name, values, &mut call.tx.share).map_err(refuse)
}

fn set_header(
    call: &mut Call<'_>,
    (name, value): (Value, Value),
) -> mlua::Result<(Value, Option<&'static str>)> {
    let values = checks::header_values(call, &name, &value)?;
    let name = checks::string(name, "header must be a string")?;
    if name.as_bytes().eq_ignore_ascii_case(b":authority") {
        let message = "cannot set :authority pseudo-header on non-grpc requests";
        return Ok((Value::Nil, Some(message)));
    }
    put_header(call, &name, &values)?;
    Ok((Value::Nil, None))
}

fn set_header_shortcut(Asked { tx, .. }: Asked<'_>, arguments: &Arguments<'_>) -> Option<Answer> {
    let [name, value] = arguments.texts()?;
    let is_special = name.first() == Some(&b':') || value.is_empty();
    let name = Name::of_request(name).ok().filter(|name| !is_special && !name.is_escaped())?;
    tx.request.set_one_header(&name, value, &mut tx.share).ok()?;
    Some(Answer::Nothing)
}

fn add_header(call: &mut Call<'_>, (name, value): (Value, Value)) -> mlua::Result<()> {
    let values = checks::header_values(call, &name, &value)?;
    let name = checks::string(name, "header must be a string")?;
    let name = name.as_bytes();
    let name = header_name(call, &name)?;
    for value in values {
        let tx = &mut *call.tx;
        tx.request.add_header(&name, &value.as_bytes(), &mut tx.share).map_err(refuse)?;
    }
    Ok(())
}

pub(in crate::api::kong) fn clear_header(call: &mut Call<'_>, name: Value) -> mlua::Result<()> {
    let name = checks::string(name, "header must be a string")?;
    call.tx.request.remove_header(&name.as_bytes());
    Ok(())
}

pub(in crate::api::kong) fn clear_header_shortcut(
    Asked { tx, .. }: Asked<'_>,
    arguments: &Arguments<'_>,
) -> Option<Answer> {
    let [name] = arguments.texts()?;
    tx.request.remove_header(name);
    Some(Answer::Nothing)
}

fn set_headers(call: &mut Call<'_>, headers: Value) -> mlua::Result<()> {
    let headers = checks::table(headers, "headers must be a table")?;
    for (name, values) in checks::headers(call, &headers)? {
        put_header(call, &name, &values)?;
    }
    Ok(())
}

fn set_raw_body(call: &mut Call<'_>, body: Value) -> mlua::Result<()> {
    let body = checks::string(body, "body must be a string")?;
    let body = call.tx.share.keep_one(&body.as_bytes())?;
    call.tx.request.set_body(body);
    Ok(())
}

fn set_body(
    call: &mut Call<'_>,
    (args, mime): (Value, Value),
) -> mlua::Result<(Value, Option<&'static str>)> {
    let args = checks::table(args, "args must be a table")?;
    let mime = match mime {
        Value::Nil | Value::Boolean(false) => {
            match headers::get(call.tx.request.headers(), b"content-type") {
                Some(mime) => String::from_utf8_lossy(mime.as_bytes()).into_owned(),
                None => {
                    let message = "content type was neither explicitly given as an argument or \
                                   received as a header";
                    return Ok((Value::Nil, Some(message)));
                }
            }
        }
        mime => checks::string(mime, "mime must be a string")?.to_string_lossy(),
    };
    let (body, content_type) = match forms::Kind::named(&mime) {
        Some(forms::Kind::UrlEncoded) => (ordered_args(call, &args)?, mime),
        Some(forms::Kind::Json) => (encode_json(call, args)?, mime),
        Some(forms::Kind::Multipart) => encode_multipart(call, &args, &mime)?,
        None => return Err(raise(format!("unsupported content type {mime}"))),
    };
    let body = call.tx.share.own_one(body)?;
    call.tx.request.set_body(body);
    let content_type = [content_type.as_bytes()];
    let set = call.tx.request.set_header(&CONTENT_TYPE.into(), content_type, &mut call.tx.share);
    set.map_err(refuse)?;
    Ok((Value::Boolean(true), None))
}

fn encode_json(call: &Call<'_>, args: Table) -> mlua::Result<Vec<u8>> {
    let json = json::encode(call.lua, &Value::Table(args), json::Format::KONG);
    json.map(Buffer::into_vec).map_err(|error| match error {
        JsonError::Unfit(why) => raise(why),
        JsonError::Lua(error) => error,
    })
}

fn encode_multipart(call: &Call<'_>, args: &Table, mime: &str) -> mlua::Result<(Vec<u8>, String)> {
    let mut parts = Texts::new(call.buffer());
    for pair in args.pairs::<Value, Value>() {
        let (name, value) = pair?;
        let Value::String(name) = name else {
            let (shown, kind) = (convert::display(call.lua, &name), type_name(&name));
            return Err(raise(format!("invalid key \"{shown}\": got {kind}, expected string")));
        };
        let Some(text) = convert::scalar_text(call.lua, &value)? else {
            return Err(raise(format!(
                "invalid value \"{}\": got {}, expected string, number or boolean",
                name.to_string_lossy(),
                type_name(&value)
            )));
        };
        parts.add(&forms::part(&name.as_bytes(), &text.as_bytes()))?;
    }
    parts.sort();
    let boundary = match forms::boundary(mime) {
        Some(Ok(boundary)) if !forms::contain_boundary(&parts, &boundary) => boundary,
        _ => forms::new_boundary(&parts),
    };
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let mut body = call.buffer();
    forms::encode_multipart(&parts, &boundary, &mut body)?;
    Ok((body.into_vec(), content_type))
}

/// The phases of these functions never come: nothing here balances.
fn no_balancer(_: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    Err(raise("there is no balancer phase"))
}
