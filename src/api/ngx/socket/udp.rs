//! Datagram sockets: `ngx.socket.udp`.

use std::sync::Arc;

use mlua::{IntoLuaMulti, Lua, MultiValue, Value};

use super::{Held, Method, Outcome, net, port, sockets, timeout};
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::raise_at;
use crate::net::{Datagrams, Fault, MAX_DATAGRAM, Target, local};
use crate::phase::PhaseSet;

pub(in crate::api::ngx) const NAMESPACE: Namespace = Namespace {
    path: "ngx.socket",
    bindings: bindings! {
        "udp", PhaseSet::YIELDABLE, calls udp;
    },
};

pub(super) const METHODS: Namespace = Namespace {
    path: "udpsock",
    bindings: bindings! {
        "bind", PhaseSet::YIELDABLE, calls bind;
        "setpeername", PhaseSet::YIELDABLE, awaits setpeername;
        "send", PhaseSet::YIELDABLE, calls send;
        "receive", PhaseSet::YIELDABLE, awaits receive;
        "settimeout", PhaseSet::YIELDABLE, calls settimeout;
        "close", PhaseSet::YIELDABLE, calls close;
    },
};

fn udp(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Held<Datagrams>> {
    if !arguments.is_empty() {
        let message = format!("expecting zero arguments, but got {}", arguments.len());
        return Err(raise_at(call.lua, &message));
    }
    let (net, owner) = (net(call), sockets(call));
    Ok(Held(Datagrams::new(&net, &owner)))
}

/// The socket that a method is called on.
///
/// # Errors
///
/// When it is one of another request.
fn own(call: &mut Call<'_>, method: &Method<'_>) -> mlua::Result<Option<Arc<Datagrams>>> {
    let Some(socket) = method.held::<Datagrams>()? else { return Ok(None) };
    if !socket.belongs_to(&sockets(call)) {
        return Err(raise_at(call.lua, "bad request"));
    }
    Ok(Some(socket))
}

fn bind(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u8>> {
    let method = Method::new(call, "bind", &arguments, 2..=2, "expecting 2 arguments, but got")?;
    let address = method.argument(1).text(call, &method.get(1))?;
    let Some(address) = address.to_str().ok().and_then(|text| local(&text, 0)) else {
        return Ok(Outcome::fault(Fault::new("bad address")));
    };
    if let Some(socket) = own(call, &method)? {
        socket.bind(address);
    }
    Ok(Outcome(Ok(1)))
}

fn setpeername(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Outcome<u8>>> {
    let problem = "ngx.socket.udp setpeername: expecting 2 or 3 arguments (including the \
                   object), but seen";
    let method = Method::new(call, "setpeername", &arguments, 2..=3, problem)?;
    let host = method.argument(1).text(call, &method.get(1))?;
    let number = match arguments.get(2) {
        None => 0.0,
        Some(number) => method.argument(2).number(call, number.clone())?,
    };
    let ready = |fault| Ok(Await::Ready(Outcome(Err(fault))));
    let port = match port(number) {
        Ok(port) => port,
        Err(fault) => return ready(fault),
    };
    let Some(socket) = own(call, &method)? else { return ready(Fault::CLOSED) };
    let owner = sockets(call);
    match socket.set_peer(Target::new(&host.to_string_lossy(), port), &owner) {
        Err(fault) => ready(fault),
        Ok(setting) => Ok(Await::future(async move { Ok(Outcome(setting.await.map(|()| 1))) })),
    }
}

fn send(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u8>> {
    let problem = "expecting 2 arguments (including the object), but got";
    let method = Method::new(call, "send", &arguments, 2..=2, problem)?;
    let Some(socket) = own(call, &method)? else { return Ok(Outcome::closed()) };
    let data = method.data(call)?;
    Ok(Outcome(data.with(|data| socket.send(data)).map(|()| 1)))
}

fn receive(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Outcome<Packet>>> {
    let problem = "expecting 1 or 2 arguments (including the object), but got";
    let method = Method::new(call, "receive", &arguments, 1..=2, problem)?;
    let size = match method.get(1) {
        Value::Nil => MAX_DATAGRAM,
        size => method.argument(1).number(call, size)?.max(0.0) as usize,
    };
    let ready = |fault| Ok(Await::Ready(Outcome(Err(fault))));
    let Some(socket) = own(call, &method)? else { return ready(Fault::CLOSED) };
    let mut datagram = match socket.receive(size) {
        Ok(datagram) => datagram,
        Err(fault) => return ready(fault),
    };
    Ok(match datagram.now() {
        Some(received) => Await::Ready(Outcome(received.map(Packet))),
        None => Await::future(async move { Ok(Outcome(datagram.await.map(Packet))) }),
    })
}

/// What a datagram holds.
struct Packet(Vec<u8>);

impl IntoLuaMulti for Packet {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        lua.create_string(self.0)?.into_lua_multi(lua)
    }
}

fn settimeout(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<()> {
    let problem = "ngx.socket settimeout: expecting at least 2 arguments (including the object) \
                   but seen";
    let method = Method::new(call, "settimeout", &arguments, 2..=2, problem)?;
    let timeout = timeout(call, &method.get(1))?;
    if let Some(socket) = method.held::<Datagrams>()? {
        socket.set_timeout(timeout);
    }
    Ok(())
}

fn close(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Outcome<u8>> {
    let problem = "expecting 1 argument (including the object) but seen";
    let method = Method::new(call, "close", &arguments, 1..=1, problem)?;
    let Some(socket) = method.held::<Datagrams>()? else { return Ok(Outcome::closed()) };
    Ok(Outcome(socket.close().map(|()| 1)))
}
