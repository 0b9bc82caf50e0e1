//! `kong.cluster`: what nodes have in common.

use mlua::LuaString;

use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.cluster",
    bindings: bindings! {
        "get_id", PhaseSet::ANY, calls get_id;
    },
};

// Kong: asks its database, and answers nil without one.
fn get_id(call: &mut Call<'_>, (): ()) -> mlua::Result<Option<LuaString>> {
    call.settings.configuration.text("cluster_id").map(|id| call.string(id)).transpose()
}
