//! The request's method, version and age: `ngx.req.*`.

use http::Method;
use mlua::{LuaString, Value};

use super::consts::CONSTANTS;
use crate::binding::{Call, Namespace, bindings};
use crate::lua::{as_number, raise_at};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.req",
    bindings: bindings! {
        "get_method", super::REQUEST, calls get_method;
        "set_method", super::REQUEST, calls set_method;
        "http_version", super::REQUEST, calls http_version;
        "start_time", super::REQUEST, calls start_time;
        "is_internal", super::REQUEST, calls is_internal;
    },
};

fn get_method(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(call.tx.request.method().as_str())
}

fn set_method(call: &mut Call<'_>, method: Value) -> mlua::Result<()> {
    let Some(number) = as_number(&method) else {
        return Err(raise_at(call.lua, "bad method number"));
    };
    call.tx.request.set_method(method_of(call, number)?);
    Ok(())
}

/// The method of a number, `ngx.HTTP_GET` for one.
pub(super) fn method_of(call: &Call<'_>, number: f64) -> mlua::Result<Method> {
    let methods = CONSTANTS.iter().filter(|(_, value)| (0x2..=0x8000).contains(value));
    let named = methods.filter_map(|(name, value)| Some((name.strip_prefix("HTTP_")?, *value)));
    let is_method = |value: i64| value.count_ones() == 1 && value as f64 == number;
    let Some((name, _)) = named.into_iter().find(|(_, value)| is_method(*value)) else {
        return Err(raise_at(call.lua, &format!("unsupported HTTP method: {number}")));
    };
    Ok(Method::from_bytes(name.as_bytes()).expect("names of methods"))
}

fn http_version(call: &mut Call<'_>, (): ()) -> mlua::Result<f64> {
    Ok(call.tx.request.http_version())
}

fn start_time(call: &mut Call<'_>, (): ()) -> mlua::Result<f64> {
    Ok(call.tx.started_at().as_millis() as f64 / 1000.0)
}

fn is_internal(call: &mut Call<'_>, (): ()) -> mlua::Result<bool> {
    Ok(call.tx.request.is_internal)
}
