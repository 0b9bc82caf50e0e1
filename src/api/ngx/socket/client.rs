//! `ngx.req.socket(true)`: the client's own connection.
//!
//! hyper gives it away once a response with status 101 has gone out. So the response is made of what
//! stands in the transaction when a function asks for the connection, and the function goes on beside
//! it, in a task of its own.
// Kong: gives it away at any time, for the function to write a response of its own into it.

use http::Version;
use hyper::upgrade::OnUpgrade;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{Held, Outcome, net, sockets};
use crate::api::ngx;
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::raise_at;
use crate::net::{Fault, Socket};
use crate::transaction::Upgrade;

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

/// The connection to come, or why there is none.
fn client(call: &Call<'_>) -> Result<OnUpgrade, &'static str> {
    let body = call.tx.rare().and_then(|rare| rare.body_socket.as_ref());
    if body.is_some_and(|body| !body.is_over()) {
        return Err("pending request body reading in some other thread");
    }
    let response = &call.tx.response;
    if call.tx.is_upgraded() {
        return Err("duplicate call");
    }
    if response.output_len() > 0 {
        let is_old = call.tx.request.version() == Version::HTTP_10;
        return Err(if is_old { "http 1.0 buffering" } else { "pending data to write" });
    }
    if !response.sent || response.status() != SWITCHING_PROTOCOLS {
        return Err(
            "the client's connection is the server's until a response with status 101 is sent",
        );
    }
    let client = call.tx.request.extensions().get::<OnUpgrade>().cloned();
    client.filter(|_| Handle::try_current().is_ok()).ok_or("this server gives no connection away")
}
