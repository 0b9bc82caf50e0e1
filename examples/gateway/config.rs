//! The command line, and the same as environment variables with the names that Kong gives them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser};
use http::HeaderName;
use tower_lua::{Runtime, RuntimeBuilder, Sandbox, ServerStats, UntrustedLua};

use crate::BoxError;
use crate::admin::Guard;
use crate::command::Command;
use crate::configured::store::Address;
use crate::database::{DatabaseConfig, Said};
use crate::dry_run::Conditions;
use crate::file_watch::{Watch, WatchConfig};
use crate::flags::{Workers, number, on_or_off, shared_dict, size};
use crate::gui::GuiConfig;
use crate::in_force::published::Current;
use crate::log::LogConfig;
use crate::lua::check::Permitted;
use crate::network::network;
use crate::request::counters::Counters;
use crate::request::flight::Flight;
use crate::request::spelling;
use crate::resolver::{NameServer, Resolver};
use crate::telemetry::TelemetryConfig;

/// A reverse proxy that runs functions written for Kong.
#[derive(Debug, Parser)]
#[command(name = "gateway", version)]
pub(crate) struct Config {
    /// Addresses to serve clients on, separated by commas, with nginx's flags: `0.0.0.0:8443 ssl
    /// http2` for TLS; `off` for none.
    #[arg(
        long,
        help_heading = "Listening",
        env = "KONG_PROXY_LISTEN",
        default_value = "127.0.0.1:8000",
        value_name = "ADDR"
    )]
    pub(crate) proxy_listen: String,

    /// Addresses of the Admin API, separated by commas; `off` for none.
    #[arg(
        long,
        help_heading = "Listening",
        env = "KONG_ADMIN_LISTEN",
        default_value = "127.0.0.1:8001",
        value_name = "ADDR"
    )]
    pub(crate) admin_listen: String,

    #[command(flatten)]
    pub(crate) admin: Guard,

    #[command(flatten)]
    pub(crate) gui: GuiConfig,

    /// A file in Kong's declarative format: services, routes, plugins.
    #[arg(
        long,
        help_heading = "Configuration",
        env = "KONG_DECLARATIVE_CONFIG",
        value_name = "FILE"
    )]
    pub(crate) declarative_config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) watch: WatchConfig,

    #[command(flatten)]
    pub(crate) database: DatabaseConfig,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Serve the demonstration of Kong's documentation over a built-in upstream.
    #[arg(long, help_heading = "Configuration")]
    pub(crate) demo: bool,

    /// Clients on this machine are told in a 500 what Lua says of a function that has failed, and the Admin API
    /// makes dry runs. Not for production.
    #[arg(long, help_heading = "Functions", env = "KONG_DEBUG", value_parser = FalseyValueParser::new())]
    pub(crate) debug: bool,

    /// How many threads serve clients, each with connections and a Lua VM of its own: a number, or
    /// `auto` for as many as there are cores.
    #[arg(
        long,
        help_heading = "Serving",
        env = "KONG_NGINX_WORKER_PROCESSES",
        default_value = "auto",
        allow_negative_numbers = true,
        value_name = "N"
    )]
    pub(crate) workers: Workers,

    /// How many connections of clients a worker has at a time, for each address.
    #[arg(
        long,
        help_heading = "Serving",
        env = "KONG_NGINX_EVENTS_WORKER_CONNECTIONS",
        default_value_t = 16384,
        value_parser = number::<usize>(1..=1 << 20),
        allow_negative_numbers = true,
        value_name = "N"
    )]
    pub(crate) worker_connections: usize,

    /// Name servers to ask for the addresses of services and of what functions reach, separated by
    /// commas: `10.0.0.53`, `10.0.0.53:5353`. The system is asked when there are none.
    #[arg(
        long,
        help_heading = "Serving",
        env = "KONG_DNS_RESOLVER",
        value_delimiter = ',',
        value_name = "ADDR"
    )]
    pub(crate) dns_resolver: Vec<NameServer>,

    /// How many seconds requests in flight may take when the gateway is told to stop.
    #[arg(
        long,
        help_heading = "Serving",
        default_value_t = 60,
        value_parser = number::<u64>(0..=86_400),
        allow_negative_numbers = true,
        value_name = "SECONDS"
    )]
    shutdown_timeout: u64,

    #[command(flatten)]
    pub(crate) tls: TlsConfig,

    #[command(flatten)]
    pub(crate) functions: FunctionsConfig,

    #[command(flatten)]
    pub(crate) log: LogConfig,

    #[command(flatten)]
    pub(crate) telemetry: TelemetryConfig,
}

