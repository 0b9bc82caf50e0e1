//! `kong.telemetry`: structured log entries, for whoever listens to `tracing`.

use mlua::{Table, Value};
use serde_json::Value as Json;
use tracing::Level;

use super::tracing::fields;
use crate::binding::{Call, Namespace, bindings};
use crate::phase::PhaseSet;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.telemetry",
    bindings: bindings! {
        "log", PhaseSet::ANY, calls log;
    },
};

const DISABLED: &str = "Telemetry logging is disabled: log entry will not be recorded. Ensure the \
                        OpenTelemetry plugin is correctly configured to report logs in order to use \
                        this feature.";

type Answer = (Option<bool>, Option<&'static str>);

fn log(
    call: &mut Call<'_>,
    (plugin, config, kind, message, attributes): (Value, Value, Value, Value, Value),
) -> mlua::Result<Answer> {
    let refuse = |message| Ok((None, Some(message)));
    let Value::String(plugin) = plugin else { return refuse("plugin_name must be a string") };
    let Value::Table(config) = config else { return refuse("plugin_config must be a table") };
    let Value::String(kind) = kind else { return refuse("message_type must be a string") };
    let message = match message {
        Value::Nil | Value::Boolean(false) => None,
        Value::String(message) => Some(message.to_string_lossy()),
        _ => return refuse("message must be a string"),
    };
    let attributes = match attributes {
        Value::Nil | Value::Boolean(false) => None,
        Value::Table(attributes) => Some(attributes),
        _ => return refuse("attributes must be a table"),
    };
    if !tracing::enabled!(target: "tower_lua::telemetry", Level::INFO) {
        return refuse(DISABLED);
    }
    let attributes = attributes.map(|attributes| fields(call, &attributes)).transpose()?;
    tracing::info!(
        target: "tower_lua::telemetry",
        message_type = &*kind.to_string_lossy(),
        plugin.name = &*plugin.to_string_lossy(),
        plugin.id = text(&config, "__plugin_id")?,
        plugin.instance.name = text(&config, "plugin_instance_name")?,
        attributes = attributes.map(|attributes| Json::Object(attributes).to_string()),
        "{}",
        message.unwrap_or_default()
    );
    Ok((Some(true), None))
}

fn text(config: &Table, field: &str) -> mlua::Result<Option<String>> {
    Ok(match config.raw_get(field)? {
        Value::String(text) => Some(text.to_string_lossy()),
        _ => None,
    })
}
