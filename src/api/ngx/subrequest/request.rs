//! What a subrequest is made of: the request whose function makes it, and options.

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use mlua::{Table, Value};

use crate::api::ngx::args::query_of;
use crate::api::ngx::fixed_variables::is_fixed;
use crate::api::ngx::req_method::method_of;
use crate::api::ngx::uri::{escape_for_log, is_safe, unsafe_byte};
use crate::api::ngx::{header_values, tostring, variable};
use crate::binding::{Call, convert, refuse_at};
use crate::lua::{Charge, as_number, raise_at, type_name};
use crate::message::headers::{self, Name};
use crate::message::uri::{self, Escape};
use crate::transaction::{Kept, RequestBody, Subrequest};

/// A subrequest before it is made.
pub(super) struct Wanted {
    pub(super) request: Request<Bytes>,
    pub(super) subrequest: Subrequest,
    /// What it takes of its maker's memory.
    pub(super) charge: Option<Charge>,
}

/// What tells of the connection that the client's request has come on, or of the client's body.
static OF_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// About what a subrequest takes beside its headers and its body, in bytes.
const COST: usize = 2048;

impl Wanted {
    pub(super) fn new(
        call: &mut Call<'_>,
        uri: &[u8],
        options: Option<Table>,
    ) -> mlua::Result<Self> {
        let options = match options {
            Some(options) => options,
            None => call.lua.create_table()?,
        };
        let uri = uri_of(call, uri, &options.raw_get("args")?)?;
        let (method, body) = (method(call, &options)?, body(call, &options)?);
        let headers = headers(call, &options, body.len())?;
        let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let charge = call.tx.share.charge(COST + size.sum::<usize>())?;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        let known = &call.tx.request;
        let extensions = request.extensions_mut();
        extensions.insert(known.id().clone());
        if let Some(connection) = known.connection() {
            extensions.insert(connection);
        }
        if let Some(tls) = known.tls() {
            extensions.insert(tls.clone());
        }
        Ok(Self { request, subrequest: subrequest(call, &options)?, charge })
    }
}

/// Whether one of the subrequests is to have the body of the request.
pub(super) fn forwards_body(requests: &Value) -> bool {
    let Value::Table(requests) = requests else { return false };
    requests.sequence_values::<Value>().flatten().any(|request| {
        let Value::Table(request) = request else { return false };
        let options = request.raw_get::<Value>(2);
        options.is_ok_and(|options| options.as_table().is_some_and(inherits_body))
    })
}

/// Whether a subrequest with these options has the body of the request.
fn inherits_body(options: &Table) -> bool {
    let get = |name| options.raw_get::<Value>(name).unwrap_or(Value::Nil);
    let is_always = !matches!(get("always_forward_body"), Value::Nil | Value::Boolean(false));
    let has_one = as_number(&get("method")).is_some_and(|number| number == 8.0 || number == 16.0);
    get("body").is_nil() && (is_always || has_one)
}

fn uri_of(call: &Call<'_>, uri: &[u8], args: &Value) -> mlua::Result<Uri> {
    let mut halves = uri.splitn(2, |&byte| byte == b'?');
    let path = halves.next().unwrap_or_default();
    if !is_safe(path) || path.first() != Some(&b'/') || unsafe_byte(path).is_some() {
        let message = format!("unsafe uri in argument #1: {}", escape_for_log(uri));
        return Err(raise_at(call.lua, &message));
    }
    let mut query = halves.next().unwrap_or_default().to_vec();
    let more = match args {
        Value::Nil => Vec::new(),
        Value::Table(args) => query_of(call, args)?,
        args => match text_of(call, args)? {
            Some(args) => args,
            None => return Err(raise_at(call.lua, "Bad args option value")),
        },
    };
    if !query.is_empty() && !more.is_empty() {
        query.push(b'&');
    }
    query.extend(more);
    let path = uri::escape(&uri::decode_path(path), Escape::Uri).into_owned();
    let query = uri::escape(&query, Escape::Query).into_owned();
    let (path, query) = (String::from_utf8_lossy(&path), String::from_utf8_lossy(&query));
    let query = (!query.is_empty()).then_some(&*query);
    uri::with_path_and_query(&Uri::default(), &path, query)
        .map_err(|why| raise_at(call.lua, &format!("invalid uri: {why}")))
}

/// The bytes of a string or a number.
fn text_of(call: &Call<'_>, value: &Value) -> mlua::Result<Option<Vec<u8>>> {
    let text = if value.is_boolean() { None } else { convert::scalar_text(call.lua, value)? };
    Ok(text.map(|text| text.as_bytes().to_vec()))
}

