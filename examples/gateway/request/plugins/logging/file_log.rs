//! `file-log`: a line of JSON for each request.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tower_lua::Runtime;

use super::{Logs, entries};
use crate::BoxError;
use crate::in_force::plugins::Around;
use crate::request::plugins::queue::QueueConfig;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::request::plugins) struct Config {
    path: PathBuf,
    #[serde(default)]
    reopen: bool,
    #[serde(default)]
    custom_fields_by_lua: BTreeMap<String, String>,
}

/// As many lines as are there are written at once.
const LINES: usize = 1000;

pub(in crate::request::plugins) fn layer(
    config: Config,
    logs: &Logs,
    runtime: &Runtime,
) -> Result<Arc<dyn Around>, BoxError> {
    let Config { path, reopen, custom_fields_by_lua } = config;
    let log = logs.open(QueueConfig {
        max_batch_size: LINES,
        max_coalescing_delay: 0.0,
        // A line that cannot be written is lost.
        max_retry_time: 0.0,
        ..QueueConfig::default()
    });
    let queue = Arc::clone(&log.queue);
    let plugin = entries::layer("file-log", &custom_fields_by_lua, log, runtime)?;
    let (handle, taker) = (logs.0.handle.clone(), logs.0.takers.subscribe());
    // Whoever opens a pipe waits until somebody reads from it.
    std::thread::Builder::new().name("file-log".to_owned()).spawn(move || {
        let mut lines = Lines { path, reopen, file: None };
        handle.block_on(
            queue.empty("file-log", joined, |batch| std::future::ready(lines.write(&batch))),
        );
        drop(taker);
    })?;
    Ok(plugin)
}

/// A file that lines are added to.
struct Lines {
    path: PathBuf,
    reopen: bool,
    file: Option<File>,
}

impl Lines {
    fn write(&mut self, lines: &[u8]) -> Result<(), BoxError> {
        let written = self.append(lines);
        if written.is_err() || self.reopen {
            self.file = None;
        }
        written.map_err(|error| format!("cannot write {}: {error}", self.path.display()).into())
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(open(&self.path)?),
        };
        file.write_all(lines)
    }
}

/// Entries, each with the end of a line.
fn joined(entries: Vec<Bytes>) -> Bytes {
    let mut lines = Vec::with_capacity(entries.iter().map(|entry| entry.len() + 1).sum());
    for entry in entries {
        lines.extend_from_slice(&entry);
        lines.push(b'\n');
    }
    lines.into()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
