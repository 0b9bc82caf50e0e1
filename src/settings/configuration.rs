//! `kong.configuration`: what the operator has set, without secrets.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::settings::{Settings, UntrustedLua};

/// What stands in the place of a secret, as in Kong.
const MASK: &str = "******";

/// The configuration: as it was registered, or as functions see it.
#[derive(Default)]
pub(crate) struct Configuration(Map<String, Value>);

impl Configuration {
    /// What the application registers.
    ///
    /// # Errors
    ///
    /// When it has no named fields.
    pub(crate) fn new(registered: impl Serialize) -> Result<Self, Error> {
        match serde_json::to_value(registered) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(Error::config("the configuration must be a value with named fields")),
        }
    }

    /// The text of a field, unless it is a secret.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// What functions see: what is registered here and what `settings` hold, by Kong's names.
    pub(crate) fn complete(&self, settings: &Settings) -> Self {
        let mut fields = known(settings);
        fields.extend(self.0.clone());
        mask_fields(&mut fields);
        Self(fields)
    }
}

fn known(settings: &Settings) -> Map<String, Value> {
    let sandbox = &settings.sandbox;
    let networks = settings.trusted_ips.iter().map(ToString::to_string);
    let budget = &settings.budget;
    let milliseconds =
        |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64() * 1e3);
    let known = json!({
        "database": "off",
        "role": "traditional",
        "node_id": settings.node.id,
        "nginx_worker_processes": settings.vms,
        "untrusted_lua": match sandbox.mode {
            UntrustedLua::Off => "off",
            UntrustedLua::Sandbox => "sandbox",
            UntrustedLua::On => "on",
        },
        "untrusted_lua_sandbox_requires": sandbox.requires,
        "untrusted_lua_sandbox_environment": sandbox.globals,
        "trusted_ips": networks.collect::<Vec<_>>(),
        "real_ip_header": settings.real_ip_header.as_str(),
        "client_body_buffer_size": settings.body_buffer_size,
        "client_max_body_size": settings.max_body_size,
        "budget": {
            "call_time": milliseconds(budget.call_time),
            "request_time": milliseconds(budget.request_time),
            "memory": budget.memory,
        },
    });
    match known {
        Value::Object(fields) => fields,
        _ => unreachable!("written as an object above"),
    }
}

fn mask_fields(fields: &mut Map<String, Value>) {
    for (name, value) in fields {
        if is_secret_name(name) && !value.is_null() {
            *value = MASK.into();
        } else {
            mask(value);
        }
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::String(text) if is_secret_text(text) => *value = MASK.into(),
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::Object(fields) => mask_fields(fields),
        _ => {}
    }
}

/// Whether a field of this name holds what nobody should see. Kong lists its own; an application's
/// are not known by name.
fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 9] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "apikey",
        "private",
        "authorization",
    ];
    const KONGS: [&str; 3] = ["proxy_server", "declarative_config_string", "$refs"];
    let name = name.to_ascii_lowercase().replace('-', "_");
    KONGS.contains(&&*name)
        || PARTS.iter().any(|part| name.contains(part))
        || name.split('_').next_back().is_some_and(|last| ["key", "keys", "pass"].contains(&last))
}

/// Whether a text is a private key, or an address with a password in it.
fn is_secret_text(text: &str) -> bool {
    let has_password =
        |authority: &str| authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    let authority = text
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    text.contains("PRIVATE KEY-----") || authority.is_some_and(has_password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_one() {
        for name in [
            "pg_password",
            "PG-PASSWORD",
            "ssl_cert_key",
            "key",
            "api_keys",
            "client_secret",
            "token",
            "authToken",
            "redis_pass",
            "proxy_server",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["host", "keyring", "key_name", "monkey", "ssl_cert", "passes", "database"] {
            assert!(!is_secret_name(name), "{name}");
        }
        for text in ["postgres://user:word@host/db", "-----BEGIN RSA PRIVATE KEY-----\n"] {
            assert!(is_secret_text(text), "{text}");
        }
        for text in ["http://host:80/a@b:c", "user:word@host", "http://user@host", ""] {
            assert!(!is_secret_text(text), "{text}");
        }
    }

    #[test]
    fn secrets_are_masked_at_any_depth() {
        let mut value = json!({
            "plugins": [{ "config": { "api_key": "a", "secrets": ["b"], "url": "x://u:c@h" } }],
            "password": null,
            "limit": 1,
        });
        mask(&mut value);
        let expected = json!({
            "plugins": [{ "config": { "api_key": MASK, "secrets": MASK, "url": MASK } }],
            "password": null,
            "limit": 1,
        });
        assert_eq!(value, expected);
    }
}
