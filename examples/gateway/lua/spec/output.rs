//! What has come of specs, for people and for programs.

use std::path::Path;

use clap::ValueEnum;

use crate::terminal::{BAD, DOUBTFUL, GOOD, say};

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// For people.
    Text,
    /// The Test Anything Protocol.
    Tap,
}

/// What has come of specs so far.
pub(super) struct Report {
    style: Style,
    passed: usize,
    failed: usize,
    pending: usize,
    /// The blocks that the last test was in.
    blocks: Vec<String>,
}

impl Report {
    pub(super) fn new(style: Style) -> Self {
        if style == Style::Tap {
            say(format_args!("TAP version 13"));
        }
        Self { style, passed: 0, failed: 0, pending: 0, blocks: Vec::new() }
    }

    pub(super) fn file(&mut self, path: &Path) {
        self.blocks.clear();
        match self.style {
            Style::Text => say(format_args!("{}", path.display())),
            Style::Tap => say(format_args!("# {}", path.display())),
        }
    }

    /// A test of the name that `path` ends with has come to `outcome`.
    pub(super) fn add(&mut self, path: &[String], outcome: &str, why: Option<&str>) {
        match outcome {
            "passed" => self.passed += 1,
            "pending" => self.pending += 1,
            _ => self.failed += 1,
        }
        match self.style {
            Style::Text => self.text(path, outcome, why),
            Style::Tap => self.tap(path, outcome, why),
        }
    }

    fn text(&mut self, path: &[String], outcome: &str, why: Option<&str>) {
        let Some((name, blocks)) = path.split_last() else { return };
        for (depth, block) in blocks.iter().enumerate() {
            if self.blocks.get(depth) != Some(block) {
                say(format_args!("{}{block}", "  ".repeat(depth + 1)));
                self.blocks.truncate(depth);
                self.blocks.push(block.clone());
            }
        }
        self.blocks.truncate(blocks.len());
        let indent = "  ".repeat(blocks.len() + 1);
        let (mark, style) = match outcome {
            "passed" => ("✓", GOOD),
            "pending" => ("-", DOUBTFUL),
            _ => ("✗", BAD),
        };
        say(format_args!("{indent}{style}{mark}{style:#} {name}"));
        for line in why.into_iter().flat_map(str::lines) {
            say(format_args!("{indent}    {line}"));
        }
    }

    fn tap(&self, path: &[String], outcome: &str, why: Option<&str>) {
        let number = self.count();
        let verdict = if outcome == "failed" { "not ok" } else { "ok" };
        let directive = if outcome == "pending" { " # SKIP pending" } else { "" };
        // What stands behind `#` would be a directive.
        let name = path.join(" ").replace('#', "\\#").replace('\n', " ");
        say(format_args!("{verdict} {number} - {name}{directive}"));
        for line in why.into_iter().flat_map(str::lines) {
            say(format_args!("# {line}"));
        }
    }

    const fn count(&self) -> usize {
        self.passed + self.failed + self.pending
    }

    /// Whether all is as it should be, which is said.
    pub(super) fn end(&self) -> bool {
        match self.style {
            Style::Text => {
                let style = if self.failed == 0 { GOOD } else { BAD };
                let Self { passed, failed, pending, .. } = self;
                say(format_args!(
                    "{style}{passed} passed, {failed} failed, {pending} pending{style:#}"
                ));
            }
            Style::Tap => say(format_args!("1..{}", self.count())),
        }
        self.failed == 0
    }
}
