//! [`Upstream`] and [`Target`]: what a service's requests are spread over, as Kong's entities have it.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::entity::Reference;

/// Several targets under one name, which stands where the host of a service does.
#[derive(Debug, Deserialize)]
pub(crate) struct Upstream {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) algorithm: Algorithm,
    hash_on: HashOn,
    hash_fallback: HashOn,
    hash_on_header: Option<String>,
    hash_fallback_header: Option<String>,
    pub(crate) hash_on_cookie: Option<String>,
    pub(crate) hash_on_cookie_path: String,
    hash_on_query_arg: Option<String>,
    hash_fallback_query_arg: Option<String>,
    hash_on_uri_capture: Option<String>,
    hash_fallback_uri_capture: Option<String>,
    pub(crate) slots: u32,
    pub(crate) healthchecks: Healthchecks,
    pub(crate) host_header: Option<String>,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) upstream: Reference,
    /// A host and its port.
    pub(crate) target: String,
    pub(crate) weight: u16,
}

/// How a target is chosen.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Algorithm {
    RoundRobin,
    LeastConnections,
    ConsistentHashing,
    Latency,
}

/// What of a request is hashed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum HashOn {
    None,
    Consumer,
    Ip,
    Header,
    Cookie,
    Path,
    QueryArg,
    UriCapture,
}

/// The same, with its name where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashInput<'a> {
    Consumer,
    Ip,
    Header(&'a str),
    Cookie(&'a str),
    Path,
    QueryArg(&'a str),
    UriCapture(&'a str),
}

/// How it is found out which targets are well.
#[derive(Debug, Deserialize)]
pub(crate) struct Healthchecks {
    pub(crate) active: Active,
    pub(crate) passive: Passive,
    /// The least part of all weight that must be well, in percent.
    pub(crate) threshold: f64,
}

/// By asking them.
#[derive(Debug, Deserialize)]
pub(crate) struct Active {
    #[serde(rename = "type")]
    pub(crate) kind: CheckKind,
    /// In seconds.
    pub(crate) timeout: f64,
    pub(crate) concurrency: usize,
    pub(crate) http_path: String,
    pub(crate) https_sni: Option<String>,
    pub(crate) https_verify_certificate: bool,
    pub(crate) headers: Option<BTreeMap<String, Vec<String>>>,
    pub(crate) healthy: Healthy,
    pub(crate) unhealthy: Unhealthy,
}

/// By what becomes of requests.
#[derive(Debug, Deserialize)]
pub(crate) struct Passive {
    pub(crate) healthy: Healthy,
    pub(crate) unhealthy: Unhealthy,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CheckKind {
    Tcp,
    Http,
    Https,
    Grpc,
    Grpcs,
}

/// When a target is well again.
#[derive(Debug, Deserialize)]
pub(crate) struct Healthy {
    /// In seconds, between two checks of one that is well.
    #[serde(default)]
    pub(crate) interval: f64,
    pub(crate) http_statuses: HashSet<u16>,
    pub(crate) successes: u8,
}

/// When it is not.
#[derive(Debug, Deserialize)]
pub(crate) struct Unhealthy {
    /// In seconds, between two checks of one that is not well.
    #[serde(default)]
    pub(crate) interval: f64,
    pub(crate) http_statuses: HashSet<u16>,
    pub(crate) tcp_failures: u8,
    pub(crate) timeouts: u8,
    pub(crate) http_failures: u8,
}

impl Upstream {
    /// What is hashed: the first of these that a request has.
    pub(crate) fn hash_inputs(&self) -> impl Iterator<Item = HashInput<'_>> {
        let first = self.hash_on.named(
            self.hash_on_header.as_deref(),
            self.hash_on_query_arg.as_deref(),
            self.hash_on_uri_capture.as_deref(),
            self.hash_on_cookie.as_deref(),
        );
        let second = self.hash_fallback.named(
            self.hash_fallback_header.as_deref(),
            self.hash_fallback_query_arg.as_deref(),
            self.hash_fallback_uri_capture.as_deref(),
            self.hash_on_cookie.as_deref(),
        );
        first.into_iter().chain(second)
    }
}

impl HashOn {
    fn named<'a>(
        self,
        header: Option<&'a str>,
        query_arg: Option<&'a str>,
        capture: Option<&'a str>,
        cookie: Option<&'a str>,
    ) -> Option<HashInput<'a>> {
        match self {
            Self::None => None,
            Self::Consumer => Some(HashInput::Consumer),
            Self::Ip => Some(HashInput::Ip),
            Self::Header => header.map(HashInput::Header),
            Self::Cookie => cookie.map(HashInput::Cookie),
            Self::Path => Some(HashInput::Path),
            Self::QueryArg => query_arg.map(HashInput::QueryArg),
            Self::UriCapture => capture.map(HashInput::UriCapture),
        }
    }
}

impl Healthchecks {
    /// Whether there are any: Kong's rule.
    pub(crate) fn are_on(&self) -> bool {
        let circuit_breaker = &self.passive.unhealthy;
        self.active.is_on()
            || circuit_breaker.tcp_failures > 0
            || circuit_breaker.timeouts > 0
            || circuit_breaker.http_failures > 0
    }
}

impl Active {
    /// Whether targets are asked at all.
    pub(crate) fn is_on(&self) -> bool {
        self.healthy.interval > 0.0 || self.unhealthy.interval > 0.0
    }
}
