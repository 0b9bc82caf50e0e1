//! `kong.ctx`: tables that live as long as the request.

use mlua::{Lua, Table, Value};

use super::entity;
use crate::binding::{Call, Namespace, bindings, convert};
use crate::phase::PhaseSet;
use crate::transaction::{Kept, Transaction};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.ctx",
    bindings: bindings! {
        "shared", PhaseSet::ANY, calls shared;
        "plugin", PhaseSet::ANY, calls plugin;
    },
};

/// Both are fields, not functions: looking one up calls the row of its name.
pub(super) fn fields(lua: &Lua, getters: Table) -> mlua::Result<Table> {
    lua.load(
        r#"
            local getters = ...
            return setmetatable({}, {
              __index = function(_, name)
                local getter = getters[name]
                return getter and getter()
              end,
            })
            "#,
    )
    .set_name("=tower-lua")
    .call(getters)
}

fn shared(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    let is_new = call.tx.tables.get_or_default().shared.is_none();
    let table = kept(call.lua, &mut call.tx.tables.get_or_default().shared)?;
    if is_new && let Some(shared) = call.tx.request.known(|known| known.shared.as_ref()) {
        for (key, value) in shared.given().into_iter().flat_map(|fields| fields.iter()) {
            table.raw_set(key.as_str(), convert::json_value(call.lua, value)?)?;
        }
    }
    Ok(table)
}

/// What functions have left in a field of `kong.ctx.shared`.
///
/// # Errors
///
/// When it is nothing that JSON could express.
pub(crate) fn shared_value(
    lua: &Lua,
    tx: &Transaction,
    key: &str,
) -> mlua::Result<Option<serde_json::Value>> {
    let Some(shared) = tx.tables.get().and_then(|tables| tables.shared.as_ref()) else {
        return Ok(None);
    };
    match shared.get::<Table>(lua)?.raw_get(key)? {
        Value::Nil => Ok(None),
        value => entity::as_json(lua, &value).map(Some),
    }
}

fn plugin(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    let plugin = call.tx.site.plugin.index();
    kept(call.lua, &mut call.tx.tables.get_or_default().plugin[plugin])
}

/// The table in `slot`, made when it is first asked for.
pub(in crate::api::kong) fn kept(lua: &mlua::Lua, slot: &mut Option<Kept>) -> mlua::Result<Table> {
    if let Some(kept) = slot {
        return kept.get(lua);
    }
    let table = lua.create_table()?;
    *slot = Some(Kept::new(lua, &table)?);
    Ok(table)
}

/// The metatable of `ngx.ctx`, in Lua's registry: made where `ngx` is.
pub(crate) const NGX_CTX_META: &str = "tower-lua.ngx.ctx";

/// The table `ngx.ctx` of a request.
pub(crate) fn ngx_ctx(call: &mut Call<'_>) -> mlua::Result<Table> {
    let slot = &mut call.tx.tables.get_or_default().ctx;
    if let Some(kept) = slot {
        return kept.get(call.lua);
    }
    let table = kept(call.lua, slot)?;
    table.set_metatable(Some(call.lua.named_registry_value(NGX_CTX_META)?))?;
    Ok(table)
}
