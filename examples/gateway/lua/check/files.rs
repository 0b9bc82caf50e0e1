//! Looks at files and directories.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::document::{self, Plugin};
use super::finding::{Finding, Level, Place};
use super::report::Report;
use super::{Checker, Source};
use crate::function_file::{Directory, Reference};

/// How deep directories are gone through.
const MAX_DEPTH: usize = 32;

/// Looks at files; a function in a file of its own is for `phase`.
///
/// # Errors
///
/// When one cannot be read, or is of another kind.
pub(crate) fn check(
    checker: &Checker,
    paths: &[PathBuf],
    phase: Option<&str>,
) -> io::Result<Report> {
    let mut report = Report::default();
    for path in paths {
        let about =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        if fs::metadata(path).map_err(about)?.is_dir() {
            directory(checker, path, phase, &mut report, MAX_DEPTH)?;
        } else if !file(checker, path, phase, &mut report)? {
            let message =
                format!("{}: expected a file ending in .lua, .yml, .yaml or .json", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    }
    Ok(report)
}

/// Those of a directory that end as they should, in the order of their names; specs are no functions.
fn directory(
    checker: &Checker,
    path: &Path,
    phase: Option<&str>,
    report: &mut Report,
    depth: usize,
) -> io::Result<()> {
    let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() && depth > 0 {
            directory(checker, &path, phase, report, depth - 1)?;
        } else if !path.is_dir() && !name.ends_with(".json") && !name.ends_with("_spec.lua") {
            file(checker, &path, phase, report)?;
        }
    }
    Ok(())
}

/// Whether the file is of a kind that is looked at.
fn file(
    checker: &Checker,
    path: &Path,
    phase: Option<&str>,
    report: &mut Report,
) -> io::Result<bool> {
    let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let is_lua = kind == "lua";
    if !is_lua && !["yml", "yaml", "json"].contains(&kind.as_str()) {
        return Ok(false);
    }
    let about =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(about)?;
    if is_lua {
        let findings = checker.set(&[Source { phase, text: &text }], false);
        findings.into_iter().for_each(|findings| report.add_file(path, phase, findings));
        return Ok(true);
    }
    match document::plugins(&text) {
        Ok(plugins) => {
            let directory = Directory::of(path);
            plugins.iter().for_each(|found| plugin(checker, path, &directory, found, report));
        }
        Err((place, why)) => {
            let help = "it is neither YAML nor JSON";
            let finding = Finding::new(Level::Error, "syntax", place, why, help);
            report.add(path, None, vec![finding], |place| place);
        }
    }
    Ok(true)
}

/// Looks at the functions of a plugin in a declarative file, and at those in files that it names.
fn plugin(
    checker: &Checker,
    path: &Path,
    directory: &Directory,
    plugin: &Plugin,
    report: &mut Report,
) {
    let mut texts = Vec::new();
    for function in &plugin.functions {
        let named = Reference::parse(&function.text);
        let read = named.map(|named| {
            let reference = named?;
            Ok::<_, String>((directory.read(&reference)?, Some(directory.path(&reference))))
        });
        match read {
            None => texts.push((function, function.text.as_str().into(), None)),
            Some(Ok((text, file))) => texts.push((function, text, file)),
            Some(Err(_)) if function.is_repeated => {}
            Some(Err(why)) => {
                let help = "the gateway would not take the declarative file";
                let first = Place { line: 1, column: 1 };
                let finding = Finding::new(Level::Error, "file", first, why, help);
                report.add(path, Some(function.phase), vec![finding], |at| function.place(at));
            }
        }
    }
    let sources =
        texts.iter().map(|(function, text, _)| Source { phase: Some(function.phase), text });
    let sources: Vec<_> = sources.collect();
    for ((function, _, file), findings) in texts.iter().zip(checker.set(&sources, true)) {
        if function.is_repeated {
            continue;
        }
        match file {
            Some(file) => report.add_file(file, Some(function.phase), findings),
            None => report.add(path, Some(function.phase), findings, |at| function.place(at)),
        }
    }
}
