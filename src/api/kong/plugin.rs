//! `kong.plugin`: which plugin's function runs.

use mlua::LuaString;

use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.plugin",
    bindings: bindings! {
        "get_id", PhaseSet::ANY, calls get_id;
    },
};

// Kong: has an id for each configuration of a plugin. Here that is a set of functions, which has a
// name.
fn get_id(call: &mut Call<'_>, (): ()) -> mlua::Result<LuaString> {
    call.string(&*call.tx.site.set)
}
