//! A reverse proxy that runs functions written for Kong.
//!
//! ```console
//! $ cargo run --release --example gateway -- --demo
//! $ curl -i localhost:8000/test
//! $ curl -i localhost:8000/test -H 'x-custom-auth: demo'
//! ```
//!
//! `--demo` serves the demonstration of Kong's documentation over a built-in upstream; without it,
//! `--declarative-config kong.yml` says what is served. `--help` lists the rest.

mod admin;
mod config;
mod declarative;
mod demo;
mod listen;
mod proxy;
mod routes;
mod stack;
mod uri;

use std::process::ExitCode;

use clap::Parser;
use tokio::sync::watch;

use crate::config::Config;
use crate::declarative::Declaration;
use crate::listen::Listener;
use crate::proxy::Proxy;
use crate::routes::Routes;

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
    let declaration = match (&config.declarative_config, config.demo) {
        (Some(_), true) => return Err("--demo and --declarative-config exclude each other".into()),
        (Some(path), false) => Declaration::read(path)?,
        (None, true) => demo::declaration(demo::serve_upstream(stopped.clone()).await?),
        (None, false) => {
            return Err("nothing to serve: pass --declarative-config kong.yml, or --demo".into());
        }
    };
    let routes = Routes::new(&declaration, &runtime)?;
    if config.demo {
        demo::explain(proxies.first().map(Listener::addr));
    }

    let service = stack::new(routes, Proxy::new(), &runtime);
    for listener in proxies {
        tracing::info!("proxy listens on {}", listener.addr());
        listener.serve(service.clone(), stopped.clone());
    }
    for listener in admins {
        tracing::info!("admin listens on {}", listener.addr());
        listener.serve(admin::service(runtime.clone()), stopped.clone());
    }
    drop(stopped);

    listen::signal().await?;
    tracing::info!("shutting down: waiting for requests in flight");
    let _ = stop.send(());
    stop.closed().await;
    Ok(())
}
