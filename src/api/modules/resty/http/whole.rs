//! What `request_uri` does in one go: a connection taken or made, the request sent, the response read,
//! the connection kept. Put together of calls of sockets, the same takes a dozen turns between Lua and
//! Rust, and several times the CPU.
//!
//! Whoever asks for more than most do, proxies or client certificates or streams, has it put together.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use mlua::{IntoLuaMulti, Lua, LuaString, MultiValue, Table, Value};
use parking_lot::Mutex;

use super::head::Head;
use super::request::{Body, Request, write_head};
use super::{Chunks, heading, last, uri};
use crate::api::ngx::socket;
use crate::binding::{Await, Call};
use crate::lua::{Charge, as_number};
use crate::net::{
    Chunked, Fault, Filter, Limits, PoolOptions, Portion, Received, Sending, Socket, Target,
};

/// How long a body may be that goes out with the head, in bytes.
const MAX_BODY: usize = 16 << 10;

/// What the caller says: method, path, query, headers, body, `ssl_verify`, `keepalive`, `keepalive_timeout`, and
/// `keepalive_pool`.
type Params = (Value, Value, Value, Value, Value, Value, Value, Value, Value);

/// What the caller wants, of what most want.
struct Wanted {
    method: Vec<u8>,
    path: Option<LuaString>,
    query: Option<LuaString>,
    fields: Option<Table>,
    body: Option<LuaString>,
    verifies: bool,
    keeps: bool,
    keep: Keep,
}

/// How the connection is kept afterwards: nginx's, unless the caller says something else.
#[derive(Clone, Copy)]
struct Keep {
    timeout: Option<Duration>,
    size: usize,
}

/// What came of it.
pub(super) enum Outcome {
    /// It is to be put together: nothing has been sent.
    NotInOne,
    Failed(Fault),
    Answered(Box<Answered>),
}

pub(super) struct Answered {
    head: Head,
    has_body: bool,
    body: BytesMut,
    /// Of a body in chunks, which may have trailers.
    chunks: Option<Arc<Mutex<Chunked>>>,
    /// Why the connection could not be kept.
    problem: Option<Fault>,
}

/// Sends a request and reads the whole response, if `params` say no more than most do.
pub(super) fn request(
    call: &mut Call<'_>,
    (object, uri, agent, params): (Value, Value, LuaString, Params),
) -> mlua::Result<Await<Outcome>> {
    let not_in_one = || Ok(Await::Ready(Outcome::NotInOne));
    let (Ok(wanted), Value::String(uri)) = (Wanted::of(params), uri) else {
        return not_in_one();
    };
    let uri = uri.to_string_lossy();
    let Some(parts) = uri::parse(&uri).filter(|_| call.tx.traced().is_none()) else {
        return not_in_one();
    };
    let is_encrypted = parts.scheme == "https";
    let usual_port = if is_encrypted { 443 } else { 80 };
    let port = match parts.port {
        _ if parts.scheme.is_empty() => return not_in_one(),
        None => usual_port,
        Some(port) => match port.parse() {
            Ok(port) => port,
            Err(_) => return not_in_one(),
        },
    };
    let host = match port == usual_port {
        true => Cow::Borrowed(parts.host),
        false => Cow::Owned([parts.host, ":", &port.to_string()].concat()),
    };
    let Ok(Ok((mut text, expects))) = wanted.write(call, &parts, &host, &agent) else {
        return not_in_one();
    };
    let Some(socket) = socket::stream(call, &object)?.filter(|_| !expects) else {
        return not_in_one();
    };
    if let Some(body) = &wanted.body {
        text.extend_from_slice(&body.as_bytes());
    }
    let pool = PoolOptions { name: wanted.pool(&parts, port), size: None, backlog: None };
    if is_encrypted && !socket::net(call).has_idle(&pool.name) {
        return not_in_one();
    }
    let owner = socket::sockets(call);
    let connecting = match socket.connect(Target::new(parts.host, port), pool, &owner) {
        Ok(Some(_)) if is_encrypted => return not_in_one(),
        Ok(connecting) => connecting,
        Err(fault) => return Ok(Await::Ready(Outcome::Failed(fault))),
    };
    let is_head = wanted.method == b"HEAD";
    let exchange = Exchange {
        socket,
        limits: call.settings.reach.limits,
        is_head,
        keep: wanted.keeps.then_some(wanted.keep),
        charge: call.tx.share.charge(text.capacity())?,
    };
    Ok(match connecting {
        Some(connecting) => exchange.begin(connecting, text),
        None => exchange.go_on(&text),
    })
}

