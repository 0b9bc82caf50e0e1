//! [`Covered`]: which lines of files have run, in the manner of lcov.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tower_lua::testing::Coverage;

use crate::lua::check::lines::{Span, statements};

/// The functions of files, and which of their lines have run.
#[derive(Clone, Default)]
pub(super) struct Covered {
    pub(super) coverage: Coverage,
    files: Arc<Mutex<BTreeMap<PathBuf, Vec<Chunk>>>>,
}

/// A function of a file.
struct Chunk {
    /// What Lua calls it.
    name: String,
    statements: Vec<Span>,
    /// How many lines of the file are before it.
    offset: usize,
}

/// How much of a text is its name.
const NAME: usize = 128;

impl Covered {
    /// Declares a function of a file, which begins behind `offset` lines; `name` is what Lua calls it.
    pub(super) fn declare(&self, path: &Path, name: String, text: &str, offset: usize) {
        let mut files = self.files.lock();
        let chunks = files.entry(path.to_owned()).or_default();
        if !chunks.iter().any(|chunk| chunk.name == name && chunk.offset == offset) {
            chunks.push(Chunk { name, statements: statements(text), offset });
        }
    }

    /// What Lua calls a function that is given as text.
    pub(super) fn name(text: &str) -> String {
        let end = text.find('\0').unwrap_or(text.len()).min(NAME);
        let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text[..end].to_owned()
    }

    /// Whether statements have run, by the lines that they begin in. A line is counted again when what it
    /// calls returns: how often it has run is not known.
    pub(super) fn lcov(&self) -> String {
        let ran = self.coverage.lines();
        let mut text = String::new();
        for (path, chunks) in self.files.lock().iter() {
            let mut lines = BTreeMap::new();
            for chunk in chunks {
                let counts = ran.get(&chunk.name);
                for span in &chunk.statements {
                    // What Lua says of a statement may be of another line of it.
                    let has_run =
                        counts.is_some_and(|lines| lines.range(span.clone()).next().is_some());
                    let line = lines.entry(span.start() + chunk.offset).or_insert(false);
                    *line |= has_run;
                }
            }
            let hit = lines.values().filter(|has_run| **has_run).count();
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            let _ = writeln!(text, "TN:\nSF:{}", path.display());
            for (line, has_run) in &lines {
                let _ = writeln!(text, "DA:{line},{}", u8::from(*has_run));
            }
            let _ = writeln!(text, "LF:{}\nLH:{hit}\nend_of_record", lines.len());
        }
        text
    }
}
