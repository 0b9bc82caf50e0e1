//! `ngx.ctx`: a table that lives as long as the request.

use mlua::{Function, Table, Value};

use crate::api::kong::{self, NGX_CTX_META, ngx_ctx};
use crate::binding::{Call, Namespace, bindings};
use crate::lua::{raise_at, type_name};
use crate::phase::PhaseSet;
use crate::transaction::{Kept, Source};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "ctx", PhaseSet::ANY, calls get;
        "ctx =", PhaseSet::ANY, calls set;
        "ctx.FIELD", PhaseSet::ANY, calls field;
    },
};

/// Lets contexts answer for what Kong lays into them. A context that a function has put in its place
/// holds what the function has laid into it.
pub(super) fn register(lua: &mlua::Lua, ngx: &Table) -> mlua::Result<()> {
    let field: Function = ngx.raw_get("ctx.FIELD")?;
    ngx.raw_remove("ctx.FIELD")?;
    let balancer_data = super::balancer_data::maker(lua, ngx)?;
    let make: Function = lua
        .load(
            r#"
            local field, make_balancer_data = ...
            local getmetatable, rawset, setmetatable, type = getmetatable, rawset, setmetatable, type
            -- Beside the contexts, so that each assignment is heard of.
            local balancer_data = setmetatable({}, { __mode = "k" })
            return {
              __metatable = false,
              __index = function(ctx, name)
                if name ~= "balancer_data" then return field(name) end
                local data = balancer_data[ctx]
                if not data then
                  data = make_balancer_data()
                  balancer_data[ctx] = data
                end
                return data
              end,
              __newindex = function(ctx, name, value)
                if name ~= "balancer_data" then
                  rawset(ctx, name, value)
                elseif type(value) == "table" and getmetatable(value) == nil then
                  balancer_data[ctx] = make_balancer_data(value)
                elseif value == nil then
                  balancer_data[ctx] = nil
                elseif value ~= balancer_data[ctx] then
                  rawset(ctx, name, value)
                end
              end,
            }
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    lua.set_named_registry_value(NGX_CTX_META, make.call::<Table>((field, balancer_data))?)
}

fn get(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    ngx_ctx(call)
}

fn set(call: &mut Call<'_>, value: Value) -> mlua::Result<()> {
    let Value::Table(table) = value else {
        let message = format!("ctx should be a table while getting a {}", type_name(&value));
        return Err(raise_at(call.lua, &message));
    };
    let kept = Kept::new(call.lua, table)?;
    call.tx.tables.get_or_default().ctx = Some(kept);
    Ok(())
}

/// Makes it a new one, for a request that is led elsewhere: nginx forgets what modules know of it.
// Kong: keeps `kong.ctx` in it.
pub(super) fn renew(call: &mut Call<'_>) {
    if let Some(tables) = call.tx.tables.get_mut() {
        tables.ctx = None;
    }
}

/// What functions read of Kong's own notes on the request.
fn field(call: &mut Call<'_>, name: Value) -> mlua::Result<Value> {
    let Value::String(name) = name else { return Ok(Value::Nil) };
    let times = call.tx.times();
    let millis = |time: std::time::Duration| Value::Integer(time.as_millis() as i64);
    let or_nil = |value: Option<Value>| Ok(value.unwrap_or(Value::Nil));
    match &*name.as_bytes() {
        b"route" => kong::route(call),
        b"service" => kong::service(call),
        b"authenticated_consumer" => kong::consumer(call),
        b"authenticated_credential" => kong::credential(call),
        b"router_matches" => matches(call).map(Value::Table),
        b"KONG_EXITED" => {
            let exited = call.tx.response.source == Some(Source::Exit);
            or_nil(exited.then_some(Value::Boolean(true)))
        }
        b"KONG_PROCESSING_START" => Ok(millis(call.tx.started_at())),
        b"KONG_PROXIED" => or_nil(times.called.map(|_| Value::Boolean(true))),
        b"KONG_PROXY_LATENCY" => or_nil(times.called.map(millis)),
        b"KONG_WAITING_TIME" => or_nil(
            times.called.zip(times.answered).map(|(from, to)| millis(to.saturating_sub(from))),
        ),
        _ => Ok(Value::Nil),
    }
}

/// What the route's path has captured of the request's.
fn matches(call: &mut Call<'_>) -> mlua::Result<Table> {
    let matches = call.lua.create_table()?;
    if let Some(captures) = call.tx.request.captures() {
        let uri_captures = call.lua.create_table()?;
        for value in &captures.unnamed {
            uri_captures.raw_push(value.as_str())?;
        }
        for (name, value) in &captures.named {
            uri_captures.raw_set(name.as_str(), value.as_str())?;
        }
        matches.raw_set("uri_captures", uri_captures)?;
    }
    Ok(matches)
}
