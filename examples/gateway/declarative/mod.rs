//! Kong's declarative format: what stands in `kong.yml`.

mod entities;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::BoxError;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaration {
    _format_version: String,
    #[serde(default)]
    _transform: Option<bool>,
    #[serde(default)]
    pub(crate) services: Vec<Service>,
    #[serde(default)]
    pub(crate) routes: Vec<Route>,
    #[serde(default)]
    pub(crate) plugins: Vec<Plugin>,
}

/// Where requests are forwarded to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Service {
    pub(crate) name: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) path: Option<String>,
    pub(crate) retries: Option<u16>,
    pub(crate) connect_timeout: Option<u64>,
    pub(crate) write_timeout: Option<u64>,
    pub(crate) read_timeout: Option<u64>,
    pub(crate) tls_verify: Option<bool>,
    pub(crate) enabled: Option<bool>,
    pub(crate) routes: Vec<Route>,
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) id: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
}

/// Which requests a service gets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) name: Option<String>,
    pub(crate) service: Option<Reference>,
    pub(crate) protocols: Option<Vec<String>>,
    pub(crate) paths: Option<Vec<String>>,
    pub(crate) hosts: Option<Vec<String>>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) headers: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) snis: Option<Vec<String>>,
    pub(crate) regex_priority: Option<i64>,
    pub(crate) strip_path: Option<bool>,
    pub(crate) path_handling: Option<String>,
    pub(crate) preserve_host: Option<bool>,
    pub(crate) https_redirect_status_code: Option<u16>,
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) id: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
}

/// A plugin and the requests that it is for: those of its route or service, or all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) config: Value,
    #[serde(default = "enabled")]
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) service: Option<Reference>,
    #[serde(default)]
    pub(crate) route: Option<Reference>,
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default, rename = "tags")]
    pub(crate) _tags: Option<Vec<String>>,
}

fn enabled() -> bool {
    true
}

/// The name or id of another entity.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reference {
    Name(String),
    Object { name: Option<String>, id: Option<String> },
}

impl Reference {
    /// Whether an entity of this name and id is meant.
    pub(crate) fn means(&self, name: Option<&str>, id: Option<&str>) -> bool {
        match self {
            Self::Name(wanted) => [name, id].contains(&Some(wanted)),
            Self::Object { name: wanted_name, id: wanted_id } => {
                (wanted_name.is_some() && wanted_name.as_deref() == name)
                    || (wanted_id.is_some() && wanted_id.as_deref() == id)
            }
        }
    }
}

impl Declaration {
    /// Reads a file in YAML or JSON, which is YAML as well.
    pub(crate) fn read(path: &Path) -> Result<Self, BoxError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, BoxError> {
        let declaration: Self = serde_yaml_ng::from_str(text)?;
        let version = declaration._format_version.as_str();
        if !["1.1", "2.1", "3.0"].contains(&version) {
            return Err(format!("_format_version is '{version}': expected '3.0'").into());
        }
        Ok(declaration)
    }

    /// A declaration of one service with one route.
    pub(crate) fn of_service(service: Service) -> Self {
        Self {
            _format_version: "3.0".to_owned(),
            _transform: None,
            services: vec![service],
            routes: Vec::new(),
            plugins: Vec::new(),
        }
    }
}
