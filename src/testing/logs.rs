//! What functions write to the log, heard while a test runs.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::settings::recording::{Log, Recording};

/// How many lines are kept.
const MAX_LINES: usize = 100_000;

/// Hears what is written.
#[derive(Clone, Default)]
pub(super) struct Recorder {
    lines: Arc<Mutex<Vec<Log>>>,
    recording: Option<Arc<Recording>>,
}

impl Recorder {
    pub(super) fn new(recording: Option<Arc<Recording>>) -> Self {
        Self { lines: Arc::default(), recording }
    }

    pub(super) fn taken(&self) -> Vec<Log> {
        std::mem::take(&mut self.lines.lock())
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ["tower_lua::log", "tower_lua::function"].contains(&metadata.target())
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => "err",
            tracing::Level::WARN => "warn",
            tracing::Level::INFO => "info",
            _ => "debug",
        };
        let mut fields = Fields(Log::new(level.to_owned(), String::new()));
        event.record(&mut fields);
        if let Some(recording) = &self.recording {
            recording.log(&fields.0);
        }
        let mut lines = self.lines.lock();
        if lines.len() < MAX_LINES {
            lines.push(fields.0);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of an event that matter.
struct Fields(Log);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "level" {
            value.clone_into(&mut self.0.level);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.message = format!("{value:?}");
        }
    }
}
