//! What a gateway says that has started: where it listens, and what is in force.

use std::net::SocketAddr;

use crate::BoxError;
use crate::config::Config;
use crate::configured::entities::{Kind, State};
use crate::log::Reader;
use crate::request::listen::Listener;
use crate::terminal::{ASIDE, GOOD, TITLE};

/// Where a gateway listens.
pub(crate) struct Places(Vec<Place>);

struct Place {
    /// What is served there: `proxy`, `admin`.
    what: &'static str,
    addr: SocketAddr,
    tls: bool,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// `what` is served at these, too.
    pub(crate) fn with(mut self, what: &'static str, listeners: &[Listener]) -> Self {
        let places = listeners.iter();
        self.0.extend(places.map(|Listener { addr, address, .. }| Place {
            what,
            addr: *addr,
            tls: address.tls,
        }));
        self
    }
}

/// Tells whoever reads that `state` is in force, and where: a person on a terminal in a few lines, others in the log.
pub(crate) fn say(config: &Config, places: &Places, state: &State) -> Result<(), BoxError> {
    let from = source(config)?;
    let counts = [Kind::Services, Kind::Routes, Kind::Plugins].map(|kind| state.all(kind).count());
    let reader = config.log.reader();
    if reader != Reader::Person {
        log(places, &from, counts);
    }
    if reader != Reader::Program {
        anstream::eprint!("{}", text(config, places, &from, counts));
    }
    Ok(())
}

/// Where entities come from.
fn source(config: &Config) -> Result<String, BoxError> {
    Ok(match (&config.declarative_config, config.database()?) {
        _ if config.demo => "the demonstration".to_owned(),
        (Some(path), _) => path.display().to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => "nothing".to_owned(),
    })
}

fn log(places: &Places, from: &str, counts: [usize; 3]) {
    let [services, routes, plugins] = counts;
    tracing::info!(services, routes, plugins, "serving what {from} says");
    for Place { what, addr, .. } in &places.0 {
        tracing::info!("{what} listens on {addr}");
    }
}

fn text(config: &Config, places: &Places, from: &str, counts: [usize; 3]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("{TITLE}gateway {version}{TITLE:#}\n");
    let mut line =
        |name: &str, value: &str| text += &format!("  {ASIDE}{name:<10}{ASIDE:#}{value}\n");
    for Place { what, addr, tls } in &places.0 {
        let scheme = if *tls { "https" } else { "http" };
        line(what, &format!("{GOOD}{scheme}://{addr}{GOOD:#}"));
    }
    let [services, routes, plugins] = counts;
    let (services, routes) = (counted(services, "service"), counted(routes, "route"));
    line("from", &format!("{from}: {services}, {routes}, {}", counted(plugins, "plugin")));
    let workers = counted(config.workers.0, "worker");
    line("functions", &format!("{}, in {workers}", config.functions.trust()));
    text + &next(config, counts)
}

/// What to do now.
fn next(config: &Config, counts: [usize; 3]) -> String {
    let stops = "Ctrl-C stops it.";
    if let Some(path) = &config.declarative_config {
        let (path, id) = (path.display(), std::process::id());
        return if config.watch.watch {
            format!(
                "{stops} What is saved of {path} and its functions is in force a moment later.\n"
            )
        } else {
            format!("{stops} After a change of {path}: kill -HUP {id}\n")
        };
    }
    if counts == [0; 3] {
        return format!(
            "{stops} Nothing is served yet: the Admin API takes services and routes, `gateway init` writes a first \
             declarative file.\n"
        );
    }
    format!("{stops}\n")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
