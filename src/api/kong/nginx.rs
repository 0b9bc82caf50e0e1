//! `kong.nginx`: the server.

use mlua::Table;

use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.nginx",
    bindings: bindings! {
        "get_subsystem", PhaseSet::ANY, calls |_, (): ()| Ok("http");
        "get_statistics", PhaseSet::ANY, calls get_statistics;
    },
};

fn get_statistics(call: &mut Call<'_>, (): ()) -> mlua::Result<Table> {
    let table = call.lua.create_table()?;
    let Some(statistics) = &call.settings.server_stats else { return Ok(table) };
    let statistics = statistics();
    for (name, count) in [
        ("connections_active", statistics.connections_active),
        ("connections_reading", statistics.connections_reading),
        ("connections_writing", statistics.connections_writing),
        ("connections_waiting", statistics.connections_waiting),
        ("connections_accepted", statistics.connections_accepted),
        ("connections_handled", statistics.connections_handled),
        ("total_requests", statistics.total_requests),
    ] {
        table.raw_set(name, count as f64)?;
    }
    Ok(table)
}
