//! `kong.service`: which service a request goes to, and how.

pub(super) mod request;
pub(super) mod response;
pub(super) mod retry;

use std::time::Duration;

use mlua::Value;

use crate::api::kong::checks;
use crate::binding::convert::{self, Noted};
use crate::binding::{Call, Namespace, bindings};
use crate::extension::{Destination, Timeouts};
use crate::lua::{as_number, raise};
use crate::phase::PhaseSet;

const BEFORE_RESPONSE: PhaseSet =
    PhaseSet::REWRITE.or(PhaseSet::ACCESS).or(PhaseSet::BALANCER).or(PhaseSet::PREREAD);

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.service",
    bindings: bindings! {
        "set_upstream", PhaseSet::ACCESS, calls set_upstream;
        "set_target", BEFORE_RESPONSE, calls set_target;
        "set_retries", PhaseSet::ACCESS, calls set_retries;
        "set_timeouts", PhaseSet::ACCESS, calls set_timeouts;
        "set_tls_cert_key", BEFORE_RESPONSE, calls set_tls_cert_key;
        "set_tls_verify", BEFORE_RESPONSE, calls set_tls_verify;
        "set_tls_verify_depth", BEFORE_RESPONSE, calls set_tls_verify_depth;
        "set_tls_verify_store", BEFORE_RESPONSE, calls set_tls_verify_store;
    },
};

// Kong: knows its upstreams. Here the forwarder does; where the application does not say which there
// are, any name will do.
fn set_upstream(call: &mut Call<'_>, host: Value) -> mlua::Result<Noted<Option<bool>, String>> {
    let name = host_name(host)?;
    if call.settings.upstreams.as_ref().is_some_and(|exists| !exists(&name)) {
        return Ok(Noted(None, Some(format!("could not find an Upstream named '{name}'"))));
    }
    call.tx.request.upstream.balancer_mut().destination = Some(Destination::Upstream(name));
    Ok(Noted(Some(true), None))
}

/// The name of a host. Kong: takes one of any length.
fn host_name(host: Value) -> mlua::Result<String> {
    let host = checks::string(host, "host must be a string")?;
    let length = host.as_bytes().len();
    if length > MAX_HOST {
        return Err(raise(format!("host too long: {length} bytes (limit: {MAX_HOST})")));
    }
    Ok(host.to_string_lossy())
}

/// The longest name of a host, in bytes: four times what DNS has.
pub(crate) const MAX_HOST: usize = 1024;

fn set_target(call: &mut Call<'_>, (host, port): (Value, Value)) -> mlua::Result<()> {
    let host = host_name(host)?;
    let port = integer(call, "port", &port, 0.0, 65_535.0)? as u16;
    call.tx.request.upstream.balancer_mut().destination = Some(Destination::Target(host, port));
    Ok(())
}

fn set_retries(call: &mut Call<'_>, retries: Value) -> mlua::Result<()> {
    let retries = integer(call, "retries", &retries, 0.0, 32_767.0)? as u32;
    call.tx.request.upstream.balancer_mut().retries = Some(retries);
    Ok(())
}

fn set_timeouts(
    call: &mut Call<'_>,
    (connect, write, read): (Value, Value, Value),
) -> mlua::Result<()> {
    let timeout = |name, value| {
        let milliseconds = integer(call, name, value, 1.0, 2_147_483_646.0)?;
        Ok::<_, mlua::Error>(Duration::from_millis(milliseconds as u64))
    };
    let timeouts = Timeouts {
        connect: timeout("connect_timeout", &connect)?,
        send: timeout("write_timeout", &write)?,
        read: timeout("read_timeout", &read)?,
    };
    call.tx.request.upstream.balancer_mut().timeouts = Some(timeouts);
    Ok(())
}

/// A whole number from `min` to `max`; `name` is the parameter's, for messages.
fn integer(call: &Call<'_>, name: &str, value: &Value, min: f64, max: f64) -> mlua::Result<f64> {
    let number = as_number(value).filter(|number| number.floor() == *number);
    let Some(number) = number else {
        return Err(raise(format!("{name} must be an integer")));
    };
    if !(min..=max).contains(&number) {
        let given = convert::display(call.lua, value);
        let message = format!("{name} must be an integer between {min} and {max}: given {given}");
        return Err(raise(message));
    }
    Ok(number)
}

/// Certificates are parsed by modules over LuaJIT's `ffi`, which no VM here has: nothing that a
/// function could pass is one.
fn set_tls_cert_key(_: &mut Call<'_>, (_, _): (Value, Value)) -> mlua::Result<()> {
    Err(raise("chain must be a parsed cdata object"))
}

fn set_tls_verify(call: &mut Call<'_>, on: Value) -> mlua::Result<bool> {
    let Value::Boolean(on) = on else {
        return Err(raise("argument must be a boolean"));
    };
    call.tx.request.upstream.balancer_mut().tls_verify = Some(on);
    Ok(true)
}

fn set_tls_verify_depth(call: &mut Call<'_>, depth: Value) -> mlua::Result<bool> {
    let Some(number) = as_number(&depth) else {
        return Err(raise("argument must be a number"));
    };
    if number < 0.0 {
        let found = convert::display(call.lua, &depth);
        return Err(raise(format!("depth expects a non-negative integer but found {found}")));
    }
    call.tx.request.upstream.balancer_mut().tls_verify_depth = Some(number as u32);
    Ok(true)
}

/// As with [`set_tls_cert_key`], there is no object that would do.
fn set_tls_verify_store(_: &mut Call<'_>, store: Value) -> mlua::Result<()> {
    Err(raise(match store {
        Value::Table(_) => "store expects a resty.openssl.x509.store object but found table",
        _ => "argument must be a resty.openssl.x509.store object",
    }))
}
