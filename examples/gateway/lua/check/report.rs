//! What has been found, for people and for programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use super::finding::{Finding, Level, Place};
use crate::terminal::{ASIDE, BAD, DOUBTFUL};

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One array of objects.
    Json,
    /// As GitHub shows it beside the lines of a change.
    Github,
}

/// What is said of files.
#[derive(Default)]
pub(crate) struct Report {
    entries: Vec<Entry>,
    functions: usize,
    /// Those of them that have a file of their own.
    files: BTreeSet<PathBuf>,
}

struct Entry {
    file: String,
    phase: Option<String>,
    place: Place,
    finding: Finding,
}

impl Entry {
    /// Whether this says of a place what `other` does, whatever phase it was looked at for.
    fn says(&self, other: &Self) -> bool {
        (&self.file, self.place, &self.finding.rule, &self.finding.message)
            == (&other.file, other.place, &other.finding.rule, &other.finding.message)
    }
}

impl Report {
    /// A function has been looked at that has a file of its own.
    pub(crate) fn add_file(&mut self, file: &Path, phase: Option<&str>, findings: Vec<Finding>) {
        // It may be looked at for itself, and for plugins that name it.
        self.functions +=
            usize::from(self.files.insert(std::path::absolute(file).unwrap_or_default()));
        self.find(file, phase, findings, |place| place);
    }

    /// A function has been looked at; `place` says where in the file something of it stands.
    pub(crate) fn add(
        &mut self,
        file: &Path,
        phase: Option<&str>,
        findings: Vec<Finding>,
        place: impl Fn(Place) -> Place,
    ) {
        self.functions += 1;
        self.find(file, phase, findings, place);
    }

    fn find(
        &mut self,
        file: &Path,
        phase: Option<&str>,
        findings: Vec<Finding>,
        place: impl Fn(Place) -> Place,
    ) {
        for finding in findings {
            let entry = Entry {
                file: file.display().to_string(),
                phase: phase.map(str::to_owned),
                place: place(finding.place),
                finding,
            };
            if !self.entries.iter().any(|known| known.says(&entry)) {
                self.entries.push(entry);
            }
        }
    }

    /// What has been found, a line each.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let entries = self.entries.iter();
        entries.map(|Entry { file, place: Place { line, column }, finding, .. }| {
            let Finding { message, help, .. } = finding;
            format!("{file}:{line}:{column}: {message}; {help}")
        })
    }

    fn count(&self, level: Level) -> usize {
        self.entries.iter().filter(|entry| entry.finding.level == level).count()
    }

    /// Whether something fails, or can never do what it says.
    pub(crate) fn has_errors(&self) -> bool {
        self.count(Level::Error) > 0
    }

    /// All of it; with colours for people, which are left out where nobody sees them.
    pub(crate) fn print(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => self.json(),
            Format::Github => self.github(),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Entry { file, place: Place { line, column }, finding, .. } in &self.entries {
            let Finding { level, rule, message, help, .. } = finding;
            let style = match level {
                Level::Error => BAD,
                Level::Warning => DOUBTFUL,
            };
            let level = level.name();
            let _ = writeln!(
                text,
                "{file}:{line}:{column}: {style}{level}:{style:#} {message} {ASIDE}[{rule}]{ASIDE:#}\n    {help}"
            );
        }
        let counted = |count: usize, what: &str| {
            format!("{count} {what}{}", if count == 1 { "" } else { "s" })
        };
        let functions = counted(self.functions, "function");
        let errors = counted(self.count(Level::Error), "error");
        let warnings = counted(self.count(Level::Warning), "warning");
        let _ = writeln!(text, "{functions}: {errors}, {warnings}");
        text
    }

    fn json(&self) -> String {
        let entries = self.entries.iter().map(|Entry { file, phase, place, finding }| {
            json!({
                "file": file,
                "line": place.line,
                "column": place.column,
                "phase": phase,
                "level": finding.level.name(),
                "rule": finding.rule,
                "message": finding.message,
                "help": finding.help,
            })
        });
        format!("{:#}\n", serde_json::Value::Array(entries.collect()))
    }

    fn github(&self) -> String {
        let mut text = String::new();
        for Entry { file, place: Place { line, column }, finding, .. } in &self.entries {
            let Finding { level, rule, message, help, .. } = finding;
            let (level, file) = (level.name(), property(file));
            let message = escaped(&format!("{message}\n{help}"));
            let _ = writeln!(
                text,
                "::{level} file={file},line={line},col={column},title={rule}::{message}"
            );
        }
        text
    }
}

/// What stands behind `::`, where a line break would end it.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
