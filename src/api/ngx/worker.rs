//! `ngx.worker`: a worker is a VM.

use mlua::Table;

use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.worker",
    bindings: bindings! {
        "exiting", PhaseSet::ANY, calls exiting;
        "pid", PhaseSet::ANY, calls pid;
        "pids", PhaseSet::ANY, calls pids;
        "count", PhaseSet::ANY, calls count;
        "id", PhaseSet::ANY, calls id;
    },
};

fn exiting(call: &mut Call<'_>, (): ()) -> mlua::Result<bool> {
    Ok(call.settings.background.is_exiting())
}

fn pid(_: &mut Call<'_>, (): ()) -> mlua::Result<u32> {
    Ok(std::process::id())
}

fn pids(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    call.lua.create_sequence_from([std::process::id()])
}

fn count(call: &mut Call<'_>, (): ()) -> mlua::Result<usize> {
    Ok(call.settings.vms)
}

fn id(call: &mut Call<'_>, (): ()) -> mlua::Result<usize> {
    // The quarantine is no worker.
    Ok(call.tx.vm.map_or(0, |vm| vm.number % call.settings.vms))
}
