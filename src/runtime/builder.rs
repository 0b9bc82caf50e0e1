//! [`RuntimeBuilder`]: what a runtime is made with.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;
use serde::Serialize;

use super::Runtime;
use crate::api;
use crate::error::Error;
use crate::extension::Consumer;
use crate::lua::Budget;
use crate::settings::{
    Background, ClusterEvents, Configuration, Kind, Node, Sandbox, ServerStats, Settings,
    Subrequests,
};
use crate::store::SharedDict;
use crate::store::cache::Cache;
use crate::vm::Pool;

/// Builds a [`Runtime`].
#[must_use]
pub struct RuntimeBuilder {
    vms: Option<usize>,
    trusted_ips: Vec<String>,
    configuration: Result<Configuration, Error>,
    /// Variables of a test, in the place of those of the process.
    #[cfg(feature = "testing")]
    pub(super) variables: Option<BTreeMap<String, String>>,
    #[cfg(feature = "net")]
    pub(super) network: super::network::Network,
    pub(super) settings: Settings,
}

impl Default for RuntimeBuilder {
    fn default() -> Self {
        let settings = Settings {
            budget: Budget::default(),
            sandbox: Sandbox::default(),
            modules: Vec::new(),
            host_functions: Vec::new(),
            module_path: None,
            body_buffer_size: 1 << 20,
            max_body_size: 64 << 20,
            trusted_ips: Vec::new(),
            real_ip_header: HeaderName::from_static("x-real-ip"),
            server_name: "kong".to_owned(),
            vms: 0,
            cache: Arc::new(Cache::new(16 << 20)),
            background: Arc::new(Background::new()),
            observer: None,
            sampler: Arc::default(),
            slow_function: None,
            failed: None,
            #[cfg(feature = "testing")]
            recording: None,
            node: Node::default(),
            configuration: Configuration::default(),
            environment: BTreeMap::new(),
            grants_environment: false,
            server_stats: None,
            connection: None,
            facts: None,
            upstreams: None,
            consumers: None,
            subrequests: Subrequests::default(),
            invalidated: None,
            cluster_events: ClusterEvents::default(),
            header_names: None,
            #[cfg(feature = "net")]
            client_connection: None,
            shared_dicts: Vec::new(),
            #[cfg(feature = "net")]
            reach: Arc::default(),
        };
        let configuration = Ok(Configuration::default());
        Self {
            vms: None,
            trusted_ips: Vec::new(),
            configuration,
            #[cfg(feature = "testing")]
            variables: None,
            #[cfg(feature = "net")]
            network: Default::default(),
            settings,
        }
    }
}

impl RuntimeBuilder {
    /// How many VMs there are: as many as worker threads run at once, by default as many as the
    /// machine has cores. A VM is made when it is first needed.
    pub fn vms(mut self, count: usize) -> Self {
        self.vms = Some(count);
        self
    }

