//! The command line, and the same as environment variables with the names that Kong gives them.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Mutex;

use clap::{Args, Parser};
use http::HeaderName;
use tower_lua::{Runtime, Sandbox, UntrustedLua};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::BoxError;

/// A reverse proxy that runs functions written for Kong.
#[derive(Debug, Parser)]
#[command(name = "gateway", version)]
pub(crate) struct Config {
    /// Addresses to serve clients on, separated by commas; `off` for none.
    #[arg(long, env = "KONG_PROXY_LISTEN", default_value = "127.0.0.1:8000", value_name = "ADDR")]
    pub(crate) proxy_listen: String,

    /// Addresses of the Admin API, separated by commas; `off` for none.
    #[arg(long, env = "KONG_ADMIN_LISTEN", default_value = "127.0.0.1:8001", value_name = "ADDR")]
    pub(crate) admin_listen: String,

    /// A file in Kong's declarative format: services, routes, plugins.
    #[arg(long, env = "KONG_DECLARATIVE_CONFIG", value_name = "FILE")]
    pub(crate) declarative_config: Option<PathBuf>,

    /// Where the Admin API keeps what it changes: a file, made if it is not there, or `off`. The
    /// default with a declarative file is `off`.
    #[arg(long, env = "KONG_DATABASE", value_name = "sqlite:FILE")]
    database: Option<String>,

    /// Serve the demonstration of Kong's documentation over a built-in upstream.
    #[arg(long)]
    pub(crate) demo: bool,

    #[command(flatten)]
    pub(crate) functions: FunctionsConfig,

    #[command(flatten)]
    pub(crate) log: LogConfig,
}

impl Config {
    /// Where entities are kept.
    pub(crate) fn database(&self) -> Result<&str, BoxError> {
        match (&self.declarative_config, self.demo, self.database.as_deref()) {
            (Some(_), true, _) => Err("--demo and --declarative-config exclude each other".into()),
            (None, true, Some(_)) => Err("--demo and --database exclude each other".into()),
            (None, true, None) => Ok("sqlite::memory:"),
            (Some(_), false, None | Some("off")) => Ok("off"),
            (Some(_), false, Some(_)) => Err("--declarative-config goes with --database off: \
                a database gets a file by POST /config of the Admin API"
                .into()),
            (None, false, Some("off")) => Ok("off"),
            (None, false, Some(database)) => Ok(database),
            (None, false, None) => Ok("sqlite:gateway.db"),
        }
    }
}

/// What functions may do, and what they are told.
#[derive(Debug, Args)]
pub(crate) struct FunctionsConfig {
    /// Proxies whose X-Forwarded-* headers are believed, as addresses or CIDR blocks.
    #[arg(long, env = "KONG_TRUSTED_IPS", value_delimiter = ',', value_name = "CIDR")]
    trusted_ips: Vec<String>,

    /// The header in which a trusted proxy names its client.
    #[arg(long, env = "KONG_REAL_IP_HEADER", default_value = "X-Real-IP", value_name = "NAME")]
    real_ip_header: HeaderName,

    /// How far functions are trusted.
    #[arg(long, env = "KONG_UNTRUSTED_LUA", default_value = "sandbox", value_name = "MODE")]
    untrusted_lua: UntrustedLua,

    /// Modules that sandboxed functions may require.
    #[arg(
        long,
        env = "KONG_UNTRUSTED_LUA_SANDBOX_REQUIRES",
        value_delimiter = ',',
        value_name = "MODULE"
    )]
    untrusted_lua_sandbox_requires: Vec<String>,

    /// Globals of Lua that sandboxed functions may see beside the safe ones.
    #[arg(
        long,
        env = "KONG_UNTRUSTED_LUA_SANDBOX_ENVIRONMENT",
        value_delimiter = ',',
        value_name = "GLOBAL"
    )]
    untrusted_lua_sandbox_environment: Vec<String>,

    /// The directory in which `require` finds Lua modules.
    #[arg(long, env = "KONG_LUA_MODULE_PATH", value_name = "DIR")]
    lua_module_path: Option<PathBuf>,

    /// How many bytes of a request body functions get without asking for more.
    #[arg(
        long,
        env = "KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE",
        default_value_t = 1 << 20,
        value_name = "BYTES"
    )]
    client_body_buffer_size: u64,
}

impl FunctionsConfig {
    /// Whether there may be functions at all.
    pub(crate) fn allowed(&self) -> bool {
        self.untrusted_lua != UntrustedLua::Off
    }

    /// The VMs that functions run in.
    pub(crate) fn runtime(&self) -> Result<Runtime, tower_lua::Error> {
        let mut sandbox = Sandbox::new(self.untrusted_lua);
        for module in names(&self.untrusted_lua_sandbox_requires) {
            sandbox = sandbox.allow_require(module);
        }
        for global in names(&self.untrusted_lua_sandbox_environment) {
            sandbox = sandbox.allow_global(global);
        }
        let mut builder = Runtime::builder()
            .sandbox(sandbox)
            .trusted_ips(names(&self.trusted_ips))
            .real_ip_header(self.real_ip_header.clone())
            .body_buffer_size(self.client_body_buffer_size);
        if let Some(directory) = &self.lua_module_path {
            builder = builder.module_path(directory);
        }
        builder.build()
    }
}

/// The elements of a list as it stands in an environment variable: blanks and empty ones left out.
fn names(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(|name| name.trim()).filter(|name| !name.is_empty())
}

/// Where the log goes, and how much of it.
#[derive(Debug, Args)]
pub(crate) struct LogConfig {
    /// The least level that is logged, or a filter of `tracing`.
    #[arg(long, env = "KONG_LOG_LEVEL", default_value = "notice", value_name = "LEVEL")]
    log_level: String,

    /// A file to append the log to, instead of standard error.
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
}

impl LogConfig {
    /// Sends the events of `tracing` to the log.
    pub(crate) fn start(&self) -> Result<(), BoxError> {
        // nginx's names for tracing's levels.
        let filter = match self.log_level.as_str() {
            "notice" => "info",
            "err" | "crit" | "alert" | "emerg" => "error",
            other => other,
        };
        let writer = match &self.log_file {
            None => BoxMakeWriter::new(std::io::stderr),
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
                BoxMakeWriter::new(Mutex::new(file))
            }
        };
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::try_new(filter)?)
            .with_writer(writer)
            .with_ansi(false)
            .init();
        Ok(())
    }
}
