//! Configurations of plugins, as they are kept.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::BoxError;

/// Reads a plugin's configuration; what is null has its default.
pub(crate) fn read<C: DeserializeOwned>(name: &str, config: &Value) -> Result<C, BoxError> {
    let config = match config {
        Value::Object(fields) if fields.values().any(Value::is_null) => {
            let mut fields = fields.clone();
            fields.retain(|_, value| !value.is_null());
            Cow::Owned(fields.into())
        }
        Value::Null => Cow::Owned(Value::Object(serde_json::Map::new())),
        config => Cow::Borrowed(config),
    };
    C::deserialize(&*config).map_err(|error| format!("{name}: config: {error}").into())
}