    /// What functions may use of time and memory.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.settings.budget = budget;
        self
    }

    /// What functions may reach.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.settings.sandbox = sandbox;
        self
    }

    /// Lets `require(name)` find the module that `module` makes: once in each VM for the operator's own
    /// Lua, and once more for each function in the sandbox that asks, which no other can change then.
    ///
    /// Registering it is allowing it: the sandbox's list need not name it.
    ///
    /// ```
    /// use tower_lua::{Runtime, mlua};
    ///
    /// let runtime = Runtime::builder()
    ///     .module("app.flags", |lua| {
    ///         let flags = lua.create_table()?;
    ///         flags.set("is_on", lua.create_function(|_, name: String| Ok(name == "beta"))?)?;
    ///         Ok(mlua::Value::Table(flags))
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn module(
        mut self,
        name: impl Into<String>,
        module: impl Fn(&mlua::Lua) -> mlua::Result<mlua::Value> + Send + Sync + 'static,
    ) -> Self {
        self.settings.modules.push((name.into(), Arc::new(module)));
        self
    }

    /// The directory in which `require("a.b")` finds `a/b.lua` or `a/b/init.lua`.
    ///
    /// The sandbox's list says which modules functions may have. A module itself runs outside the
    /// sandbox, as in Kong: the directory holds the operator's code.
    pub fn module_path(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.module_path = Some(directory.into());
        self
    }

    /// Makes a dictionary of at most `bytes` that the functions of all VMs share as
    /// `ngx.shared.NAME`: nginx's `lua_shared_dict`.
    ///
    /// A dictionary that is full forgets what was not used for longest. The capacity counts about
    /// 130 bytes for each entry beside its key and value. Of two with one name the later counts.
    ///
    /// ```
    /// use tower_lua::{Functions, PreFunctionLayer, Runtime};
    ///
    /// let runtime = Runtime::builder().shared_dict("counts", 1 << 20).build()?;
    /// let functions = Functions::access("limit", r#"
    ///     local count = ngx.shared.counts:incr(ngx.var.remote_addr, 1, 0, 60)
    ///     if count > 100 then kong.response.exit(429, "slow down") end
    /// "#)?;
    /// let layer = PreFunctionLayer::new(functions).runtime(&runtime);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn shared_dict(mut self, name: impl Into<String>, bytes: usize) -> Self {
        self.settings.shared_dicts.push((name.into(), Arc::new(SharedDict::new(bytes))));
        self
    }

    /// How many timers of [`ngx.timer`](crate::guide::compatibility#ngxtimer) may be pending in a VM,
    /// 1,024 by default: nginx's `lua_max_pending_timers`. A function that starts one more gets `nil`
    /// and a message.
    pub fn max_pending_timers(self, count: usize) -> Self {
        self.limit(Kind::PendingTimer, count)
    }

    /// How many functions of timers may run at once in a VM, those that wait among them, 256 by
    /// default: nginx's `lua_max_running_timers`. A timer that expires when there are as many does not
    /// run, and the log says so.
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// let runtime = Runtime::builder().max_pending_timers(64).max_running_timers(8).build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn max_running_timers(self, count: usize) -> Self {
        self.limit(Kind::RunningTimer, count)
    }

    fn limit(mut self, kind: Kind, count: usize) -> Self {
        let background = Arc::get_mut(&mut self.settings.background);
        background.expect("shared once there is a runtime").set_limit(kind, count);
        self
    }

    /// How many bytes of a request body functions may ask for without saying so, 1 MiB by default.
    /// `kong.request.get_raw_body()` gives `nil` and a message for a longer one.
    pub fn body_buffer_size(mut self, bytes: u64) -> Self {
        self.settings.body_buffer_size = bytes;
        self
    }

    /// How many bytes of a body are buffered at most, whatever a function asks for: 64 MiB by
    /// default.
    pub fn max_body_size(mut self, bytes: u64) -> Self {
        self.settings.max_body_size = bytes;
        self
    }

    /// The proxies whose `X-Forwarded-*` and `X-Real-IP` headers are believed, as addresses or CIDR
    /// blocks: Kong's `trusted_ips`.
    pub fn trusted_ips(mut self, networks: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.trusted_ips =
            networks.into_iter().map(|network| network.as_ref().to_owned()).collect();
        self
    }

    /// The header in which a trusted proxy names the client's address, `X-Real-IP` by default. Of
    /// several addresses the last counts.
    pub fn real_ip_header(mut self, name: HeaderName) -> Self {
        self.settings.real_ip_header = name;
        self
    }

    /// The host of requests that name none, as those of HTTP/1.0 may: nginx's `server_name`, `kong` by
    /// default. It is `ngx.var.server_name`, too.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.settings.server_name = name.into();
        self
    }

    /// How many bytes `kong.cache` keeps at most, 16 MiB by default. When it is full, what was not
    /// used for the longest time goes. Nothing is set aside before it is needed.
    pub fn cache(mut self, bytes: usize) -> Self {
        self.settings.cache = Arc::new(Cache::new(bytes));
        self
    }

    /// Registers what functions see in `kong.configuration`, beside what the runtime itself knows:
    /// `untrusted_lua`, `trusted_ips`, `real_ip_header` and the like, by the names of Kong's
    /// configuration. Where both have a field, this one counts.
    ///
    /// What looks like a secret is `******` for functions: fields whose names speak of passwords,
    /// keys, tokens and secrets, private keys, and addresses with a password in them.
    ///
    /// `node_id` is the answer of `kong.node.get_id()`, `cluster_id` of `kong.cluster.get_id()`,
    /// `vault_env_prefix` the prefix of the variables of [`environment`](Self::environment).
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// let configuration = serde_json::json!({
    ///     "log_level": "info",
    ///     "node_id": "edge-7",
    ///     "redis": { "host": "cache.internal", "password": "never shown" },
    /// });
    /// let runtime = Runtime::builder().configuration(configuration).build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn configuration(mut self, configuration: impl Serialize) -> Self {
        self.configuration = Configuration::new(configuration);
        self
    }

    /// Lets functions read environment variables: with `os.getenv`, and through references to Kong's
    /// `env` vault, where `kong.vault.get("{vault://env/api-key}")` is the value of `API_KEY`.
    ///
    /// Variables are read when the runtime is built. Those that do not exist then, or are not text,
    /// do not exist for functions.
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// let runtime = Runtime::builder().environment(["API_KEY", "SIGNING_SECRET"]).build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn environment(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = names.into_iter().map(Into::into);
        let values = names.map(|name| (name, String::new()));
        self.settings.environment = values.collect();
        self
    }

    /// Says where `kong.nginx.get_statistics()` has its numbers from, else an empty table. It is called
    /// while a VM is in use, so it should not wait.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use tower_lua::{Runtime, ServerStats};
    ///
    /// static REQUESTS: AtomicU64 = AtomicU64::new(0);
    ///
    /// let runtime = Runtime::builder()
    ///     .server_stats(|| ServerStats {
    ///         total_requests: REQUESTS.load(Ordering::Relaxed),
    ///         ..ServerStats::default()
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn server_stats(mut self, stats: impl Fn() -> ServerStats + Send + Sync + 'static) -> Self {
        self.settings.server_stats = Some(Box::new(stats));
        self
    }

    /// Says how the names of headers are written that a message of HTTP/1 came with: one text for each
    /// of the headers' values, in their order.
    ///
    /// [`http::HeaderMap`] has names in lower case. An application that knows better, because it looks
    /// at what its server has put into a message's extensions, lets functions see it with
    /// `ngx.req.get_headers(0, true)`, `ngx.resp.get_headers(0, true)` and `ngx.req.raw_header()`. It
    /// is asked then and only then; what functions have set themselves is as they have
    /// [written](crate::HeaderNames) it in any case.
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// #[derive(Clone)]
    /// struct NamesAsTheyCame(Vec<String>);
    ///
    /// let runtime = Runtime::builder()
    ///     .header_names(|_headers, extensions| {
    ///         extensions.get::<NamesAsTheyCame>().map(|names| names.0.clone()).unwrap_or_default()
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn header_names(
        mut self,
        spell: impl Fn(&HeaderMap, &Extensions) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.settings.header_names = Some(Box::new(spell));
        self
    }

    /// Says which upstreams the forwarder knows: `kong.service.set_upstream` answers `nil` and a
    /// message for any other name. Without it, all names will do. As above, it should not wait.
    ///
    /// ```
    /// use tower_lua::Runtime;
    ///
    /// let runtime = Runtime::builder().upstreams(|name| ["stable", "canary"].contains(&name)).build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn upstreams(mut self, exists: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.settings.upstreams = Some(Box::new(exists));
        self
    }

    /// Says where `kong.client.load_consumer` looks: `find` is asked for the consumer whose `id` or
    /// `username`, whichever comes first, has the value that comes second. Without it, functions find
    /// the request's own consumer alone. As above, it should not wait.
    ///
    /// ```
    /// use tower_lua::{Consumer, Runtime};
    ///
    /// let alice = Consumer::new(serde_json::json!({ "id": "1", "username": "alice" }))?;
    /// let runtime = Runtime::builder()
    ///     .consumers(move |field, value| {
    ///         (alice.field(field)?.as_str() == Some(value)).then(|| alice.clone())
    ///     })
    ///     .build()?;
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    pub fn consumers(
        mut self,
        find: impl Fn(&str, &str) -> Option<Consumer> + Send + Sync + 'static,
    ) -> Self {
        self.settings.consumers = Some(Box::new(find));
        self
    }

    /// Makes the runtime and its first VM.
    ///
    /// # Errors
    ///
    /// When a module of [`module`](Self::module) cannot be made or [`function`](Self::function) has one
    /// of its name, the memory limit is too small for a
    /// VM, what [`trusted_ips`](Self::trusted_ips) was given is not an address, or what
    /// [`configuration`](Self::configuration) was given has no named fields.
    pub fn build(mut self) -> Result<Runtime, Error> {
        self.check_modules()?;
        self.settings.trusted_ips =
            self.trusted_ips.iter().map(|text| network(text)).collect::<Result<_, _>>()?;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.settings.vms = self.vms.unwrap_or_else(cores).max(1);
        self.settings.grants_environment = !self.settings.environment.is_empty();
        let names = std::mem::take(&mut self.settings.environment).into_keys();
        self.settings.environment =
            names.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect();
        #[cfg(feature = "testing")]
        if let Some(variables) = self.variables {
            self.settings.grants_environment = !variables.is_empty();
            self.settings.environment = variables;
        }
        let registered = self.configuration?;
        self.settings.node = Node::new(registered.text("node_id"));
        self.settings.configuration = registered.complete(&self.settings);
        #[cfg(feature = "net")]
        {
            self.settings.reach = Arc::new(self.network.reach(&self.settings)?);
        }
        let pool = Pool::new(self.settings.vms, Arc::new(self.settings), api::API);
        pool.with(&mut None, |_| ()).map_err(|error| Error::config(format!("no VM: {error}")))?;
        Ok(Runtime { pool })
    }
}

/// A CIDR block, or the block of one address.
fn network(text: &str) -> Result<IpNet, Error> {
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
        Error::config(format!("trusted_ips: '{text}' is not an address or CIDR block"))
    })
}

impl fmt::Debug for RuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RuntimeBuilder").field("vms", &self.vms).finish_non_exhaustive()
    }
}
