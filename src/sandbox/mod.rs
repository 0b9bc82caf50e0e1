//! What a function may reach: its global environment, and what `require` gives it.

mod environment;
mod require;

use std::collections::BTreeSet;
use std::fmt;

pub(crate) use self::environment::Environments;

/// What functions may reach, with the names of Kong's configuration.
///
/// By default a function sees the safe part of Lua's standard library, `kong` and `ngx`, and may
/// `require` nothing. See [the guide to the sandbox](crate::guide::sandbox).
///
/// ```
/// use tower_lua::{Runtime, Sandbox};
///
/// let sandbox = Sandbox::default().allow_require("cjson").allow_require("app.greeting");
/// let runtime = Runtime::builder().sandbox(sandbox).module_path("lua").build()?;
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Sandbox {
    pub(crate) mode: UntrustedLua,
    pub(crate) requires: BTreeSet<String>,
    pub(crate) globals: BTreeSet<String>,
}

/// How far functions are trusted: Kong's `untrusted_lua`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UntrustedLua {
    /// No function is run at all: each fails with an error.
    Off,
    /// Functions run in the sandbox.
    #[default]
    Sandbox,
    /// Functions see all of Lua that is not unsafe to Rust: `io`, `os` and `require` of anything.
    On,
}

impl Sandbox {
    /// A sandbox of the mode `mode`.
    pub fn new(mode: UntrustedLua) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Lets functions `require` the module `name`: Kong's `untrusted_lua_sandbox_requires`.
    pub fn allow_require(mut self, name: impl Into<String>) -> Self {
        self.requires.insert(name.into());
        self
    }

    /// Whether functions may open files.
    pub(crate) fn allows_files(&self) -> bool {
        let granted = ["io", "io.open"].iter().any(|name| self.globals.contains(*name));
        self.mode == UntrustedLua::On || granted
    }

    /// Lets functions see the global `name` of Lua, `os.getenv` for one, as a copy that they cannot
    /// change: Kong's `untrusted_lua_sandbox_environment`.
    pub fn allow_global(mut self, name: impl Into<String>) -> Self {
        self.globals.insert(name.into());
        self
    }
}

impl std::str::FromStr for UntrustedLua {
    type Err = crate::Error;

    /// Reads Kong's values: `off`, `sandbox`, `on`.
    fn from_str(mode: &str) -> Result<Self, Self::Err> {
        match mode {
            "off" => Ok(Self::Off),
            "sandbox" => Ok(Self::Sandbox),
            "on" => Ok(Self::On),
            _ => Err(crate::Error::config(format!(
                "untrusted_lua is '{mode}': expected 'off', 'sandbox' or 'on'"
            ))),
        }
    }
}

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
