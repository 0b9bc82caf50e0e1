//! Encrypted stream sockets: `sslhandshake` and what goes with it.

use mlua::{IntoLuaMulti, Lua, MultiValue, UserData, Value};

use super::{Method, Outcome};
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::{raise_at, type_name};
use crate::net::Fault;
use crate::net::tls::{Chain, Handshake, Identity, Key, Session};
use crate::phase::PhaseSet;

pub(super) const METHODS: Namespace = Namespace {
    path: "tcpsock",
    bindings: bindings! {
        "setclientcert", PhaseSet::YIELDABLE, calls setclientcert;
        "sslhandshake", PhaseSet::YIELDABLE, awaits sslhandshake;
        "getsslsession", PhaseSet::YIELDABLE, calls getsslsession;
    },
};

/// A chain of certificates that Lua has in its hands.
pub(crate) struct Certificate(pub(crate) Chain);

impl UserData for Certificate {}

/// A private key that Lua has in its hands. It cannot be read there.
pub(crate) struct PrivateKey(pub(crate) Key);

impl UserData for PrivateKey {}

/// A session that Lua has in its hands.
struct Resumable(Session);

impl UserData for Resumable {}

/// What a handshake returns: the session, or `true` where none is wanted.
pub(super) struct Shaken(Option<Session>);

impl IntoLuaMulti for Shaken {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        match self.0 {
            Some(session) => lua.create_userdata(Resumable(session))?.into_lua_multi(lua),
            None => true.into_lua_multi(lua),
        }
    }
}

fn setclientcert(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<bool>> {
    let problem = "expecting 3 arguments (including the object), but got";
    let method = Method::new(call, "setclientcert", &arguments, 1..=3, problem)?;
    let Some(socket) = method.socket(call)? else { return Ok(Outcome::closed()) };
    let given = |value: &Value| !matches!(value, Value::Nil | Value::Boolean(false));
    let (cert, key) = (method.get(1), method.get(2));
    let problem = match (given(&cert), given(&key)) {
        (false, false) => {
            socket.set_identity(None);
            return Ok(Outcome(Ok(true)));
        }
        (true, true) => None,
        _ => Some("client certificate must be supplied with corresponding private key".to_owned()),
    };
    if let Some(problem) = problem {
        return Ok(Outcome::fault(problem.into()));
    }
    let bad = |name: &str, value: &Value| {
        let kind = type_name(value);
        Ok(Outcome::fault(format!("bad {name} arg: cdata expected, got {kind}").into()))
    };
    let chain = match &cert {
        Value::UserData(chain) if chain.is::<Certificate>() => {
            chain.borrow::<Certificate>()?.0.clone()
        }
        other => return bad("cert", other),
    };
    let key = match &key {
        Value::UserData(key) if key.is::<PrivateKey>() => key.borrow::<PrivateKey>()?.0.clone(),
        other => return bad("pkey", other),
    };
    match Identity::new(&chain, &key) {
        Some(identity) => socket.set_identity(Some(identity)),
        None => return Ok(Outcome::fault(Fault::new("ssl set client private key failed"))),
    }
    Ok(Outcome(Ok(true)))
}

fn sslhandshake(
    call: &mut Call<'_>,
    arguments: MultiValue,
) -> mlua::Result<Await<Outcome<Shaken>>> {
    let problem = "ngx.socket sslhandshake: expecting 1 ~ 5 arguments (including the object), but \
                   seen";
    let method = Method::new(call, "sslhandshake", &arguments, 1..=5, problem)?;
    let Some(socket) = method.socket(call)?.filter(|socket| socket.was_used()) else {
        return Err(raise_at(call.lua, "socket is never created nor connected"));
    };
    let session = match method.get(1) {
        Value::UserData(session) if session.is::<Resumable>() => {
            Some(session.borrow::<Resumable>()?.0.clone())
        }
        _ => None,
    };
    let server_name = match method.get(2) {
        Value::Nil | Value::Boolean(false) => None,
        name => {
            let name = method.argument(2).text(call, &name)?.to_string_lossy();
            (!name.is_empty()).then_some(name)
        }
    };
    let handshake = Handshake {
        session,
        keeps_session: method.get(1) != Value::Boolean(false),
        server_name,
        verifies: !matches!(method.get(3), Value::Nil | Value::Boolean(false)),
    };
    Ok(match socket.handshake(handshake) {
        Err(fault) => Await::Ready(Outcome(Err(fault))),
        Ok(Ok(session)) => Await::Ready(Outcome(Ok(Shaken(session)))),
        Ok(Err(shaking)) => Await::future(async move { Ok(Outcome(shaking.await.map(Shaken))) }),
    })
}

fn getsslsession(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<Shaken>> {
    let problem = "ngx.socket getsslsession: expecting the cosocket object, but seen";
    let method = Method::new(call, "getsslsession", &arguments, 1..=1, problem)?;
    let Some(socket) = method.socket(call)? else { return Ok(Outcome::closed()) };
    Ok(Outcome(socket.session().map(|session| Shaken(Some(session)))))
}
