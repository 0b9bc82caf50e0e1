//! What the gateway is made of: services, routes and plugins, as Kong's entities have them.
//!
//! Whoever makes them has checked them and filled in their defaults; whoever reads them need not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// All entities of one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entities {
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) plugins: Vec<Arc<Plugin>>,
}

/// Where requests are forwarded to.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// `http`, `https`, `grpc`, `grpcs`.
    pub(crate) protocol: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: Option<String>,
    pub(crate) retries: u16,
    /// Timeouts in milliseconds.
    pub(crate) connect_timeout: u64,
    pub(crate) write_timeout: u64,
    pub(crate) read_timeout: u64,
    pub(crate) tls_verify: Option<bool>,
    #[serde(default)]
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) enabled: bool,
}

/// Which requests a service gets.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Route {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    /// A route may have none: it answers for itself, by a plugin.
    pub(crate) service: Option<Reference>,
    pub(crate) protocols: Vec<String>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) hosts: Option<Vec<String>>,
    /// Prefixes, and regular expressions after a `~`.
    pub(crate) paths: Option<Vec<String>>,
    pub(crate) headers: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) snis: Option<Vec<String>>,
    pub(crate) regex_priority: i64,
    pub(crate) strip_path: bool,
    /// `v0` or `v1`.
    pub(crate) path_handling: String,
    pub(crate) preserve_host: bool,
    pub(crate) https_redirect_status_code: u16,
    pub(crate) request_buffering: bool,
    pub(crate) response_buffering: bool,
    /// In seconds since 1970: of two routes that match as well, the older one wins.
    pub(crate) created_at: i64,
    #[serde(default)]
    pub(crate) tags: Option<Vec<String>>,
}

impl Route {
    /// The headers that it asks for. `Host` is not among them: that is what `hosts` is for.
    pub(crate) fn header_criteria(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        let headers = self.headers.iter().flatten();
        headers.filter(|(name, _)| !name.eq_ignore_ascii_case("host"))
    }
}

/// A plugin and the requests that it is for: those of its route, of its service, of both, or all.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plugin {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) instance_name: Option<String>,
    pub(crate) service: Option<Reference>,
    pub(crate) route: Option<Reference>,
    /// Its configuration, with defaults, for the plugin itself to read.
    pub(crate) config: Value,
    pub(crate) enabled: bool,
    pub(crate) protocols: Vec<String>,
}

/// Another entity, by its id.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) id: String,
}
