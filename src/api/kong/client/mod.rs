//! `kong.client`: who makes the request.

pub(super) mod tls;

use http::HeaderValue;
use mlua::{LuaString, Table, Value};

use super::{AUTH_AND_LATER, checks, entity};
use crate::binding::convert::{self, Noted};
use crate::binding::{Call, Namespace, bindings};
use crate::extension::{Consumer, Credential};
use crate::lua::raise;
use crate::phase::PhaseSet;
use crate::transaction::Identity;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.client",
    bindings: bindings! {
        "get_ip", PhaseSet::CLIENT, calls get_ip;
        "get_forwarded_ip", PhaseSet::CLIENT, calls get_forwarded_ip;
        "get_port", PhaseSet::CLIENT, calls get_port;
        "get_forwarded_port", PhaseSet::CLIENT, calls get_forwarded_port;
        "get_credential", AUTH_AND_LATER, calls get_credential;
        "load_consumer", AUTH_AND_LATER, calls load_consumer;
        "get_consumer", AUTH_AND_LATER, calls |call, (): ()| consumer(call);
        "authenticate", PhaseSet::ACCESS, calls authenticate;
        "get_protocol", AUTH_AND_LATER, calls get_protocol;
    },
};

const CONSUMER: &str = "authenticated_consumer";
const CREDENTIAL: &str = "authenticated_credential";

fn get_ip(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<LuaString>> {
    let peer = call.tx.request.connection().map(|connection| connection.peer_addr());
    peer.map(|peer| call.string(peer.ip().to_string())).transpose()
}

fn get_forwarded_ip(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<LuaString>> {
    let client = call.tx.request.client_ip(call.settings);
    client.map(|ip| call.string(ip.to_string())).transpose()
}

fn get_port(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<u16>> {
    Ok(call.tx.request.connection().map(|connection| connection.peer_addr().port()))
}

fn get_forwarded_port(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<u16>> {
    Ok(call.tx.request.client(call.settings).and_then(|(_, port)| port))
}

fn get_credential(call: &mut Call<'_>, (): ()) -> mlua::Result<Value> {
    credential(call)
}

/// What the client has been authenticated with.
pub(crate) fn credential(call: &mut Call<'_>) -> mlua::Result<Value> {
    if is_authenticated(call)? {
        return entity::present(call.lua, call.tx, CREDENTIAL);
    }
    entity::entity(call, CREDENTIAL, |request| {
        request.known(|known| known.credential.as_ref()).map(Credential::fields)
    })
}

/// Who the client has been found to be.
pub(crate) fn consumer(call: &mut Call<'_>) -> mlua::Result<Value> {
    if is_authenticated(call)? {
        return entity::present(call.lua, call.tx, CONSUMER);
    }
    entity::entity(call, CONSUMER, |request| {
        request.known(|known| known.consumer.as_ref()).map(Consumer::fields)
    })
}

/// Whether a function has said who the client is, and nobody has said otherwise since.
fn is_authenticated(call: &mut Call<'_>) -> mlua::Result<bool> {
    let said = call.tx.tables.get().and_then(|tables| tables.authenticated.as_ref());
    let Some(said) = said else { return Ok(false) };
    if said.is_of(&call.tx.request) {
        return Ok(true);
    }
    // What stands in `ngx.ctx` is no longer so.
    call.tx.tables.get_or_default().authenticated = None;
    entity::set(call, CONSUMER, Value::Nil)?;
    entity::set(call, CREDENTIAL, Value::Nil)?;
    Ok(false)
}

fn load_consumer(
    call: &mut Call<'_>,
    (id, by_username): (Value, Value),
) -> mlua::Result<Option<Table>> {
    let id = checks::string(id, "consumer_id must be a string")?;
    let by_username = !matches!(by_username, Value::Nil | Value::Boolean(false));
    let is_uuid = is_uuid(&id.as_bytes());
    if !is_uuid && !by_username {
        return Err(raise("cannot load a consumer with an id that is not a uuid"));
    }
    let id = id.to_string_lossy();
    let by_id = is_uuid.then(|| find(call, "id", &id)).flatten();
    let found = by_id.or_else(|| by_username.then(|| find(call, "username", &id)).flatten());
    found.map(|consumer| convert::fields_table(call.lua, consumer.fields())).transpose()
}

/// The consumer with a value in a field: the request's own, or one that the application knows.
fn find(call: &Call<'_>, field: &str, value: &str) -> Option<Consumer> {
    let own = call.tx.request.known(|known| known.consumer.as_ref());
    let is_own =
        |own: &&Consumer| own.field(field).and_then(serde_json::Value::as_str) == Some(value);
    let of_application = || call.settings.consumers.as_ref()?(field, value);
    own.filter(is_own).cloned().or_else(of_application)
}

fn is_uuid(id: &[u8]) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    id.len() == 36
        && id.iter().enumerate().all(|(at, byte)| match byte {
            b'-' => DASHES.contains(&at),
            digit => digit.is_ascii_hexdigit() && !DASHES.contains(&at),
        })
}

fn authenticate(call: &mut Call<'_>, (consumer, credential): (Value, Value)) -> mlua::Result<()> {
    for (value, name) in [(&consumer, "consumer"), (&credential, "credential")] {
        if !(value.is_table() || value.is_nil()) {
            return Err(raise(format!("{name} must be a table or nil")));
        }
    }
    if consumer.is_nil() && credential.is_nil() {
        return Err(raise("either credential or consumer must be provided"));
    }
    let identity = Identity {
        consumer: entity::fields_of(call.lua, &consumer).map(Consumer::of_fields),
        credential: entity::fields_of(call.lua, &credential).map(Credential::of_fields),
    };
    entity::set(call, CONSUMER, consumer)?;
    entity::set(call, CREDENTIAL, credential)?;
    call.tx.request.identify(&identity);
    call.tx.tables.get_or_default().authenticated = Some(identity);
    Ok(())
}

fn get_protocol(
    call: &mut Call<'_>,
    allow_terminated: Value,
) -> mlua::Result<Noted<Option<LuaString>>> {
    let Value::Table(route) = super::router::route(call)? else {
        return Ok(Noted(None, Some("No active route found")));
    };
    if let Value::Table(protocols) = route.raw_get("protocols")?
        && protocols.raw_len() == 1
    {
        return Ok(Noted(protocols.raw_get(1)?, None));
    }
    let allow_terminated = !matches!(allow_terminated, Value::Nil | Value::Boolean(false));
    match is_https(call, allow_terminated) {
        Ok(is_https) => {
            let protocol = call.string(if is_https { "https" } else { "http" })?;
            Ok(Noted(Some(protocol), None))
        }
        Err(message) => Ok(Noted(None, Some(message))),
    }
}

/// Whether the client speaks TLS, to a proxy before us if `allow_terminated`.
fn is_https(call: &Call<'_>, allow_terminated: bool) -> Result<bool, &'static str> {
    let request = &call.tx.request;
    if request.scheme() == "https" {
        return Ok(true);
    }
    let from_proxy =
        request.connection().is_some_and(|peer| call.settings.trusts(peer.peer_addr().ip()));
    if !allow_terminated || !from_proxy {
        return Ok(false);
    }
    let mut protocols =
        request.headers().get_all("x-forwarded-proto").iter().map(HeaderValue::as_bytes);
    match (protocols.next(), protocols.next()) {
        (None, _) => Ok(false),
        (Some(protocol), None) if !protocol.contains(&b',') => {
            Ok(protocol.eq_ignore_ascii_case(b"https"))
        }
        _ => Err("Only one X-Forwarded-Proto header allowed"),
    }
}
