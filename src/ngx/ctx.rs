//! `ngx.ctx`: a table that lives as long as the request.

use mlua::{Table, Value};

use crate::binding::{Call, Namespace, bindings, raise_at};
use crate::pdk::{kept, type_name};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "ctx", PhaseSet::ANY, calls get;
        "ctx =", PhaseSet::ANY, calls set;
    },
};

fn get(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    kept(call.lua, &mut call.tx.tables.get_or_default().ctx)
}

fn set(call: &mut Call<'_>, value: Value) -> mlua::Result<()> {
    let Value::Table(table) = value else {
        let message = format!("ctx should be a table while getting a {}", type_name(&value));
        return Err(raise_at(call.lua, &message));
    };
    call.tx.tables.get_or_default().ctx = Some(table);
    Ok(())
}