fn method(call: &Call<'_>, options: &Table) -> mlua::Result<Method> {
    match options.raw_get("method")? {
        Value::Nil => Ok(Method::GET),
        Value::Integer(number) => method_of(call, number as f64),
        Value::Number(number) => method_of(call, number),
        _ => Err(raise_at(call.lua, "Bad http request method")),
    }
}

fn body(call: &mut Call<'_>, options: &Table) -> mlua::Result<Bytes> {
    let body: Value = options.raw_get("body")?;
    if inherits_body(options) {
        return match &call.tx.request.body {
            RequestBody::Read(body) | RequestBody::Replaced(body) => Ok(body.clone()),
            RequestBody::TooLong { limit } => {
                let message = format!("the request body has more than {limit} bytes");
                Err(raise_at(call.lua, &message))
            }
            _ => Ok(Bytes::new()),
        };
    }
    if body.is_nil() {
        return Ok(Bytes::new());
    }
    match text_of(call, &body)? {
        Some(body) => Ok(call.tx.share.keep_one(&body)?),
        None => Err(raise_at(call.lua, "Bad http request body")),
    }
}

fn headers(call: &mut Call<'_>, options: &Table, length: usize) -> mlua::Result<HeaderMap> {
    let mut headers = call.tx.request.headers().clone();
    for name in &OF_CONNECTION {
        headers.remove(name);
    }
    if let Some(host) = call.tx.request.implied_host() {
        headers.insert(HOST, host);
    }
    match options.raw_get("headers")? {
        Value::Nil => {}
        Value::Table(own) => {
            for pair in own.pairs::<Value, Value>() {
                let (name, value) = pair?;
                set_header(call, &mut headers, name, &value)?;
            }
        }
        _ => return Err(raise_at(call.lua, "Bad headers option value")),
    }
    if length > 0 {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok(headers)
}

fn set_header(
    call: &mut Call<'_>,
    headers: &mut HeaderMap,
    name: Value,
    value: &Value,
) -> mlua::Result<()> {
    let name = tostring(call, name)?;
    let name = name.as_bytes();
    let name = Name::of_request(&name).map_err(|why| refuse_at(call.lua, why))?.name;
    let values = header_values(call, value)?;
    let values: Vec<_> = values.iter().map(mlua::LuaString::as_bytes).collect();
    let values = values.iter().map(|value| &**value);
    headers::set(headers, &name, values, &[], &mut call.tx.share)
        .map_err(|why| refuse_at(call.lua, why))
}

/// What the subrequest has of its maker besides.
fn subrequest(call: &mut Call<'_>, options: &Table) -> mlua::Result<Subrequest> {
    let context = match options.raw_get("ctx")? {
        Value::Nil => None,
        Value::Table(context) => Some(Kept::new(call.lua, context)?),
        other => {
            let kind = type_name(&other);
            let message = format!("Bad ctx option value type {kind}, expected a Lua table");
            return Err(raise_at(call.lua, &message));
        }
    };
    let shares = flag(call, options, "share_all_vars")?;
    let copies = flag(call, options, "copy_all_vars")?;
    let mut subrequest = Subrequest::of_function(call.tx, &call.settings.background, context);
    if shares {
        subrequest.share_variables();
    }
    if shares || copies {
        subrequest.variables = variable::set_by_functions(call.tx);
    }
    match options.raw_get("vars")? {
        Value::Nil => {}
        Value::Table(variables) => {
            for pair in variables.pairs::<Value, Value>() {
                let (name, value) = pair?;
                let name = tostring(call, name)?.to_string_lossy().to_ascii_lowercase();
                if !variable::is_settable(&name) {
                    let problem = if is_fixed(&name) {
                        "not changeable"
                    } else {
                        "cannot be assigned a value (maybe you forgot to define it first?)"
                    };
                    return Err(raise_at(call.lua, &format!("variable \"{name}\" {problem}")));
                }
                let Some(value) = text_of(call, &value)? else {
                    let kind = type_name(&value);
                    let message = format!("bad value of variable \"{name}\": a {kind}");
                    return Err(raise_at(call.lua, &message));
                };
                let value = call.tx.share.keep_one(&value)?;
                subrequest.variables.push((name, value));
            }
        }
        _ => return Err(raise_at(call.lua, "Bad vars option value")),
    }
    Ok(subrequest)
}

fn flag(call: &Call<'_>, options: &Table, name: &str) -> mlua::Result<bool> {
    match options.raw_get(name)? {
        Value::Nil => Ok(false),
        Value::Boolean(flag) => Ok(flag),
        _ => Err(raise_at(call.lua, &format!("Bad {name} option value"))),
    }
}
