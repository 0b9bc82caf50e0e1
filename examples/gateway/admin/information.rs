//! What the gateway is, how it does, and what its entities look like.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::endpoint::Endpoint;
use super::{Answered, Call, list};
use crate::configured::entities::{self, Kind};
use crate::configured::problem::Problem;
use crate::configured::schema;

/// Answers at the endpoints that are not for entities.
pub(super) fn answer(call: Call<'_>, endpoint: &Endpoint) -> Answered {
    Ok(match endpoint {
        Endpoint::Root => Answer::ok(about(&call)),
        Endpoint::Status => Answer::ok(status(&call)),
        // Kong: may have to say no. Here who does not serve yet, or no more, does not answer.
        Endpoint::Ready => Answer::ok(json!({ "message": "ready" })),
        Endpoint::FunctionFiles => Answer::ok(json!({ "data": files(&call), "next": null })),
        Endpoint::FunctionMetrics => {
            Answer::ok(json!({ "data": call.admin.metrics.of_functions(), "next": null }))
        }
        Endpoint::Endpoints => Answer::ok(json!({ "data": Endpoint::all() })),
        Endpoint::EnabledPlugins => Answer::ok(json!({ "enabled_plugins": schema::PLUGINS })),
        Endpoint::Tags => return list::tags(&call, None),
        Endpoint::Tag(tag) => return list::tags(&call, Some(tag)),
        Endpoint::PluginSchema(name) => Answer::ok(schema::print(plugin(name)?)),
        Endpoint::PluginConfig(name) => {
            let config = plugin(name)?.field("config").ok_or_else(Problem::not_found)?;
            Answer::ok(schema::print_field(config))
        }
        Endpoint::Schema(name) => Answer::ok(schema::print(kind(name)?.schema())),
        Endpoint::Validate(name) => {
            entities::check(kind(name)?, call.arguments.object, call.arguments.given)?;
            Answer::ok(json!({ "message": "schema validation successful" }))
        }
        _ => return Err(Problem::not_found()),
    })
}

/// The functions that stand in files of their own.
fn files(call: &Call<'_>) -> Vec<Value> {
    let state = call.admin.database.state();
    let files = state.all(Kind::Plugins).flat_map(|plugin| {
        plugin.files().iter().map(|file| {
            json!({
                "plugin": { "id": plugin.id() },
                "phase": file.field,
                "function": file.place + 1,
                "file": file.name,
            })
        })
    });
    files.collect()
}

fn about(call: &Call<'_>) -> Value {
    let available: Map<String, Value> = schema::PLUGINS
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "version": env!("CARGO_PKG_VERSION") })))
        .collect();
    let state = call.admin.database.state();
    let plugins = state.all(Kind::Plugins).filter_map(|document| document.plugin());
    let mut enabled: Vec<_> = plugins.map(|plugin| plugin.name.as_str()).collect();
    enabled.sort_unstable();
    enabled.dedup();
    json!({
        "tagline": "Welcome to tower-lua's gateway",
        "node_id": call.admin.runtime.node_id(),
        "version": env!("CARGO_PKG_VERSION"),
        "lua_version": "LuaJIT 2.1",
        "plugins": { "available_on_server": available, "enabled_in_cluster": enabled },
        "configuration": { "database": call.admin.database.kind() },
        "pids": { "master": std::process::id() },
    })
}

fn status(call: &Call<'_>) -> Value {
    let stats = call.admin.runtime.stats();
    let [accepted, active, requests] = (call.admin.counts)();
    json!({
        "database": { "reachable": call.admin.database.is_reachable() },
        "server": {
            "connections_accepted": accepted,
            "connections_handled": accepted,
            "connections_active": active,
            "total_requests": requests,
        },
        "memory": { "lua": { "used": stats.used_memory } },
        "lua": {
            "vms": stats.vms,
            "suspended": stats.suspended,
            "used_memory": stats.used_memory,
        },
    })
}

fn kind(name: &str) -> Result<Kind, Problem> {
    let missing = || format!("No entity named '{name}'");
    let kind = Kind::of_name(name).filter(|kind| !kind.is_ours());
    kind.ok_or_else(|| Problem::message(StatusCode::NOT_FOUND, missing()))
}

fn plugin(name: &str) -> Result<&'static schema::Schema, Problem> {
    let missing = || format!("No plugin named '{name}'");
    let name = if name == "serverless-functions" { "pre-function" } else { name };
    schema::plugin(name).ok_or_else(|| Problem::message(StatusCode::NOT_FOUND, missing()))
}
