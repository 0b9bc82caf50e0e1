//! `kong.service.set_target_retry_callback`: a function that says where to try again.

use mlua::{Function, Lua, Value};

use crate::api::kong::MAX_HOST;
use crate::binding::{Call, Namespace, Scope, bindings, convert};
use crate::error::log::Line;
use crate::lua::{as_number, raise};
use crate::phase::PhaseSet;
use crate::transaction::{Kept, Retry};

pub(in crate::api::kong) const NAMESPACE: Namespace = Namespace {
    path: "kong.service",
    bindings: bindings! {
        "set_target_retry_callback", PhaseSet::ACCESS, calls set_target_retry_callback;
    },
};

/// The function that asks a request's callback, in Lua's registry.
const ASK: &str = "tower-lua.retry";

/// Prepares the function that asks callbacks.
pub(in crate::api::kong) fn register(scope: &Scope<'_>) -> mlua::Result<()> {
    let callback = scope.calls(PhaseSet::ANY, callback, None)?;
    let answer = scope.calls(PhaseSet::ANY, answer, None)?;
    let make: Function = scope
        .lua
        .load("local callback, answer = ... return function() answer(callback()()) end")
        .set_name("=tower-lua")
        .into_function()?;
    scope.lua.set_named_registry_value(ASK, make.call::<Function>((callback, answer))?)
}

/// The function that asks the callback of the request in whose VM it runs.
pub(crate) fn ask(lua: &Lua) -> mlua::Result<Function> {
    lua.named_registry_value(ASK)
}

// Kong: runs it in the phase `balancer`, which no layer has. Here it sees `access`.
fn set_target_retry_callback(call: &mut Call<'_>, callback: Value) -> mlua::Result<()> {
    let Value::Function(callback) = callback else {
        return Err(raise("retry_callback must be a function"));
    };
    let kept = Kept::new(call.lua, callback)?;
    call.tx.tables.get_or_default().retry_callback = Some(kept);
    Ok(())
}

fn callback(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<Function>> {
    let kept = call.tx.tables.get().and_then(|held| held.retry_callback.as_ref());
    kept.map(|kept| kept.get(call.lua)).transpose()
}

/// Notes what a callback has returned: a host and a port; something true, where it has set the target
/// itself; or nothing, and why.
fn answer(call: &mut Call<'_>, (host, port, error): (Value, Value, Value)) -> mlua::Result<()> {
    let number = as_number(&port).filter(|port| (0.0..=65_535.0).contains(port));
    let retry = match (&host, number) {
        (Value::Nil | Value::Boolean(false), _) => {
            let why = if error.is_nil() { &port } else { &error };
            let mut line = Line::default();
            convert::log(call.lua, why, &mut line);
            Retry::Refused(line.finish())
        }
        (Value::String(host), Some(_)) if host.as_bytes().len() > MAX_HOST => {
            Retry::Refused("host too long".to_owned())
        }
        (Value::String(host), Some(port)) => Retry::Target(host.to_string_lossy(), port as u16),
        _ => Retry::AsBefore,
    };
    call.tx.rare_mut().retry = Some(retry);
    Ok(())
}
