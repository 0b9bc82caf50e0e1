//! How the application's functions become functions of a VM.

use std::sync::Arc;

use mlua::{Function, IntoLuaMulti, MultiValue};

use super::{Dialect, Scope, pending};
use crate::lua;
use crate::phase::PhaseSet;
use crate::settings::{HostBody, HostFunction};
use crate::transaction::Operation;

impl Scope<'_> {
    /// `function` as Lua calls it.
    ///
    /// While it runs the transaction is lent to it, so that it may call Lua functions that it is given:
    /// those find no request.
    pub(crate) fn host(&self, function: &HostFunction) -> mlua::Result<Function> {
        let current = Arc::clone(self.current);
        let label = format!("{}.{}", function.module, function.name);
        match function.body.clone() {
            HostBody::Plain(body) => self.lua.create_function(move |lua, arguments: MultiValue| {
                let began = lua::begin_foreign(lua);
                let result = current.lend(|tx| body(lua, &tx.host_call(), arguments));
                lua::end_foreign(lua, began, &label)?;
                result
            }),
            HostBody::Async(body) => {
                let function = self.lua.create_function(move |lua, arguments: MultiValue| {
                    let began = lua::begin_foreign(lua);
                    let future = current.lend(|tx| {
                        let phase = tx.site.phase;
                        if PhaseSet::YIELDABLE.contains(phase) {
                            body(lua, &tx.host_call(), arguments)
                        } else {
                            Err(Dialect::Ngx.refuse(lua, phase, PhaseSet::YIELDABLE))
                        }
                    });
                    lua::end_foreign(lua, began, &label)?;
                    let operation = Operation::future(future?);
                    current.with(|tx| {
                        tx.operation = Some(operation);
                        pending().into_lua_multi(lua)
                    })
                })?;
                self.awaiting.call(function)
            }
        }
    }
}
