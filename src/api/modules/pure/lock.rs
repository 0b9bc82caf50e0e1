//! What frees a lock of `resty.lock` that nobody has any more.

#![expect(clippy::needless_pass_by_value, reason = "a binding owns what Lua passes")]

use std::sync::Arc;

use bytes::Bytes;
use mlua::{AnyUserData, LuaString, UserData, Value};

use crate::api::ngx::zone;
use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;
use crate::store::dict::SharedDict;

/// What the Lua half is made with. Functions do not see these.
pub(in crate::api::modules) const NAMESPACE: Namespace = Namespace {
    path: "resty.lock",
    bindings: bindings! {
        "hold", PhaseSet::ANY, calls hold;
        "let_go", PhaseSet::ANY, calls let_go;
    },
};

/// A lock that is held. When Lua collects it, because its function has failed or forgotten it, it is free.
struct Held(Option<(Arc<SharedDict>, Bytes)>);

impl UserData for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((dict, key)) = self.0.take() {
            dict.try_delete(&key);
        }
    }
}

fn hold(call: &mut Call<'_>, (dict, key): (Value, LuaString)) -> mlua::Result<AnyUserData> {
    let key = Bytes::copy_from_slice(&key.as_bytes());
    let held = Held(Some((zone(call, &dict)?, key)));
    call.lua.create_userdata(held)
}

fn let_go(_: &mut Call<'_>, held: AnyUserData) -> mlua::Result<()> {
    held.borrow_mut::<Held>()?.0 = None;
    Ok(())
}
