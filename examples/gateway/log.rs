//! The log: where it goes, how its lines look, and which there are.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Mutex;

use clap::{ArgAction, Args, ValueEnum};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::BoxError;
use crate::flags::on_or_off;
use crate::terminal;

/// Where the log goes, and how much of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
pub(crate) struct LogConfig {
    /// The least level that is logged, or a filter of `tracing`.
    #[arg(long, env = "KONG_LOG_LEVEL", default_value = "notice", value_name = "LEVEL")]
    log_level: Filter,

    /// How lines of the log look: `pretty` for people, `json` for programs.
    #[arg(long, default_value = "pretty", value_name = "FORMAT")]
    log_format: LogFormat,

    /// `off` for no line for each request.
    #[arg(
        long,
        env = "KONG_PROXY_ACCESS_LOG",
        action = ArgAction::Set,
        default_value = "on",
        value_parser = on_or_off,
        value_name = "on|off"
    )]
    proxy_access_log: bool,

    /// A file to append the log to, instead of standard error.
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
}

/// What the log says of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccessLog {
    /// Nothing.
    Off,
    /// A line as nginx writes it.
    Line,
    /// A field for each thing that there is to say.
    Fields,
}

/// Who reads what the gateway says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Somebody at a terminal, where the log goes as well.
    Person,
    /// A program, or somebody later.
    Program,
    /// Somebody at a terminal; the log goes elsewhere.
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Pretty,
    Json,
}

impl LogConfig {
    /// What is logged of each request.
    pub(crate) fn access_log(&self) -> AccessLog {
        match self.log_format {
            _ if !self.proxy_access_log => AccessLog::Off,
            LogFormat::Pretty => AccessLog::Line,
            LogFormat::Json => AccessLog::Fields,
        }
    }

    /// Who reads what the gateway says of itself.
    pub(crate) fn reader(&self) -> Reader {
        match self.log_format {
            _ if !terminal::is_read() => Reader::Program,
            _ if self.log_file.is_some() => Reader::Both,
            LogFormat::Json => Reader::Program,
            LogFormat::Pretty => Reader::Person,
        }
    }

    /// Sends the events of `tracing` to the log, and has `hear` hear of those that are in it.
    pub(crate) fn start(&self, hear: Hear) -> Result<(), BoxError> {
        let writer = match &self.log_file {
            None => BoxMakeWriter::new(std::io::stderr),
            Some(path) => {
                let file = OpenOptions::new().create(true).append(true).open(path);
                let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
                BoxMakeWriter::new(Mutex::new(file))
            }
        };
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::try_new(&self.log_level.0)?)
            .with_writer(writer)
            .with_ansi(self.is_coloured());
        match self.log_format {
            LogFormat::Pretty => subscriber.finish().with(Heard(hear)).init(),
            LogFormat::Json => subscriber.json().finish().with(Heard(hear)).init(),
        }
        Ok(())
    }

    /// Whether lines of the log have colours.
    fn is_coloured(&self) -> bool {
        self.log_format == LogFormat::Pretty && self.log_file.is_none() && terminal::is_coloured()
    }
}

/// Hears of what is in the log.
pub(crate) type Hear = fn(&Event<'_>);

struct Heard(Hear);

impl<S: Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        (self.0)(event);
    }
}

/// A filter as `tracing` writes it.
#[derive(Clone, Debug)]
struct Filter(String);

/// nginx's levels, and the names that `tracing` has for them.
const LEVELS: [(&str, &str); 11] = [
    ("trace", "trace"),
    ("debug", "debug"),
    ("info", "info"),
    ("notice", "info"),
    ("warn", "warn"),
    ("error", "error"),
    ("err", "error"),
    ("crit", "error"),
    ("alert", "error"),
    ("emerg", "error"),
    ("off", "off"),
];

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let directive = |directive: &str| {
            let directive = directive.trim();
            let level = LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(directive));
            match level {
                Some((_, level)) => Ok((*level).to_owned()),
                // tracing takes a word that is no level for a target, and says nothing ever after.
                None if directive.contains(['=', '[']) => Ok(directive.to_owned()),
                None => {
                    let names: Vec<_> = LEVELS.iter().map(|(name, _)| *name).collect();
                    let names = names.join(", ");
                    Err(format!("expected one of {names}, or a filter as in info,hyper=warn"))
                }
            }
        };
        let directives = text.split(',').map(directive).collect::<Result<Vec<_>, _>>()?;
        let filter = directives.join(",");
        EnvFilter::try_new(&filter).map_err(|error| error.to_string())?;
        Ok(Self(filter))
    }
}
