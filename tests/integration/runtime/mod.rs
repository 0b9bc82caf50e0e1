//! `Runtime`: one file for each of `src/runtime`.

mod connection;
mod host;
mod profile;
