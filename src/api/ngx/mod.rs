//! The API of lua-nginx-module, `ngx.*`: one file for each of its own, by the names they have
//! there.

#![expect(clippy::needless_pass_by_value, reason = "a binding owns what Lua passes")]

mod arg;
mod args;
mod arguments;
mod balancer_data;
mod config;
mod consts;
mod control;
mod ctx;
mod fixed_variables;
mod header_names;
mod headers_in;
mod headers_out;
mod log;
mod misc;
mod output;
mod regex;
mod req_body;
mod req_method;
mod shdict;
mod sleep;
#[cfg(feature = "net")]
pub(crate) mod socket;
mod string;
mod subrequest;
mod thread;
mod time;
mod timer;
mod uri;
mod variable;
mod worker;
mod worker_thread;

use mlua::{Function, Table, Value};

pub(in crate::api) use self::shdict::zone;
use crate::binding::{Namespace, Scope};
use crate::phase::PhaseSet;

/// The phases of a request in which functions run here.
pub(crate) const REQUEST: PhaseSet = PhaseSet::REWRITE
    .or(PhaseSet::ACCESS)
    .or(PhaseSet::HEADER_FILTER)
    .or(PhaseSet::BODY_FILTER)
    .or(PhaseSet::LOG);

/// Those before the inner service is called.
const BEFORE: PhaseSet = PhaseSet::REWRITE.or(PhaseSet::ACCESS);

/// All namespaces of functions. Several files add to `ngx` and `ngx.req`.
pub(crate) const NAMESPACES: &[&Namespace] = &[
    &output::NAMESPACE,
    &control::NAMESPACE,
    &log::NAMESPACE,
    &misc::NAMESPACE,
    &ctx::NAMESPACE,
    &balancer_data::NAMESPACE,
    &sleep::NAMESPACE,
    #[cfg(feature = "net")]
    &socket::TCP_NAMESPACE,
    #[cfg(feature = "net")]
    &socket::UDP_NAMESPACE,
    #[cfg(feature = "net")]
    &socket::REQUEST_NAMESPACE,
    &subrequest::NAMESPACE,
    &thread::NAMESPACE,
    &time::NAMESPACE,
    &timer::NAMESPACE,
    &uri::NAMESPACE,
    &args::NAMESPACE,
    &string::NAMESPACE,
    &regex::NAMESPACE,
    &shdict::NAMESPACE,
    &headers_in::NAMESPACE,
    &req_body::NAMESPACE,
    &req_method::NAMESPACE,
    &uri::REQ_NAMESPACE,
    &headers_out::NAMESPACE,
    &headers_out::RESP_NAMESPACE,
    &arg::NAMESPACE,
    &variable::NAMESPACE,
    &worker::NAMESPACE,
    &worker_thread::NAMESPACE,
    &config::NAMESPACE,
];

pub(crate) use self::arguments::tostring;
pub(crate) use self::headers_in::header_values;
#[cfg(test)]
pub(crate) use self::log::GLOBAL_NAMESPACE;
pub(crate) use self::string::{decode_digits, encode, without_padding};
pub(crate) use self::variable::assign as assign_variable;

/// The names of all constants of `ngx`.
#[cfg(test)]
pub(crate) fn constant_names() -> impl Iterator<Item = &'static str> {
    consts::CONSTANTS.iter().map(|(name, _)| *name)
}

/// Makes the global `ngx`.
///
/// A row named `NAME =` sets the field that the row `NAME` gets; rows in capitals stand for any
/// field of their table.
pub(crate) fn register(scope: &Scope<'_>) -> mlua::Result<()> {
    time::register(scope.lua)?;
    let ngx = scope.root(NAMESPACES)?;
    consts::add_to(&ngx)?;
    config::add_constants(&ngx.raw_get("config")?)?;
    ngx.raw_set("null", Value::NULL)?;
    ctx::register(scope.lua, &ngx)?;
    regex::register(scope, &ngx.raw_get("re")?)?;
    #[cfg(feature = "net")]
    socket::register(scope, &ngx.raw_get("socket")?, &ngx.raw_get("req")?)?;
    subrequest::register(scope, &ngx.raw_get("location")?)?;
    thread::register(scope, &ngx.raw_get("thread")?)?;
    timer::register(scope, &ngx.raw_get("timer")?)?;
    shdict::register(scope, &ngx.raw_get("shared")?)?;
    for (name, field) in [("header", "HEADER"), ("var", "VARIABLE"), ("arg", "INDEX")] {
        let accessors: Table = ngx.raw_get(name)?;
        ngx.raw_set(name, proxy(scope, &accessors, field)?)?;
    }
    let fields: Function = scope
        .lua
        .load(
            r#"
            local ngx, names = ...
            local rawget, rawset, setmetatable = rawget, rawset, setmetatable
            local getters, setters = {}, {}
            for _, name in ipairs(names) do
              getters[name], setters[name] = rawget(ngx, name), rawget(ngx, name .. " =")
              rawset(ngx, name, nil)
              rawset(ngx, name .. " =", nil)
            end
            setmetatable(ngx, {
              __index = function(_, name)
                local getter = getters[name]
                return getter and getter()
              end,
              __newindex = function(t, name, value)
                local setter = setters[name]
                if setter then setter(value) else rawset(t, name, value) end
              end,
            })
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    fields.call::<()>((&ngx, misc::FIELDS.to_vec()))?;
    scope.extend(&scope.lua.globals(), &log::GLOBAL_NAMESPACE)?;
    log::register(scope, &ngx)?;
    scope.lua.globals().set("ngx", ngx)
}

/// A table without fields of its own: each access calls a function of `accessors`.
fn proxy(scope: &Scope<'_>, accessors: &Table, field: &str) -> mlua::Result<Table> {
    let make: Function = scope
        .lua
        .load(
            r#"
            local get, set = ...
            return setmetatable({}, {
              __shared = true,
              __index = function(_, key) return get(key) end,
              __newindex = function(_, key, value) set(key, value) end,
            })
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    let (get, set): (Function, Function) =
        (accessors.raw_get(field)?, accessors.raw_get(format!("{field} ="))?);
    make.call((get, set))
}
