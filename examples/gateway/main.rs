//! A reverse proxy that runs functions written for Kong.
//!
//! ```console
//! $ cargo run --release --example gateway -- --demo
//! $ curl -i localhost:8000/test
//! $ curl -i localhost:8000/test -H 'x-custom-auth: demo'
//! ```
//!
//! `--demo` serves the demonstration of Kong's documentation over a built-in upstream; without it,
//! what the Admin API has put into the database is served, or what `--declarative-config kong.yml`
//! says. `--help` lists the rest.

mod admin;
mod command;
mod config;
mod configured;
mod database;
mod demo;
mod dry_run;
mod file_watch;
mod flags;
mod function_file;
mod gui;
mod healthchecks;
mod in_force;
mod init;
mod log;
mod lua;
mod manual;
mod network;
mod reload;
mod request;
mod resolver;
mod signals;
mod stack;
mod started;
mod telemetry;
mod terminal;
mod worker;
mod yaml;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use clap::{CommandFactory, Parser};
use tokio::sync::watch;
use tower_lua::{FunctionCall, Runtime, RuntimeBuilder};

use crate::admin::Watched;
use crate::admin::database::Database;
use crate::admin::follow::Follower;
use crate::admin::told::Told;
use crate::config::{Config, Heard};
use crate::configured::declarative;
use crate::configured::problem::Problem;
use crate::configured::store::{Address, Author};
use crate::dry_run::DryRun;
use crate::healthchecks::Checker;
use crate::in_force::failures::Failures;
use crate::in_force::published::{Current, Published};
use crate::reload::Reload;
use crate::request::counters::Counters;
use crate::request::listen::{Listener, Server, TlsAcceptor, addresses};
use crate::request::metrics::Metrics;
use crate::request::plugins::opentelemetry::{Numbers, Telling, Whole, hear};
use crate::request::plugins::{Caches, Logs, Outward, Workshop};
use crate::request::proxy::Roots;
use crate::request::record::Recorder;
use crate::request::subrequest::OfThread;
use crate::resolver::Resolver;
use crate::signals::Signals;
use crate::started::Places;
use crate::telemetry::TelemetryConfig;
use crate::terminal::BAD;
use crate::worker::Parts;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// This thread serves the Admin API and listens to signals; workers serve clients.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::parse();
    match run(config).await {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("{BAD}gateway:{BAD:#} {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until it is told to stop, or does what else it is to do.
async fn run(config: Config) -> Result<ExitCode, BoxError> {
    config.log.start(hear)?;
    if let Some(command) = &config.command {
        let program = Config::command();
        let trusted = config.tls.lua_ssl_trusted_certificate.clone();
        let conditions = || config.functions.of_dry_run(trusted);
        let permitted = config.functions.permitted();
        return command.run(program, || config.database(), permitted, conditions).await;
    }
    let mut signals = Signals::new()?;
    let (stop, stopped) = watch::channel(());
    let proxies = bind("--proxy-listen", &config.proxy_listen, config.workers.0)?;
    let admins = bind("--admin-listen", &config.admin_listen, 1)?;
    let pages = config.gui.bind(!admins.is_empty())?;
    let admin_addrs: Vec<_> = admins.iter().chain(&pages).map(|listener| listener.addr).collect();
    if proxies.is_empty() && admins.is_empty() {
        return Err("--proxy-listen off and --admin-listen off leave nothing to serve: \
            give one of them an address"
            .into());
    }
    let places = Places::new().with("proxy", &proxies).with("admin", &admins).with("page", &pages);
    // From before they are read: what changes meanwhile is seen.
    let mut watch = config.watch()?;
    let gateway = Gateway::open(config, &admin_addrs, stopped).await?;
    if gateway.config.demo {
        gateway.load_demo().await?;
        let [proxy, page] = [&proxies, &pages].map(|all| all.first().map(|listener| listener.addr));
        demo::explain(proxy, page);
    }
    let server = gateway.server(proxies.iter().chain(&admins).chain(&pages))?;
    let workers = gateway.start_workers(proxies, &server)?;
    let admin = gateway.admin();
    gateway.serve(admins, &admin, &server);
    gateway.serve(pages, &gui::service(admin), &server);
    started::say(&gateway.config, &places, &gateway.database.state())?;
    let telling = gateway.tell();
    let Gateway { config, database, logs, stopped, runtime, .. } = gateway;
    drop(stopped);

    let reload = Reload {
        file: config.declarative_config.as_deref(),
        database: &database,
        runtime: &runtime,
        permitted: config.functions.permitted(),
    };
    reload.until_told_to_stop(&mut signals, &mut watch).await;
    tracing::info!("shutting down: waiting for requests in flight");
    let _ = stop.send(());
    // Whoever serves holds on to the receiver until the last request has ended.
    let patience = config.patience() + Duration::from_secs(1);
    let _ = tokio::time::timeout(patience, stop.closed()).await;
    for worker in workers {
        let _ = tokio::task::spawn_blocking(|| worker.join()).await;
    }
    if let Some(telling) = telling {
        telling.end();
    }
    if tokio::time::timeout(config.patience(), logs.drain()).await.is_err() {
        tracing::warn!("logs were still on their way after {:?}", config.patience());
    }
    database.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Listens on all addresses of `list`, which `flag` gives, with a socket of each for each of `workers`.
fn bind(flag: &str, list: &str, workers: usize) -> Result<Vec<Listener>, BoxError> {
    let bound = addresses(list)?.into_iter().map(|address| Listener::bind(address, workers));
    bound
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{error}; {flag} names another address").into())
}

/// Has functions counted, and their failures kept.
fn observed(
    builder: RuntimeBuilder,
    metrics: &Arc<Metrics>,
    failures: &Failures,
) -> RuntimeBuilder {
    let (metrics, failures) = (Arc::clone(metrics), failures.clone());
    let builder = builder.observer(move |call: &FunctionCall<'_>| metrics.called(call));
    builder.failed(move |error| failures.keep(error))
}

/// What all that serves has in common.
struct Gateway {
    config: Config,
    runtime: Runtime,
    resolver: Resolver,
    published: Published,
    current: Current,
    failures: Failures,
    database: Arc<Database>,
    counters: Arc<Counters>,
    metrics: Arc<Metrics>,
    logs: Logs,
    caches: Caches,
    roots: Roots,
    /// Where all spans, numbers and the log go, if they go anywhere.
    told: Option<Arc<Whole>>,
    /// Changes when it is time to stop.
    stopped: watch::Receiver<()>,
}

impl Gateway {
    /// Opens the database and puts what is in it, or in the declarative file, in force.
    async fn open(
        config: Config,
        admins: &[SocketAddr],
        stopped: watch::Receiver<()>,
    ) -> Result<Self, BoxError> {
        let counters = Arc::new(Counters::new(config.workers.0));
        let (address, cached) = (config.database()?, config.database.cached());
        let is_shared = address.as_ref().is_some_and(Address::is_shared);
        let (logs, telemetry) = (Logs::new(Arc::clone(&counters)), &config.telemetry);
        let current = Current::default();
        let failures = Failures::new(current.clone());
        let metrics = Arc::new(Metrics::new(config.workers.0, current.clone()));
        let mut for_others = None;
        let equip = |builder: RuntimeBuilder| {
            let builder = telemetry.tell(logs.tell(observed(builder, &metrics, &failures)));
            let (builder, told) = Told::by(builder, is_shared);
            for_others = told;
            builder
        };
        let trusted = config.tls.lua_ssl_trusted_certificate.as_deref();
        let functions = &config.functions;
        let resolver = Resolver::new(&config.dns_resolver);
        let workers = config.workers.0;
        let heard = Heard { counters: Arc::clone(&counters), current: current.clone() };
        let runtime =
            functions.runtime(workers, admins, trusted, resolver.clone(), heard, equip)?;
        runtime.subrequests(OfThread);
        let roots = Roots::new(trusted)?;
        let outward = Arc::new(Outward::new(resolver.clone(), roots.clients()));
        let caches = Caches::new(functions.mem_cache_size);
        let told = told_of_all(telemetry, &runtime, &logs, &outward)?;
        let tracing = telemetry.defaults(runtime.node_id());
        let (writes, kept, database) = (logs.clone(), caches.clone(), address.clone());
        let workshop = Workshop { logs: writes, outward, caches: kept, tracing, database };
        let published = Published::new(current.clone(), runtime.clone(), workshop.open());
        let functions = config.functions.allowed();
        let database =
            Database::open(address.clone(), cached.as_ref(), functions, published.clone()).await?;
        if let (Some(address), Some(told)) = (address, for_others) {
            let (database, runtime) = (Arc::clone(&database), runtime.clone());
            let follower = Follower { database, address, cached, runtime, told };
            tokio::spawn(follower.follow(stopped.clone()));
        }
        tokio::spawn(Arc::clone(&metrics).follow(published.changes()));
        if let Some(path) = &config.declarative_config {
            database.reload(path).await?;
        }
        Ok(Self {
            config,
            runtime,
            resolver,
            published,
            current,
            failures,
            database,
            counters,
            metrics,
            logs,
            caches,
            roots,
            told,
            stopped,
        })
    }

    /// Puts the demonstration of Kong's documentation in force.
    async fn load_demo(&self) -> Result<(), BoxError> {
        let upstream = demo::serve_upstream(self.stopped.clone()).await?;
        let draft = declarative::load(demo::declaration(upstream), None).map_err(Problem::from)?;
        self.database.replace(Author::default(), draft).await?;
        Ok(())
    }

    /// Tells the server of all numbers, if there is one, until that is ended.
    fn tell(&self) -> Option<Telling> {
        let (metrics, counters) = (Arc::clone(&self.metrics), Arc::clone(&self.counters));
        let of = Numbers { metrics, counters, runtime: self.runtime.clone() };
        self.told.as_ref().map(|told| told.tell(self.config.telemetry.interval(), of))
    }

    fn server<'a>(
        &self,
        mut listeners: impl Iterator<Item = &'a Listener>,
    ) -> Result<Server, BoxError> {
        let (cert, key) = (&self.config.tls.ssl_cert, &self.config.tls.ssl_cert_key);
        let acceptor = || TlsAcceptor::new(cert, key, self.published.clone(), self.runtime.clone());
        let uses_tls = listeners.any(|listener| listener.address.tls);
        Ok(Server {
            tls: uses_tls.then(acceptor).transpose()?,
            counters: None,
            max_connections: self.config.worker_connections,
        })
    }

    /// Starts the threads that serve clients.
    fn start_workers(
        &self,
        listeners: Vec<Listener>,
        server: &Server,
    ) -> Result<Vec<JoinHandle<()>>, BoxError> {
        let checker = Checker::new(self.published.clone(), self.resolver.clone(), &self.roots);
        tokio::spawn(checker.check(self.stopped.clone()));
        let parts = Parts {
            published: self.published.clone(),
            runtime: self.runtime.clone(),
            roots: self.roots.clone(),
            resolver: self.resolver.clone(),
            server: server.clone(),
            debug: self.config.debug,
            tracer: self.config.telemetry.tracer(self.told.as_ref().map(|told| told.spans.clone())),
            patience: self.config.patience(),
        };
        let mut sockets: Vec<Vec<_>> = (0..self.config.workers.0).map(|_| Vec::new()).collect();
        for listener in listeners {
            for (sockets, socket) in sockets.iter_mut().zip(listener.sockets) {
                sockets.push((socket, listener.address.clone()));
            }
        }
        let access_log = self.config.log.access_log();
        let workers = sockets.into_iter().enumerate().map(|(number, sockets)| {
            let (counters, metrics) = (Arc::clone(&self.counters), Arc::clone(&self.metrics));
            let recorder = Recorder::new(counters, metrics, number, access_log);
            worker::start(number, sockets, parts.clone(), recorder, self.stopped.clone())
        });
        let workers = workers.collect::<Result<_, _>>()?;
        Ok(workers)
    }

    /// The Admin API, for whom it is for.
    fn admin(&self) -> Router {
        let counted = Arc::clone(&self.counters);
        let counts = Box::new(move || counted.read());
        let (database, runtime) = (Arc::clone(&self.database), self.runtime.clone());
        let permitted = self.config.functions.permitted();
        let resolver = self.resolver.clone();
        let (failures, metrics) = (self.failures.clone(), Arc::clone(&self.metrics));
        let watched = Watched { counts, failures, metrics };
        let dry_run = self.config.debug.then(|| {
            let trusted = self.config.tls.lua_ssl_trusted_certificate.clone();
            let conditions = self.config.functions.of_dry_run(trusted);
            Arc::new(DryRun::new(conditions, self.roots.clone()))
        });
        let admin = admin::service(database, runtime, resolver, watched, permitted, dry_run);
        let metrics = Arc::clone(&self.metrics);
        let (counters, runtime) = (Arc::clone(&self.counters), self.runtime.clone());
        let metrics = metrics.endpoint(counters, runtime);
        let guard = Arc::new(self.config.admin.clone());
        let guard = axum::middleware::from_fn_with_state(guard, admin::check);
        let caches = self.caches.endpoint(self.current.clone());
        let profile = admin::profile::endpoint(self.runtime.clone(), self.config.debug);
        metrics.merge(caches).merge(profile).fallback_service(admin).layer(guard)
    }

    /// Serves `service` on this thread.
    fn serve(&self, listeners: Vec<Listener>, service: &Router, server: &Server) {
        for listener in listeners {
            for socket in listener.sockets {
                let (address, stopped) = (listener.address.clone(), self.stopped.clone());
                tokio::spawn(server.clone().serve(socket, address, service.clone(), stopped));
            }
        }
    }
}

/// Opens the ways to the server that gets all spans, numbers and the log, if there is one.
fn told_of_all(
    config: &TelemetryConfig,
    runtime: &Runtime,
    logs: &Logs,
    outward: &Arc<Outward>,
) -> Result<Option<Arc<Whole>>, BoxError> {
    let Some(endpoint) = config.endpoint(runtime.node_id()) else { return Ok(None) };
    let whole = Whole::open(&endpoint, logs, outward)?;
    whole.logs.listen();
    Ok(Some(Arc::new(whole)))
}