impl Wanted {
    /// What `params` say, if that is no more than most say.
    fn of(params: Params) -> Result<Self, Unusual> {
        let (method, path, query, fields, body, verifies, keeps, timeout, size) = params;
        let method = match text(method)? {
            Some(method) => method.as_bytes().to_ascii_uppercase(),
            None => b"GET".to_vec(),
        };
        let fields = match fields {
            Value::Nil => None,
            Value::Table(fields) => Some(fields),
            _ => return Err(Unusual),
        };
        let body = text(body)?;
        let needs_body = matches!(method.as_slice(), b"POST" | b"PUT" | b"PATCH");
        let fits = body.as_ref().map_or(!needs_body, |body| body.as_bytes().len() <= MAX_BODY);
        if !fits || method == b"CONNECT" {
            return Err(Unusual);
        }
        Ok(Self {
            method,
            path: text(path)?,
            query: text(query)?,
            fields,
            body,
            verifies: boolean(&verifies)?,
            keeps: boolean(&keeps)?,
            keep: Keep { timeout: idle_time(&timeout)?, size: pool_size(&size)? },
        })
    }

    /// The name of the pool, as `connect` puts it together.
    fn pool(&self, parts: &uri::Parts<'_>, port: u16) -> Vec<u8> {
        let (host, port) = (parts.host, port.to_string());
        let verify = if self.verifies { "true" } else { "nil" };
        let name = match parts.scheme {
            "https" => ["https:", host, ":", &port, ":true:", host, ":", verify, ":::"].concat(),
            scheme => [scheme, ":", host, ":", &port, ":nil::nil:::"].concat(),
        };
        name.into_bytes()
    }

    /// The bytes of the head.
    fn write(
        &self,
        call: &Call<'_>,
        parts: &uri::Parts<'_>,
        host: &str,
        agent: &LuaString,
    ) -> mlua::Result<Result<(Vec<u8>, bool), Fault>> {
        let bytes = |text: &Option<LuaString>| text.as_ref().map(LuaString::as_bytes);
        let (path, query, body) = (bytes(&self.path), bytes(&self.query), bytes(&self.body));
        let request = Request {
            method: &self.method,
            target: path.as_deref().unwrap_or(parts.path.as_bytes()),
            query: query.as_deref().unwrap_or(parts.query.as_bytes()),
            old: false,
            fields: self.fields.as_ref(),
            host: Some(host.as_bytes()),
            body: body.map_or(Body::None, |body| Body::Length(body.len())),
            authorization: None,
            agent: &agent.as_bytes(),
        };
        write_head(call, &request, None)
    }
}

/// That a parameter is not what it is for most.
struct Unusual;

/// A parameter that is a text, or is not given.
fn text(value: Value) -> Result<Option<LuaString>, Unusual> {
    match value {
        Value::Nil => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Unusual),
    }
}

/// One that is true where it is not given.
const fn boolean(value: &Value) -> Result<bool, Unusual> {
    match value {
        Value::Nil => Ok(true),
        Value::Boolean(boolean) => Ok(*boolean),
        _ => Err(Unusual),
    }
}

/// How long a connection waits for its next request, if not for ever.
fn idle_time(value: &Value) -> Result<Option<Duration>, Unusual> {
    if value.is_nil() {
        return Ok(Some(socket::KEEPALIVE));
    }
    let millis = as_number(value).ok_or(Unusual)?;
    Ok((millis >= 1.0).then(|| Duration::from_millis(millis as u64)))
}