impl Config {
    /// How long requests in flight may take when the gateway is told to stop.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.shutdown_timeout)
    }

    /// What sees files change, if they are to be watched.
    pub(crate) fn watch(&self) -> Result<Option<Watch>, BoxError> {
        let modules = self.functions.lua_module_path.as_deref();
        self.watch.start(self.declarative_config.as_deref(), modules)
    }

    /// Where entities are kept: nowhere, if there is no address.
    pub(crate) fn database(&self) -> Result<Option<Address>, BoxError> {
        match (&self.declarative_config, self.demo, self.database.said()?) {
            (Some(_), true, _) => Err("--demo and --declarative-config exclude each other".into()),
            (None, true, Said::Off | Said::At(_)) => {
                Err("--demo and --database exclude each other".into())
            }
            (None, true, Said::Nothing) => "sqlite::memory:".parse().map(Some),
            (Some(_), false, Said::At(_)) => {
                Err("--declarative-config goes with --database off: a database gets a file by \
                    POST /config of the Admin API"
                    .into())
            }
            (_, false, Said::Off) | (Some(_), false, Said::Nothing) => Ok(None),
            (None, false, Said::At(address)) => Ok(Some(address)),
            (None, false, Said::Nothing) => "sqlite:gateway.db".parse().map(Some),
        }
    }
}

/// Certificates, and whom the gateway believes.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsConfig {
    /// Files with the certificates of listeners that have the flag `ssl`, in PEM. Without one, the
    /// gateway makes a certificate for itself.
    #[arg(long, env = "KONG_SSL_CERT", value_delimiter = ',', value_name = "FILE")]
    pub(crate) ssl_cert: Vec<PathBuf>,

    /// Files with the keys of these certificates, in the same order.
    #[arg(long, env = "KONG_SSL_CERT_KEY", value_delimiter = ',', value_name = "FILE")]
    pub(crate) ssl_cert_key: Vec<PathBuf>,

    /// A file with certificate authorities that may vouch for services, beside those that browsers
    /// believe.
    #[arg(long, env = "KONG_LUA_SSL_TRUSTED_CERTIFICATE", value_name = "FILE")]
    pub(crate) lua_ssl_trusted_certificate: Option<PathBuf>,
}

