//! The tests of the gateway: the program is started, as its users start it, and asked over HTTP.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking, and nothing is outside of its crate"
)]

mod command_line;
mod declarative;
mod demo;
mod functions;
mod proxy;
mod routes;
mod support;
