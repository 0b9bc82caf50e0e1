//! What functions log, and how their failures are reported: `tracing` events.

use crate::error::{Error, Site};

/// nginx's log levels, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Stderr,
    Emerg,
    Alert,
    Crit,
    Err,
    Warn,
    Notice,
    Info,
    Debug,
}

/// nginx cuts its lines at 4 KiB. Here they may be longer, but not without limit.
pub(crate) const MAX_LEN: usize = 64 << 10;

impl Level {
    const ALL: [Self; 9] = [
        Self::Stderr,
        Self::Emerg,
        Self::Alert,
        Self::Crit,
        Self::Err,
        Self::Warn,
        Self::Notice,
        Self::Info,
        Self::Debug,
    ];

    /// The level that `ngx.log` takes by number.
    pub(crate) fn from_number(number: f64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| f64::from(*level as u8) == number)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Stderr => "stderr",
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Err => "err",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// Does `$with!` with the level of tracing that stands for one of nginx's. tracing wants it as a
/// constant.
macro_rules! for_level {
    ($level:expr, $with:ident) => {
        match $level {
            Level::Stderr | Level::Emerg | Level::Alert | Level::Crit | Level::Err => {
                $with!(tracing::Level::ERROR)
            }
            Level::Warn => $with!(tracing::Level::WARN),
            Level::Notice | Level::Info => $with!(tracing::Level::INFO),
            Level::Debug => $with!(tracing::Level::DEBUG),
        }
    };
}

/// Whether anybody wants to know.
pub(crate) fn is_enabled(level: Level) -> bool {
    macro_rules! enabled {
        ($level:expr) => {
            tracing::enabled!(target: "tower_lua::log", $level)
        };
    }
    for_level!(level, enabled)
}

/// Writes a line of `kong.log`, as Kong has it: `[kong] file:line [plugin] message`.
pub(crate) fn write_for_kong(
    level: Level,
    site: &Site,
    position: Option<&(String, usize)>,
    message: &str,
) {
    let (chunk, line) = place(position);
    let plugin = site.plugin;
    write(level, site, format_args!("[kong] {chunk}:{line} [{plugin}] {message}"));
}

/// Writes a line that has all that it is to have.
pub(crate) fn write_line(level: Level, site: &Site, line: &str) {
    write(level, site, format_args!("{line}"));
}

/// Writes a line of `ngx.log`, as lua-nginx-module has it: `[lua] file:line: message`.
pub(crate) fn write_for_ngx(
    level: Level,
    site: &Site,
    position: Option<&(String, usize)>,
    message: &str,
) {
    let (chunk, line) = place(position);
    write(level, site, format_args!("[lua] {chunk}:{line}: {message}"));
}

/// Writes a line of `ngx.errlog.raw_log`, as it is.
pub(crate) fn write_raw(level: Level, site: &Site, message: &str) {
    write(level, site, format_args!("{message}"));
}

fn place(position: Option<&(String, usize)>) -> (&str, usize) {
    position.map_or(("?", 0), |(chunk, line)| (chunk.rsplit('/').next().unwrap_or(chunk), *line))
}

fn write(level: Level, site: &Site, message: std::fmt::Arguments<'_>) {
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(
                target: "tower_lua::log",
                $level,
                level = level.name(),
                plugin = site.plugin.name(),
                functions = &*site.set,
                phase = site.phase.name(),
                "{message}"
            )
        };
    }
    for_level!(level, event);
}

/// Reports a function that is not run to its end, and why.
#[cold]
pub(crate) fn give_up(site: &Site, why: &str) {
    let Site { set, phase, index, .. } = site;
    tracing::error!(
        target: "tower_lua::function",
        functions = &**set,
        phase = phase.name(),
        "{set}: function {index} of {phase} was given up: {why}"
    );
}

/// Reports a function that failed: one event, with all that is known.
#[cold]
pub(crate) fn report(error: &Error) {
    let (chunk, line) = error.position().unwrap_or(("?", 0));
    tracing::error!(
        target: "tower_lua::function",
        functions = error.function_set(),
        phase = error.phase().map(crate::Phase::name),
        chunk,
        line,
        traceback = error.traceback(),
        "{error}"
    );
}