fn pool_size(value: &Value) -> Result<usize, Unusual> {
    if value.is_nil() {
        return Ok(socket::POOL_SIZE);
    }
    let size = as_number(value).filter(|size| *size >= 1.0).ok_or(Unusual)?;
    Ok(size as usize)
}

/// A request that is on its way.
struct Exchange {
    socket: Arc<Socket>,
    limits: Limits,
    is_head: bool,
    keep: Option<Keep>,
    /// What it holds counts as long as it waits: Lua's limit does not know of it.
    charge: Option<Charge>,
}

impl Exchange {
    /// Sends `text` when there is a connection.
    fn begin(
        self,
        connecting: impl Future<Output = Result<(), Fault>> + Send + 'static,
        text: Vec<u8>,
    ) -> Await<Outcome> {
        Await::future(async move {
            Ok(match connecting.await {
                Err(fault) => Outcome::Failed(fault),
                Ok(()) => {
                    let sending = self.socket.send(&text);
                    drop(text);
                    self.run(sending).await
                }
            })
        })
    }

    /// The same on a connection that there is.
    fn go_on(self, text: &[u8]) -> Await<Outcome> {
        let sending = self.socket.send(text);
        Await::future(async move { Ok(self.run(sending).await) })
    }

    async fn run(mut self, sending: Result<Option<Sending>, Fault>) -> Outcome {
        match self.answer(sending).await {
            Ok(answered) => Outcome::Answered(Box::new(answered)),
            Err(fault) => {
                let _ = self.socket.close();
                Outcome::Failed(fault)
            }
        }
    }

    async fn answer(&mut self, sending: Result<Option<Sending>, Fault>) -> Result<Answered, Fault> {
        if let Some(sending) = sending? {
            sending.await?;
        }
        let first = heading(self.receive(Filter::head(&self.limits)).await);
        let head = last(first, &self.socket, &self.limits).await?;
        if let Some(charge) = &mut self.charge {
            charge.grow(head.size()).map_err(|_| Fault::NO_MEMORY)?;
        }
        let has_body = !self.is_head && !matches!(head.status(), 101 | 204 | 304);
        let mut chunks = None;
        let body = match head.length() {
            _ if !has_body => Ok(BytesMut::new()),
            _ if head.is_chunked() => {
                let body = Arc::<Mutex<Chunked>>::default();
                chunks = Some(Arc::clone(&body));
                self.receive(Filter::chunks(body, Portion::All, &self.limits)).await
            }
            Some(0) => Ok(BytesMut::new()),
            Some(length) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                self.receive(Filter::size(length, &self.limits)).await
            }
            None => self.receive(Filter::all(&self.limits)).await,
        };
        let body = body.map_err(|(fault, _)| fault)?;
        let kept = match self.keep {
            Some(Keep { timeout, size }) if !head.closes() => self.socket.keep(timeout, size),
            _ => self.socket.close(),
        };
        Ok(Answered { head, has_body, body, chunks, problem: kept.err() })
    }

    async fn receive(&self, filter: Filter) -> Received {
        match self.socket.receive(filter) {
            Ok(receiving) => receiving.await,
            Err(fault) => Err((fault, BytesMut::new())),
        }
    }
}

/// Nothing; `nil` and a problem; or the response, its chunks, and why the connection was not kept.
impl IntoLuaMulti for Outcome {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        let Answered { head, has_body, body, chunks, problem } = match self {
            Self::NotInOne => return Ok(MultiValue::new()),
            Self::Failed(fault) => return (Value::Nil, fault.as_str()).into_lua_multi(lua),
            Self::Answered(answered) => *answered,
        };
        let response = head.with_body(lua, has_body.then_some(&*body))?;
        let problem = problem.as_ref().map(Fault::as_str);
        (response, chunks.map(Chunks), problem).into_lua_multi(lua)
    }
}
