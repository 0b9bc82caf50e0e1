//! `ngx.status` and the other fields that are computed, and `ngx.get_phase`.

use mlua::Value;

use super::log::complain;
use crate::binding::{Call, Namespace, bindings};
use crate::lua::{raise_at, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "status", super::REQUEST, calls get_status;
        "status =", super::REQUEST, calls set_status;
        "headers_sent", super::REQUEST, calls headers_sent;
        "is_subrequest", super::REQUEST, calls is_subrequest;
        "get_phase", PhaseSet::ANY, calls get_phase;
    },
};

/// The fields of `ngx` that are computed.
pub(super) const FIELDS: [&str; 4] = ["status", "ctx", "headers_sent", "is_subrequest"];

fn get_status(call: &mut Call<'_>, (): ()) -> mlua::Result<u16> {
    Ok(call.tx.response.status())
}

pub(super) fn set_status(call: &mut Call<'_>, status: Value) -> mlua::Result<()> {
    if call.tx.response.sent {
        complain(call, "attempt to set ngx.status after sending out response headers");
        return Ok(());
    }
    let kind = type_name(&status);
    let Some(number) = call.lua.coerce_number(status)? else {
        let message = format!("bad ngx.status: number expected, got {kind}");
        return Err(raise_at(call.lua, &message));
    };
    match number as i32 {
        status @ 100..=999 => call.tx.response.set_status(status as u16),
        status => complain(call, &format!("invalid HTTP status code {status}")),
    }
    Ok(())
}

fn headers_sent(call: &mut Call<'_>, (): ()) -> mlua::Result<bool> {
    Ok(call.tx.response.sent)
}

fn is_subrequest(call: &mut Call<'_>, (): ()) -> mlua::Result<bool> {
    Ok(call.tx.is_subrequest())
}

fn get_phase(call: &mut Call<'_>, (): ()) -> mlua::Result<&'static str> {
    Ok(match call.tx.site.phase {
        crate::Phase::Certificate => "ssl_cert",
        phase => phase.name(),
    })
}
