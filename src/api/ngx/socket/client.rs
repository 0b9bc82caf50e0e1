//! `ngx.req.socket(true)`: the client's own connection.
//!
//! hyper gives it away once a response with status 101 has gone out, a server that can give away more whenever
//! it is asked. The function goes on beside what there is of a response, in a task of its own.

use http::Version;
use hyper::upgrade::OnUpgrade;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Held, Outcome, net, sockets};
use crate::api::ngx;
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::raise_at;
use crate::net::{Fault, Handover, Socket};
use crate::transaction::{Client, Upgrade};

/// What `ngx.req.socket` is put together of.
pub(super) const PARTS: Namespace = Namespace {
    path: "reqsock",
    bindings: bindings! {
        "socket.RAW", ngx::BEFORE, awaits raw;
    },
};

/// The status of a response after which a connection speaks another protocol.
const SWITCHING_PROTOCOLS: u16 = 101;

fn raw(call: &mut Call<'_>, (): ()) -> mlua::Result<Await<Outcome<Held<Socket>>>> {
    if call.tx.is_subrequest() {
        return Err(raise_at(call.lua, "attempt to read the request body in a subrequest"));
    }
    if call.tx.request.version() >= Version::HTTP_2 {
        return Err(raise_at(call.lua, "http v2 not supported yet"));
    }
    let client = match client(call) {
        Ok(client) => client,
        Err(words) => return Ok(Await::Ready(Outcome::fault(Fault::new(words)))),
    };
    let (deliver, delivered) = oneshot::channel();
    let rare = call.tx.rare_mut();
    rare.upgrade = Some(Upgrade { client, deliver });
    rare.is_upgraded = true;
    let (net, owner) = (net(call), sockets(call));
    Ok(Await::future(async move {
        let connection = delivered.await.map_err(|_| Fault::CLOSED);
        Ok(Outcome(connection.map(|client| Held(Socket::of_client(&net, &owner, client)))))
    }))
}

/// Who gives the connection away, or why nobody does.
fn client(call: &Call<'_>) -> Result<Client, &'static str> {
    let (request, response) = (&call.tx.request, &call.tx.response);
    let body = call.tx.rare().and_then(|rare| rare.body_socket.as_ref());
    if body.is_some_and(|body| !body.is_over()) || request.is_being_read {
        return Err("pending request body reading in some other thread");
    }
    if call.tx.is_upgraded() {
        return Err("duplicate call");
    }
    let switches = response.sent && response.status() == SWITCHING_PROTOCOLS;
    let has_head_to_send = response.sent && !response.streams && !switches;
    if response.output_len() > 0 || has_head_to_send {
        let is_old = request.version() == Version::HTTP_10;
        return Err(if is_old { "http 1.0 buffering" } else { "pending data to write" });
    }
    // Where there is none, hyper ends the connection with such a response.
    let upgrade = request.extensions().get::<OnUpgrade>();
    if Handle::try_current().is_err() || (switches && upgrade.is_none()) {
        return Err(KEEPS);
    }
    let find = call.settings.client_connection.as_ref();
    if let Some(server) = find.and_then(|find| find(request.extensions())) {
        let when = if switches { Handover::AfterResponse } else { Handover::Now };
        return Ok(Client::Server(server, when));
    }
    match upgrade.filter(|_| switches) {
        Some(upgrade) => Ok(Client::Hyper(upgrade.clone())),
        None => {
            Err("the client's connection is the server's until a response with status 101 is sent")
        }
    }
}

const KEEPS: &str = "this server gives no connection away";
