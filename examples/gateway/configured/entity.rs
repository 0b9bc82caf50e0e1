//! What the gateway is made of: services, routes and plugins, as Kong's entities have them.
//!
//! Whoever makes them has checked them and filled in their defaults; whoever reads them need not.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::common::{word, words};

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
    pub(crate) tls_verify_depth: Option<u8>,
    pub(crate) client_certificate: Option<Reference>,
    /// Ids of those who may vouch for it.
    pub(crate) ca_certificates: Option<Vec<String>>,
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
    #[serde(deserialize_with = "words")]
    pub(crate) protocols: Arc<[Box<str>]>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) hosts: Option<Vec<String>>,
    /// Prefixes, and regular expressions after a `~`.
    pub(crate) paths: Option<Vec<String>>,
    pub(crate) headers: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) snis: Option<Vec<String>>,
    pub(crate) regex_priority: i64,
    pub(crate) strip_path: bool,
    /// `v0` or `v1`.
    #[serde(deserialize_with = "word")]
    pub(crate) path_handling: Arc<str>,
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

/// A plugin and the requests that it is for: those of its route, of its service, of both, or all. Its
/// configuration is with its document: it is asked for once.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plugin {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) instance_name: Option<String>,
    service: Option<Reference>,
    route: Option<Reference>,
    #[serde(default)]
    consumer: Option<Reference>,
    /// What stands for a route in Kong 0.x.
    #[serde(default)]
    pub(crate) api: Option<Reference>,
    pub(crate) enabled: bool,
    #[serde(deserialize_with = "words")]
    pub(crate) protocols: Arc<[Box<str>]>,
}

impl Plugin {
    /// The id of its route, or of the API that is one.
    pub(crate) fn route(&self) -> Option<&str> {
        self.api.as_ref().or(self.route.as_ref()).map(|route| route.id.as_str())
    }

    /// The id of its consumer.
    pub(crate) fn consumer(&self) -> Option<&str> {
        self.consumer.as_ref().map(|consumer| consumer.id.as_str())
    }

    /// Whether it is nothing but functions.
    pub(crate) fn has_functions(&self) -> bool {
        matches!(self.name.as_str(), "pre-function" | "post-function")
    }

    /// The id of its service.
    pub(crate) fn service(&self) -> Option<&str> {
        self.service.as_ref().map(|service| service.id.as_str())
    }
}

/// Another version of a plugin's functions, for some of its requests: so many of a hundred, or those with a
/// header. Its configuration is with its document.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Canary {
    pub(crate) id: String,
    /// What the plugin is called.
    pub(crate) name: String,
    pub(crate) percent: Option<u64>,
    pub(crate) header: HeaderOfCanary,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct HeaderOfCanary {
    pub(crate) name: Option<String>,
    /// Any value will do where there is none.
    pub(crate) value: Option<String>,
}

/// A function of a plugin that stands in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FromFile {
    /// The field of the configuration, and the place in it, from 0.
    pub(crate) field: &'static str,
    pub(crate) place: usize,
    /// What the declarative file has in its place.
    pub(crate) written: String,
    /// What Lua calls it.
    pub(crate) name: String,
}

/// Another entity, by its id.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) id: String,
}
