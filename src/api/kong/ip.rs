//! `kong.ip`: which proxies are trusted.

use std::net::IpAddr;

use mlua::Value;

use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.ip",
    bindings: bindings! {
        "is_trusted", PhaseSet::ANY, calls is_trusted;
    },
};

fn is_trusted(call: &mut Call<'_>, address: Value) -> mlua::Result<bool> {
    let Value::String(address) = address else { return Ok(false) };
    let address = address.to_string_lossy().parse::<IpAddr>();
    Ok(address.is_ok_and(|address| call.settings.trusts(address)))
}
