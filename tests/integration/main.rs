//! The tests of the library, in the order of `src`: behaviour that users see, most of it over HTTP.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking, and nothing is outside of its crate"
)]

mod api;
mod bad_input;
mod floors;
mod function;
mod middleware;
mod real_functions;
mod sandbox;
mod support;
mod vm;
