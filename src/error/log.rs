//! What functions log, and how their failures are reported: `tracing` events.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, Site};

/// Which function writes a line, and for which request.
pub(crate) struct Origin<'a> {
    pub(crate) site: &'a Site,
    pub(crate) request_id: &'a str,
}

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

/// A line of the log while it is put together. Of what is longer than a line may be there is no more
/// than fits, and a note that says how long it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    text: String,
    /// How long all of it is.
    length: usize,
}

/// The longest line, in bytes: nginx's.
const MAX_LEN: usize = 2048;

impl Line {
    /// Whether nothing that is added can be seen.
    pub(crate) fn is_full(&self) -> bool {
        self.text.len() > MAX_LEN
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        // A little more than what fits: it may end within a character.
        let room = (MAX_LEN + 8).saturating_sub(self.text.len());
        self.text.push_str(&String::from_utf8_lossy(&bytes[..bytes.len().min(room)]));
        self.length = self.length.saturating_add(bytes.len());
    }

    /// Counts bytes that are not added, since they would not fit.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.length = self.length.saturating_add(bytes);
    }

    /// Adds a line that is to be part of this one.
    pub(crate) fn append(&mut self, other: &Self) {
        self.push(&other.text);
        self.length = self.length.saturating_add(other.length - other.text.len().min(other.length));
    }

    /// The line as it is written.
    pub(crate) fn finish(mut self) -> String {
        if self.is_full() {
            let note = format!("... [{} bytes]", self.length);
            let end = MAX_LEN - note.len();
            let end = (0..=end).rfind(|&end| self.text.is_char_boundary(end)).unwrap_or(0);
            self.text.truncate(end);
            self.text.push_str(&note);
        }
        self.text
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        let mut line = Self::default();
        line.push(text);
        line
    }
}

/// How many lines a request has written. What is more than it may is counted, and said in the end.
#[derive(Default)]
pub(crate) struct Lines {
    count: AtomicU64,
    /// Who was the first to write too much, and for which request.
    dropped: OnceLock<Box<(Site, Box<str>)>>,
}

/// The most lines of a request.
const MAX_LINES: u64 = 1000;

impl Lines {
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    /// Whether the function may write a line of `level` that somebody wants to read.
    pub(crate) fn admit<'a>(&self, level: Level, origin: impl FnOnce() -> Origin<'a>) -> bool {
        if !is_enabled(level) {
            return false;
        }
        let is_admitted = self.count.fetch_add(1, Ordering::Relaxed) < MAX_LINES;
        if !is_admitted {
            self.dropped.get_or_init(|| {
                let Origin { site, request_id } = origin();
                Box::new((site.clone(), request_id.into()))
            });
        }
        is_admitted
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some((site, request_id)) = self.dropped.get().map(|dropped| &**dropped) {
            let dropped = self.count.load(Ordering::Relaxed) - MAX_LINES;
            let message = format!(
                "{dropped} lines of this request were dropped: it has written {MAX_LINES} already"
            );
            write(Level::Warn, &Origin { site, request_id }, Line::from(&*message));
        }
    }
}

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
fn is_enabled(level: Level) -> bool {
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
    origin: &Origin<'_>,
    position: Option<&(String, usize)>,
    message: &Line,
) {
    let (chunk, number) = place(position);
    let mut line = Line::from(&*format!("[kong] {chunk}:{number} [{}] ", origin.site.plugin));
    line.append(message);
    write(level, origin, line);
}

/// Writes a line of `ngx.log`, as lua-nginx-module has it: `[lua] file:line: message`.
pub(crate) fn write_for_ngx(
    level: Level,
    origin: &Origin<'_>,
    position: Option<&(String, usize)>,
    message: &Line,
) {
    let (chunk, number) = place(position);
    let mut line = Line::from(&*format!("[lua] {chunk}:{number}: "));
    line.append(message);
    write(level, origin, line);
}

fn place(position: Option<&(String, usize)>) -> (&str, usize) {
    position.map_or(("?", 0), |(chunk, line)| (chunk.rsplit('/').next().unwrap_or(chunk), *line))
}

/// Writes a line that has all that it is to have.
pub(crate) fn write(level: Level, origin: &Origin<'_>, line: Line) {
    let message = line.finish();
    let Origin { site, request_id } = origin;
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(
                target: "tower_lua::log",
                $level,
                level = level.name(),
                plugin = site.plugin.name(),
                functions = &*site.set,
                phase = site.phase.name(),
                request_id,
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

/// Reports a call that was slow, and where it was when it became so.
#[cold]
pub(crate) fn slow(
    site: &Site,
    request_id: &str,
    elapsed: Duration,
    cpu: Duration,
    traceback: Option<&str>,
) {
    let Site { plugin, set, phase, index, .. } = site;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    tracing::warn!(
        target: "tower_lua::slow",
        request_id,
        functions = &**set,
        phase = phase.name(),
        elapsed_ms = milliseconds(elapsed),
        cpu_ms = milliseconds(cpu),
        traceback,
        "[{plugin}] {set}: {phase}[{index}]: slow: it took {elapsed:.1?}, {cpu:.1?} of them on the CPU"
    );
}

/// Reports a function that failed: one event, with all that is known.
#[cold]
pub(crate) fn report(error: &Error) {
    if !tracing::dispatcher::has_been_set() {
        // Nobody hears of events. A program that answers 500 and says nothing is no start.
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            eprintln!(
                "tower-lua: {error}\n\
                 tower-lua: this and what follows goes to `tracing`, which has no subscriber: \
                 call tracing_subscriber::fmt::init()"
            );
        });
    }
    let (chunk, line) = error.position().unwrap_or(("?", 0));
    tracing::error!(
        target: "tower_lua::function",
        request_id = error.request_id(),
        functions = error.function_set(),
        phase = error.phase().map(crate::Phase::name),
        chunk,
        line,
        traceback = error.traceback(),
        "{error}"
    );
}
