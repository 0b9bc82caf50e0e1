//! [`Sandbox`]: what functions may reach.

use std::collections::BTreeSet;

use crate::error::Error;

/// What functions may reach, with the names of Kong's configuration.
///
/// By default a function sees the safe part of Lua's standard library, `kong` and `ngx`, and may
/// `require` modules that touch nothing outside the request. See [the guide to the
/// sandbox](crate::guide::sandbox).
///
/// ```
/// use tower_lua::{Runtime, Sandbox};
///
/// let sandbox = Sandbox::default().allow_require("app.greeting");
/// let runtime = Runtime::builder().sandbox(sandbox).module_path("lua").build()?;
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Sandbox {
    pub(crate) mode: UntrustedLua,
    pub(crate) requires: BTreeSet<String>,
    /// Whether functions may `require` nothing that `requires` does not name.
    pub(crate) only_listed: bool,
    pub(crate) globals: BTreeSet<String>,
    #[cfg(feature = "net")]
    pub(crate) network: crate::net::Network,
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
    /// The modules of the crate whose use is to reach out: functions have them where
    /// `network` lets them reach anything.
    pub const REACHING_OUT: &[&str] = &["resty.http", "resty.memcached", "resty.redis"];

    /// What else reaches out, and does not come with the crate: functions have these of the operator's
    /// [directory](crate::RuntimeBuilder::module_path), on the same condition.
    pub const LIBRARIES_REACHING_OUT: &[&str] = &[
        "pgmoon",
        "resty.dns.resolver",
        "resty.mysql",
        "resty.openidc",
        "resty.redis.connector",
        "resty.websocket.client",
    ];

    /// A sandbox of the mode `mode`.
    pub fn new(mode: UntrustedLua) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Lets functions `require` the module `name`: Kong's `untrusted_lua_sandbox_requires`.
    pub fn allow_require(mut self, name: impl Into<String>) -> Self {
        self.requires.insert(name.into());
        self
    }

    /// Whether functions may `require` the modules that touch nothing outside the request, listed or
    /// not: `cjson`, `bit`, `ngx.base64`, `resty.sha256` and the others of [the
    /// guide](crate::guide::sandbox#modules). They may, unless this says no: then they have what
    /// [`allow_require`](Self::allow_require) names, as in Kong.
    ///
    /// ```
    /// use tower_lua::Sandbox;
    ///
    /// let as_strict_as_kong = Sandbox::default().safe_modules(false);
    /// ```
    pub fn safe_modules(mut self, allowed: bool) -> Self {
        self.only_listed = !allowed;
        self
    }

    /// Which addresses functions may reach: [none](crate::Network::off), unless this says otherwise.
    #[cfg(feature = "net")]
    pub fn network(mut self, network: crate::net::Network) -> Self {
        self.network = network;
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
    type Err = Error;

    /// Reads Kong's values: `off`, `sandbox`, `on`.
    fn from_str(mode: &str) -> Result<Self, Self::Err> {
        match mode {
            "off" => Ok(Self::Off),
            "sandbox" => Ok(Self::Sandbox),
            "on" => Ok(Self::On),
            _ => Err(Error::config(format!(
                "untrusted_lua is '{mode}': expected 'off', 'sandbox' or 'on'"
            ))),
        }
    }
}
