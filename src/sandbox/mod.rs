//! What a function may reach: its global environment, and what `require` gives it.

mod environment;
#[cfg(feature = "testing")]
mod recorded;
mod require;

use std::fmt;

pub(crate) use self::environment::{Environments, MARKERS, markers};

/// What the sandbox refuses, in Kong's words.
#[derive(Clone, Debug)]
pub(crate) enum Denied {
    Require(String),
    Loading,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Require(name) => write!(f, "require '{name}' not allowed within sandbox"),
            Self::Loading => f.write_str(
                "loading of untrusted Lua code disabled because 'untrusted_lua' config option is \
                 set to 'off'",
            ),
        }
    }
}

impl std::error::Error for Denied {}
