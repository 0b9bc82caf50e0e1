//! Configurations of plugins, as they are kept.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::BoxError;

/// Reads a plugin's configuration; what is null has its default.
pub(crate) fn read<C: DeserializeOwned>(name: &str, config: &Value) -> Result<C, BoxError> {
    let mut config = config.clone();
    if let Value::Object(fields) = &mut config {
        fields.retain(|_, value| !value.is_null());
    }
    let config = if config.is_null() { Value::Object(serde_json::Map::new()) } else { config };
    serde_json::from_value(config).map_err(|error| format!("{name}: config: {error}").into())
}
