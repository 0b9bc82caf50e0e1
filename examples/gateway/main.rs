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
mod body;
mod config;
mod database;
mod declarative;
mod demo;
mod edge;
mod entities;
mod entity;
mod flight;
mod listen;
mod metrics;
mod plugins;
mod problem;
mod proxy;
mod record;
mod router;
mod routing;
mod schema;
mod signals;
mod snapshot;
mod stack;
mod store;
mod uri;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio::sync::watch;
use tower_lua::FunctionCall;

use crate::config::Config;
use crate::database::Database;
use crate::listen::{Listener, Server, TlsAcceptor, addresses};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::proxy::Roots;
use crate::record::{Counters, Recorder};
use crate::signals::{Signal, Signals};
use crate::snapshot::Published;
use crate::worker::Parts;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// This thread serves the Admin API and listens to signals; workers serve clients.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::parse();
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until it is told to stop.
async fn run(config: Config) -> Result<(), BoxError> {
    config.log.start()?;
    let workers = config.workers.0;
    let metrics = Arc::new(Metrics::new(workers));
    let observer = Arc::clone(&metrics);
    let counters = Arc::new(Counters::default());
    let observe = move |call: &FunctionCall<'_>| observer.called(call);
    let runtime = config.functions.runtime(workers, Arc::clone(&counters), observe)?;
    let (stop, stopped) = watch::channel(());
    let mut signals = Signals::new()?;

    let bind = |list: &str, workers| -> Result<Vec<_>, BoxError> {
        addresses(list)?.into_iter().map(|address| Listener::bind(address, workers)).collect()
    };
    let proxies = bind(&config.proxy_listen, workers)?;
    let admins = bind(&config.admin_listen, 1)?;
    let published = Published::new(runtime.clone());
    let functions = config.functions.allowed();
    let database = Database::open(config.database()?, functions, published.clone()).await?;
    if let Some(path) = &config.declarative_config {
        database.reload(path).await?;
    }
    if config.demo {
        let upstream = demo::serve_upstream(stopped.clone()).await?;
        let draft = declarative::load(demo::declaration(upstream)).map_err(Problem::from)?;
        database.replace(draft).await?;
        demo::explain(proxies.first().map(|listener| listener.addr));
    }

    let uses_tls = proxies.iter().chain(&admins).any(|listener| listener.address.tls);
    let (cert, key) = (&config.tls.ssl_cert, &config.tls.ssl_cert_key);
    let acceptor = || TlsAcceptor::new(cert, key, published.clone(), runtime.clone());
    let server = Server {
        tls: uses_tls.then(acceptor).transpose()?,
        counters: None,
        max_connections: config.worker_connections,
    };
    let parts = Parts {
        published: published.clone(),
        runtime: runtime.clone(),
        trusted: config.functions.trusted()?,
        roots: Roots::new(config.tls.lua_ssl_trusted_certificate.as_deref())?,
        server: server.clone(),
        patience: Duration::from_secs(config.shutdown_timeout),
    };
    let writes_log = config.log.writes_access_log();
    let mut sockets: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
    let mut listening = Vec::new();
    for listener in proxies {
        listening.push(format!("proxy listens on {}", listener.addr));
        for (sockets, socket) in sockets.iter_mut().zip(listener.sockets) {
            sockets.push((socket, listener.address.clone()));
        }
    }
    let mut threads = Vec::new();
    for (number, sockets) in sockets.into_iter().enumerate() {
        let (counters, metrics) = (Arc::clone(&counters), Arc::clone(&metrics));
        let recorder = Recorder::new(counters, metrics, number, writes_log);
        threads.push(worker::start(number, sockets, parts.clone(), recorder, stopped.clone())?);
    }
    for line in listening {
        tracing::info!("{line}");
    }
    for listener in admins {
        tracing::info!("admin listens on {}", listener.addr);
        let counted = Arc::clone(&counters);
        let counts = Box::new(move || counted.read());
        let admin = admin::service(Arc::clone(&database), runtime.clone(), counts);
        let metrics = Arc::clone(&metrics).endpoint(Arc::clone(&counters), runtime.clone());
        let service = metrics.fallback_service(admin);
        for socket in listener.sockets {
            let served = server.clone().serve(
                socket,
                listener.address.clone(),
                service.clone(),
                stopped.clone(),
            );
            tokio::spawn(served);
        }
    }
    drop(stopped);

    while signals.next().await == Signal::Reload {
        reload(&config, &database).await;
    }
    tracing::info!("shutting down: waiting for requests in flight");
    let _ = stop.send(());
    // Whoever serves holds on to the receiver until the last request has ended.
    let patience = parts.patience + Duration::from_secs(1);
    let _ = tokio::time::timeout(patience, stop.closed()).await;
    for thread in threads {
        let _ = tokio::task::spawn_blocking(|| thread.join()).await;
    }
    database.close().await;
    Ok(())
}

/// Reads the declarative file again. One that is not good changes nothing.
async fn reload(config: &Config, database: &Arc<Database>) {
    let Some(path) = &config.declarative_config else {
        tracing::warn!("there is no declarative file to be read again");
        return;
    };
    match database.reload(path).await {
        Ok(()) => tracing::info!("{} is in force", path.display()),
        Err(error) => tracing::error!("nothing has changed: {error}"),
    }
}
