//! `kong.client.tls`: the client's end of the TLS connection.

use mlua::{LuaString, Value};

use crate::api::kong::entity;
use crate::binding::{Call, Namespace, bindings};
use crate::extension::Tls;
use crate::lua::raise;
use crate::phase::PhaseSet;

const BEFORE_LOG: PhaseSet =
    PhaseSet::REWRITE.or(PhaseSet::ACCESS).or(PhaseSet::BALANCER).or(PhaseSet::RESPONSE);

pub(in crate::api::kong) const NAMESPACE: Namespace = Namespace {
    path: "kong.client.tls",
    bindings: bindings! {
        "request_client_certificate", PhaseSet::CERTIFICATE, calls |_, _: Value| handshake();
        "disable_session_reuse", PhaseSet::CERTIFICATE, calls |_, (): ()| handshake();
        "get_full_client_certificate_chain", BEFORE_LOG.or(PhaseSet::LOG),
            calls get_full_client_certificate_chain;
        "set_client_verify", BEFORE_LOG, calls set_client_verify;
    },
};

/// What the handshake has settled.
pub(in crate::api::kong) fn tls<'a>(call: &'a Call<'_>) -> Option<&'a Tls> {
    call.tx.request.tls()
}

const OVERRIDE: &str = "CLIENT_VERIFY_OVERRIDE";

/// What changes a handshake, which is over before any function runs here.
fn handshake() -> mlua::Result<()> {
    Err(raise("the TLS handshake is not the layer's"))
}

fn get_full_client_certificate_chain(
    call: &mut Call<'_>,
    (): (),
) -> mlua::Result<Option<LuaString>> {
    let chain = tls(call).and_then(Tls::client_certificate_chain);
    chain.map(|chain| call.string(chain)).transpose()
}

fn set_client_verify(call: &mut Call<'_>, outcome: Value) -> mlua::Result<()> {
    let Value::String(outcome) = outcome else {
        return Err(raise("assertion failed!"));
    };
    let known = |outcome: &[u8]| {
        outcome == b"SUCCESS" || outcome == b"NONE" || outcome.starts_with(b"FAILED:")
    };
    if !known(&outcome.as_bytes()) {
        return Err(raise(format!(
            "unknown client verify value: {} accepted values are: \"SUCCESS\", \"NONE\" or \
             \"FAILED:<reason>\"",
            outcome.to_string_lossy()
        )));
    }
    entity::set(call, OVERRIDE, outcome)
}

/// What came of looking at the client's certificate, as functions have it: of no connection that is
/// not encrypted.
pub(in crate::api::kong) fn client_verify(call: &Call<'_>) -> mlua::Result<Option<LuaString>> {
    let Some(tls) = tls(call) else { return Ok(None) };
    match entity::present(call.lua, call.tx, OVERRIDE)? {
        Value::String(outcome) => Ok(Some(outcome)),
        _ => call.string(tls.client_verify()).map(Some),
    }
}
