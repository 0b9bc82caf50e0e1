//! The tests of the gateway: the program is started, as its users start it, and asked over HTTP.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking, and nothing is outside of its crate"
)]

mod admin_apis;
mod admin_bodies;
mod admin_changes;
mod admin_config;
mod admin_functions;
mod admin_information;
mod admin_lists;
mod admin_plugins;
mod admin_random;
mod admin_routes;
mod admin_services;
mod command_line;
mod declarative;
mod demo;
mod documentation;
mod proxy;
mod routes;
mod store;
mod support;