/// What functions may do, and what they are told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Functions")]
pub(crate) struct FunctionsConfig {
    /// Proxies whose X-Forwarded-* headers are believed, as addresses or CIDR blocks.
    #[arg(
        long,
        help_heading = "Serving",
        env = "KONG_TRUSTED_IPS",
        value_delimiter = ',',
        value_name = "CIDR"
    )]
    trusted_ips: Vec<String>,

    /// The header in which a trusted proxy names its client.
    #[arg(
        long,
        help_heading = "Serving",
        env = "KONG_REAL_IP_HEADER",
        default_value = "X-Real-IP",
        value_name = "NAME"
    )]
    real_ip_header: HeaderName,

    /// The host of requests that name none, as those of HTTP/1.0 may.
    #[arg(
        long,
        help_heading = "Serving",
        env = "KONG_NGINX_PROXY_SERVER_NAME",
        default_value = "kong",
        value_name = "NAME"
    )]
    server_name: String,

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

    /// Whether sandboxed functions may require cjson, resty.sha256 and other modules that touch
    /// nothing outside the request, listed or not.
    #[arg(
        long,
        env = "KONG_UNTRUSTED_LUA_SAFE_MODULES",
        action = ArgAction::Set,
        default_value = "on",
        value_parser = on_or_off,
        value_name = "on|off"
    )]
    untrusted_lua_safe_modules: bool,

    /// Globals of Lua that sandboxed functions may see beside the safe ones.
    #[arg(
        long,
        env = "KONG_UNTRUSTED_LUA_SANDBOX_ENVIRONMENT",
        value_delimiter = ',',
        value_name = "GLOBAL"
    )]
    untrusted_lua_sandbox_environment: Vec<String>,

    /// Environment variables that functions may read.
    #[arg(long, env = "KONG_UNTRUSTED_LUA_ENV", value_delimiter = ',', value_name = "NAME")]
    untrusted_lua_env: Vec<String>,

    /// Where sandboxed functions may reach: `off`, `any`, or a list of addresses, CIDR blocks and ports
    /// (10.0.0.0/8:443), with `!` before what is not to be reached. All but the Admin API and
    /// link-local addresses, when nothing is said.
    #[arg(long, env = "KONG_UNTRUSTED_LUA_NETWORK", value_delimiter = ',', value_name = "RULE")]
    untrusted_lua_network: Vec<String>,

    /// The directory in which `require` finds Lua modules.
    #[arg(long, env = "KONG_LUA_MODULE_PATH", value_name = "DIR")]
    lua_module_path: Option<PathBuf>,

    /// How much kong.cache keeps at most, and as much again proxy-cache: bytes, or with k, m or g at
    /// the end.
    #[arg(
        long,
        env = "KONG_MEM_CACHE_SIZE",
        default_value = "128m",
        value_parser = size,
        allow_negative_numbers = true,
        value_name = "SIZE"
    )]
    pub(crate) mem_cache_size: usize,

    /// A dictionary that functions share as `ngx.shared.NAME`, and its size: `counts=10m`.
    #[arg(
        long,
        env = "KONG_NGINX_HTTP_LUA_SHARED_DICT",
        value_delimiter = ',',
        value_parser = shared_dict,
        value_name = "NAME=SIZE"
    )]
    shared_dict: Vec<(String, usize)>,

    /// How much of a request body functions get without asking for more: bytes, or with k, m or g at the
    /// end.
    #[arg(
        long,
        env = "KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE",
        default_value = "1m",
        value_parser = size,
        allow_negative_numbers = true,
        value_name = "SIZE"
    )]
    client_body_buffer_size: usize,
}

/// What functions hear of the gateway: counts, the consumers whom they find, the upstreams.
pub(crate) struct Heard {
    pub(crate) counters: Arc<Counters>,
    pub(crate) current: Current,
}

impl FunctionsConfig {
    /// Whether there may be functions at all.
    pub(crate) fn allowed(&self) -> bool {
        self.untrusted_lua != UntrustedLua::Off
    }

