//! The tests of the gateway: the program is started, as its users start it, and asked over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "a test fails by panicking and may be a long table, and nothing is outside of its crate"
)]

mod admin_apis;
mod admin_bodies;
mod admin_certificates;
mod admin_changes;
mod admin_check;
mod admin_config;
mod admin_consumers;
mod admin_dry_run;
mod admin_functions;
mod admin_guard;
mod admin_increments;
mod admin_information;
mod admin_lists;
mod admin_plugins;
mod admin_random;
mod admin_routes;
mod admin_services;
mod admin_upstreams;
mod backend;
mod balancing;
mod balancing_functions;
mod canaries;
mod canaries_counted;
mod check;
mod client_connection;
mod cluster;
mod cluster_away;
mod command_line;
mod declarative;
mod demo;
mod documentation;
mod dry_run;
mod failures;
mod file_watch;
mod function_files;
mod functions;
mod health_checks;
mod hostile_http2;
mod init;
mod load;
mod manual;
mod metrics;
mod network;
mod opentelemetry;
mod operations;
mod page;
mod page_in_a_browser;
mod pages;
mod paths;
mod pipelined;
mod plugins_answers;
mod plugins_auth;
mod plugins_cache;
mod plugins_consumers;
mod plugins_limits;
mod plugins_limits_cluster;
mod plugins_limits_shared;
mod plugins_logging;
mod plugins_responses;
mod plugins_transformers;
mod proxy;
mod proxy_failures;
mod proxy_headers;
mod proxy_heads;
mod proxy_http2;
mod proxy_raw;
mod proxy_steering;
mod random;
mod readme;
mod rewrite;
mod routes;
mod routing;
mod scopes;
mod soak;
mod specs;
mod started;
mod store;
mod streaming;
mod subrequests;
mod support;
mod tls;
mod tls_certificates;
mod types;
mod versions;
mod watching;

/// What the router and declarative files are made of, to be asked without a process around them.
#[expect(dead_code, unused_imports, reason = "the gateway has more uses for it")]
#[path = "../../examples/gateway/configured"]
mod configured {
    pub(crate) mod certificate;
    mod common;
    pub(crate) mod credential;
    pub(crate) mod declarative;
    pub(crate) mod entities;
    pub(crate) mod entity;
    pub(crate) mod problem;
    pub(crate) mod public_key;
    pub(crate) mod schema;
    pub(crate) mod upstream;
}
#[expect(dead_code, reason = "the gateway has more uses for it")]
#[path = "../../examples/gateway/function_file.rs"]
mod function_file;
#[expect(dead_code, unused_imports, reason = "the gateway has more uses for it")]
#[path = "../../examples/gateway/in_force/router/mod.rs"]
mod router;
#[path = "../../examples/gateway/request/uri.rs"]
mod uri;
#[expect(dead_code, reason = "the gateway has more uses for it")]
#[path = "../../examples/gateway/yaml.rs"]
mod yaml;

use tower_lua::BoxError;
