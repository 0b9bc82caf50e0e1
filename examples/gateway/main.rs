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
mod entities;
#[expect(dead_code, reason = "the router does not read all of it yet")]
mod entity;
mod listen;
mod problem;
mod proxy;
mod routes;
mod schema;
mod snapshot;
mod stack;
mod store;
mod uri;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::sync::watch;

use crate::config::Config;
use crate::database::Database;
use crate::listen::Listener;
use crate::problem::Problem;
use crate::proxy::Proxy;
use crate::snapshot::Published;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
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
    let runtime = config.functions.runtime()?;
    let (stop, stopped) = watch::channel(());

    let proxies = Listener::bind_all(&config.proxy_listen).await?;
    let admins = Listener::bind_all(&config.admin_listen).await?;
    let published = Published::new();
    let functions = config.functions.allowed();
    let database = Database::open(config.database()?, functions, published.clone()).await?;
    if let Some(path) = &config.declarative_config {
        database.reload(path).await?;
    }
    if config.demo {
        let upstream = demo::serve_upstream(stopped.clone()).await?;
        let draft = declarative::load(demo::declaration(upstream)).map_err(Problem::from)?;
        database.replace(draft).await?;
        demo::explain(proxies.first().map(Listener::addr));
    }

    let service = stack::new(&published, Proxy::new(), &runtime);
    for listener in proxies {
        tracing::info!("proxy listens on {}", listener.addr());
        listener.serve(service.clone(), stopped.clone());
    }
    let admin = admin::service(Arc::clone(&database), runtime.clone(), Box::new(|| [0; 3]));
    for listener in admins {
        tracing::info!("admin listens on {}", listener.addr());
        listener.serve(admin.clone(), stopped.clone());
    }
    drop(stopped);

    listen::signal().await?;
    tracing::info!("shutting down: waiting for requests in flight");
    let _ = stop.send(());
    stop.closed().await;
    database.close().await;
    Ok(())
}