    /// How far functions are trusted, as it is told to a person.
    pub(crate) fn trust(&self) -> &'static str {
        match self.untrusted_lua {
            UntrustedLua::Off => "off",
            UntrustedLua::Sandbox => "sandboxed",
            _ => "trusted",
        }
    }

    /// What functions may use, for who looks at them before they run.
    pub(crate) fn permitted(&self) -> Permitted {
        let owned = |list| names(list).map(str::to_owned).collect();
        Permitted {
            all: self.untrusted_lua == UntrustedLua::On,
            safe_modules: self.untrusted_lua_safe_modules,
            network: names(&self.untrusted_lua_network).next() != Some("off"),
            has_directory: self.lua_module_path.is_some(),
            has_environment: names(&self.untrusted_lua_env).next().is_some(),
            modules: owned(&self.untrusted_lua_sandbox_requires),
            dictionaries: self.shared_dict.iter().map(|(name, _)| name.clone()).collect(),
            globals: owned(&self.untrusted_lua_sandbox_environment),
        }
    }

    /// The VMs that functions run in.
    ///
    /// There is one for each of `workers`; `with` has what is told of functions, and
    /// `heard` is what functions hear of the gateway. The Admin API listens at `admins`; `trusted`
    /// is a file with authorities that functions believe, `resolver` whom they ask for addresses.
    pub(crate) fn runtime(
        &self,
        workers: usize,
        admins: &[SocketAddr],
        trusted: Option<&Path>,
        resolver: Resolver,
        heard: Heard,
        with: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Result<Runtime, BoxError> {
        let builder = self.builder(Runtime::builder(), admins, trusted, resolver, heard)?;
        Ok(with(builder.vms(workers)).build()?)
    }

    /// What a dry run of functions has of the flags.
    pub(crate) fn of_dry_run(&self, trusted: Option<PathBuf>) -> Conditions {
        let functions = self.clone();
        let variables = names(&self.untrusted_lua_env);
        Conditions {
            variables: variables
                .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
                .collect(),
            runtime: Arc::new(move |builder, current| {
                let heard = Heard { counters: Arc::default(), current };
                functions.builder(builder, &[], trusted.as_deref(), Resolver::Nobody, heard)
            }),
        }
    }

    fn builder(
        &self,
        builder: RuntimeBuilder,
        admins: &[SocketAddr],
        trusted: Option<&Path>,
        resolver: Resolver,
        heard: Heard,
    ) -> Result<RuntimeBuilder, BoxError> {
        let Heard { counters, current } = heard;
        let upstreams = current.clone();
        let mut sandbox = Sandbox::new(self.untrusted_lua)
            .safe_modules(self.untrusted_lua_safe_modules)
            .network(network(names(&self.untrusted_lua_network), admins)?);
        for module in names(&self.untrusted_lua_sandbox_requires) {
            sandbox = sandbox.allow_require(module);
        }
        for global in names(&self.untrusted_lua_sandbox_environment) {
            sandbox = sandbox.allow_global(global);
        }
        let mut builder = builder
            .server_stats(move || {
                let [accepted, active, requests] = counters.read();
                ServerStats {
                    connections_accepted: accepted,
                    connections_handled: accepted,
                    connections_active: active,
                    total_requests: requests,
                    ..ServerStats::default()
                }
            })
            .sandbox(sandbox)
            .resolver(move |name: String| {
                let resolver = resolver.clone();
                async move { resolver.resolve(&name).await }
            })
            .cache(self.mem_cache_size)
            .upstreams(move |name| upstreams.load().balancer(name).is_some())
            .consumers(move |field, value| current.load().consumer_by(field, value).cloned())
            .header_names(spelling::names)
            .facts(|extensions| extensions.get::<Arc<Flight>>().cloned())
            .client_connection(Flight::client_connection)
            .environment(names(&self.untrusted_lua_env))
            .trusted_ips(names(&self.trusted_ips))
            .real_ip_header(self.real_ip_header.clone())
            .server_name(&self.server_name)
            .body_buffer_size(self.client_body_buffer_size as u64);
        if let Some(directory) = &self.lua_module_path {
            builder = builder.module_path(directory);
        }
        if let Some(file) = trusted {
            let wrong = |error| format!("lua_ssl_trusted_certificate: {}: {error}", file.display());
            builder = builder.trusted_certificates(std::fs::read(file).map_err(wrong)?);
        }
        for (name, bytes) in &self.shared_dict {
            builder = builder.shared_dict(name, *bytes);
        }
        Ok(builder)
    }
}

/// The elements of a list as it stands in an environment variable: blanks and empty ones left out.
fn names(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(|name| name.trim()).filter(|name| !name.is_empty())
}
