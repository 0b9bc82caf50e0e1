//! The tests of the library, in the order of `src`: behaviour that users see, most of it over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    unreachable_pub,
    reason = "a test fails by panicking and may be a long table, and nothing is outside of its crate"
)]

mod api;
mod bad_input;
mod circles;
mod docs;
mod floors;
mod function;
mod middleware;
mod random;
mod real_functions;
mod recording;
mod runtime;
mod sandbox;
mod support;
mod testing;
mod types;
mod vm;

/// What the gateway reads of the files in `types`.
#[expect(dead_code, reason = "the gateway has more uses for it")]
#[path = "../../examples/gateway/lua/api/mod.rs"]
mod typed;
