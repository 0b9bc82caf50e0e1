//! Heads of HTTP/1 requests.

use std::sync::Arc;
use std::time::Instant;

use mlua::{IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value};

use crate::api::ngx::socket;
use crate::binding::{Await, Call, convert};
use crate::extension::TraceSpan;
use crate::lua::Buffer;
use crate::net::Fault;
use crate::transaction::Traced;

/// As long as most heads are, in bytes.
const USUAL: usize = 512;

/// A head that is being written.
struct Writer<'a> {
    call: &'a Call<'a>,
    text: Buffer<'a>,
    has: Fields,
}

/// Which fields the caller has given.
#[derive(Default)]
struct Fields {
    host: bool,
    agent: bool,
    connection: bool,
    length: bool,
    chunked: bool,
    proxy_authorization: bool,
    traceparent: bool,
    expects: bool,
}

/// What a head is made of: the socket, the request line in parts, the caller's fields, and what is
/// said where these say nothing.
type Arguments = (
    Value,
    LuaString,
    LuaString,
    Option<LuaString>,
    Value,
    Option<Table>,
    Option<LuaString>,
    Value,
    Option<LuaString>,
    Option<LuaString>,
    LuaString,
);

/// Whether the head was sent, and whether the server is to say first that it wants the body.
pub(super) struct Sent(Result<bool, Fault>);

impl IntoLuaMulti for Sent {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.0 {
            Ok(expects) => (true, Value::Nil, expects).into_lua_multi(lua),
            Err(fault) => (Value::Nil, fault.as_str()).into_lua_multi(lua),
        }
    }
}

/// What the head of a request says.
pub(super) struct Request<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    /// With or without its `?`.
    pub(super) query: &'a [u8],
    /// Whether it is HTTP/1.0.
    pub(super) old: bool,
    /// What the caller gives.
    pub(super) fields: Option<&'a Table>,
    /// The host that is named where the caller names none.
    pub(super) host: Option<&'a [u8]>,
    pub(super) body: Body,
    pub(super) authorization: Option<&'a [u8]>,
    pub(super) agent: &'a [u8],
}

/// What is known of a request's body.
pub(super) enum Body {
    None,
    Length(usize),
    /// It is a function's to make.
    Unmeasured,
    /// There is none, and the method wants one.
    Missing,
}

impl Body {
    fn of(lua: &Lua, length: &Value) -> mlua::Result<Self> {
        Ok(match length {
            Value::Nil => Self::None,
            Value::Boolean(false) => Self::Unmeasured,
            Value::Boolean(true) => Self::Missing,
            length => Self::Length(lua.coerce_number(length.clone())?.unwrap_or(0.0) as usize),
        })
    }
}

/// Sends the head of a request, and its body with it where that is short.
pub(super) fn send_head(call: &mut Call<'_>, arguments: Arguments) -> mlua::Result<Await<Sent>> {
    let object = arguments.0.clone();
    let span = call.tx.traced().and_then(|traced| span(traced, &arguments));
    let written = {
        let (_, method, target, query, version, fields, host, length, authorization, _, agent) =
            &arguments;
        let bytes = |text: &Option<LuaString>| text.as_ref().map(LuaString::as_bytes);
        let (query, host, authorization) = (bytes(query), bytes(host), bytes(authorization));
        let request = Request {
            method: &method.as_bytes(),
            target: &target.as_bytes(),
            query: query.as_deref().unwrap_or_default(),
            old: call.lua.coerce_number(version.clone())? == Some(1.0),
            fields: fields.as_ref(),
            host: host.as_deref(),
            body: Body::of(call.lua, length)?,
            authorization: authorization.as_deref(),
            agent: &agent.as_bytes(),
        };
        write_head(call, &request, span.as_ref())?
    };
    let (mut text, expects) = match written {
        Ok(written) => written,
        Err(fault) => return Ok(Await::Ready(Sent(Err(fault)))),
    };
    let Some(socket) = socket::stream(call, &object)? else {
        return Ok(Await::Ready(Sent(Err(Fault::CLOSED))));
    };
    if let (Some(span), Some(traced)) = (span, call.tx.traced()) {
        traced.trace.begin_call(Arc::as_ptr(&socket).addr(), span);
    }
    if let Some(body) = arguments.9.filter(|_| !expects) {
        text.extend_from_slice(&body.as_bytes());
    }
    Ok(match socket.send(&text) {
        Err(fault) => Await::Ready(Sent(Err(fault))),
        Ok(None) => Await::Ready(Sent(Ok(expects))),
        Ok(Some(sending)) => {
            let sending = sending.counted(&mut call.tx.share)?;
            Await::future(async move { Ok(Sent(sending.await.map(|()| expects))) })
        }
    })
}

/// The span of a request, if anybody wants it. It ends with the head of the response.
#[cold]
fn span(traced: &Traced, arguments: &Arguments) -> Option<TraceSpan> {
    let trace = &traced.trace;
    if !trace.is_sampled() {
        return None;
    }
    let (_, method, target, _, _, _, host, ..) = arguments;
    // The name that Kong has for it.
    let mut span = trace.span("kong.internal.request", Instant::now());
    (span.kind, span.parent_id) = ("client", traced.function);
    let host = host.as_ref().map(LuaString::to_string_lossy).unwrap_or_default();
    span.set("http.method", method.to_string_lossy());
    span.set("http.host", &*host);
    span.set("http.target", target.to_string_lossy());
    Some(span)
}

