//! `ngx.thread`: light threads. The prelude of a VM runs them.

use mlua::{Function, Table};

use crate::binding::{Call, Namespace, Scope, bindings};
use crate::phase::PhaseSet;

/// The rows check the phase; the functions themselves are made in Lua.
pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.thread",
    bindings: bindings! {
        "kill", PhaseSet::YIELDABLE, calls check;
        "spawn", PhaseSet::YIELDABLE, calls check;
        "wait", PhaseSet::YIELDABLE, calls check;
    },
};

fn check(_: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    Ok(())
}

/// Puts the functions in the places of their rows.
pub(super) fn register(scope: &Scope<'_>, table: &Table) -> mlua::Result<()> {
    let guarded: Function = scope
        .lua
        .load(
            r#"
            local check, f = ...
            return function(...)
              check()
              return f(...)
            end
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    for binding in NAMESPACE.bindings {
        let check: Function = table.raw_get(binding.name)?;
        let function: Function = scope.threads.raw_get(binding.name)?;
        table.raw_set(binding.name, guarded.call::<Function>((check, function))?)?;
    }
    Ok(())
}