/// The bytes of a head, and whether the server is to say first that it wants the body.
pub(super) fn write_head(
    call: &Call<'_>,
    request: &Request<'_>,
    span: Option<&TraceSpan>,
) -> mlua::Result<Result<(Vec<u8>, bool), Fault>> {
    let Request { method, target, query, old, .. } = *request;
    let mut writer = Writer { call, text: call.buffer(), has: Fields::default() };
    writer.text.reserve(USUAL)?;
    if !writer.request_line(method, target, query, old)? {
        return Ok(Err(Fault::new("the request line has control characters or spaces in it")));
    }
    if let Some(fields) = request.fields
        && let Some(fault) = writer.fields(fields)?
    {
        return Ok(Err(fault));
    }
    let has = &writer.has;
    match request.body {
        _ if has.chunked || has.length => {}
        Body::Unmeasured => {
            return Ok(Err(Fault::new(
                "Request body is a function but a length or chunked encoding is not specified",
            )));
        }
        Body::Missing => return Ok(Err(no_body(method))),
        Body::None => {}
        Body::Length(length) => writer.field(b"Content-Length", length.to_string().as_bytes())?,
    }
    match request.host {
        _ if writer.has.host => {}
        Some(host) => writer.field(b"Host", host)?,
        None => return Ok(Err(Fault::new("no host"))),
    }
    let has = &writer.has;
    let (agent_given, connection_given) = (has.agent, has.connection);
    let (authorized, traced) = (has.proxy_authorization, has.traceparent);
    if !agent_given {
        writer.field(b"User-Agent", request.agent)?;
    }
    if old && !connection_given {
        writer.field(b"Connection", b"Keep-Alive")?;
    }
    if let Some(authorization) = request.authorization.filter(|_| !authorized) {
        writer.field(b"Proxy-Authorization", authorization)?;
    }
    match (span, call.tx.traced()) {
        _ if traced => {}
        (Some(span), Some(traced)) => {
            writer.field(b"traceparent", traced.trace.traceparent(span.id).as_bytes())?;
        }
        _ => {
            if let Some(trace) = call.tx.request.headers().get("traceparent") {
                writer.field(b"traceparent", trace.as_bytes())?;
            }
        }
    }
    writer.text.extend(b"\r\n")?;
    Ok(Ok((writer.text.into_vec(), writer.has.expects)))
}

#[cold]
fn no_body(method: &[u8]) -> Fault {
    let method = String::from_utf8_lossy(method);
    format!(
        "Request body is nil but {method} method expects a body. Use an empty string \"\" if you want \
         to send an empty body."
    )
    .into()
}

impl Writer<'_> {
    /// Whether all of it may stand there.
    fn request_line(
        &mut self,
        method: &[u8],
        target: &[u8],
        query: &[u8],
        old: bool,
    ) -> mlua::Result<bool> {
        self.text.extend(method)?;
        self.text.push(b' ')?;
        self.text.extend(target)?;
        if !query.is_empty() {
            if query[0] != b'?' {
                self.text.push(b'?')?;
            }
            self.text.extend(query)?;
        }
        let spaces =
            self.text.as_bytes().iter().filter(|byte| **byte <= b' ' || **byte == 0x7f).count();
        self.text.extend(if old { b" HTTP/1.0\r\n" } else { b" HTTP/1.1\r\n" })?;
        Ok(spaces == 1)
    }

    /// Writes the caller's fields, but for a length where there are chunks. Gives what is wrong with
    /// one.
    fn fields(&mut self, fields: &Table) -> mlua::Result<Option<Fault>> {
        let mut length = None;
        for pair in fields.pairs::<Value, Value>() {
            let (name, value) = pair?;
            let name = convert::display(self.call.lua, &name);
            let values = match value {
                Value::Table(values) => values
                    .pairs::<Value, Value>()
                    .map(|pair| pair.map(|(_, value)| value))
                    .collect::<mlua::Result<Vec<_>>>()?,
                value => vec![value],
            };
            for value in values {
                let value = convert::lenient_text(self.call.lua, value)?;
                let value = value.as_bytes();
                let is_token = |byte: u8| byte.is_ascii_graphic() && byte != b':';
                let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
                if name.is_empty() || !name.bytes().all(is_token) || value.iter().any(breaks) {
                    return Ok(Some(format!("invalid header '{}'", name.escape_default()).into()));
                }
                if self.note(&name, &value) {
                    length = Some(value.to_vec());
                } else {
                    self.field(name.as_bytes(), &value)?;
                }
            }
        }
        // Both would let two servers disagree about where the request ends.
        if let Some(length) = length.filter(|_| !self.has.chunked) {
            self.field(b"Content-Length", &length)?;
        }
        Ok(None)
    }

    /// Notes a field that there is. Whether it is the length.
    fn note(&mut self, name: &str, value: &[u8]) -> bool {
        let has = &mut self.has;
        match name.to_ascii_lowercase().as_str() {
            "host" => has.host = true,
            "user-agent" => has.agent = true,
            "connection" => has.connection = true,
            "proxy-authorization" => has.proxy_authorization = true,
            "traceparent" => has.traceparent = true,
            "expect" => has.expects = value == b"100-continue",
            "transfer-encoding" => {
                has.chunked |= value.to_ascii_lowercase().windows(7).any(|part| part == b"chunked");
            }
            "content-length" => {
                has.length = true;
                return true;
            }
            _ => {}
        }
        false
    }

    fn field(&mut self, name: &[u8], value: &[u8]) -> mlua::Result<()> {
        [name, b": ", value, b"\r\n"].into_iter().try_for_each(|part| self.text.extend(part))
    }
}
