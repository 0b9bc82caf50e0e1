//! Specs: what functions should do, in Lua, with busted's words.

mod convert;
mod covered;
mod host;
mod json;
mod output;
mod plan;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tower_lua::mlua::{Function, Lua};

use self::covered::Covered;
use self::host::Host;
use self::output::Report;
pub(crate) use self::output::Style;
use crate::BoxError;

/// The words, in Lua.
const WORDS: &str = include_str!("words.lua");

/// How deep directories are gone through.
const MAX_DEPTH: usize = 32;

/// Runs the specs of files and directories: whether all is as it should be. Which lines of functions
/// have run is written to `coverage`.
///
/// # Errors
///
/// When there is nothing to run, or a file cannot be read or is not Lua.
pub(crate) fn run(
    paths: &[PathBuf],
    style: Style,
    coverage: Option<&Path>,
) -> Result<bool, BoxError> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, true, &mut files, MAX_DEPTH)?;
    }
    if files.is_empty() {
        return Err("there is no spec: their names end in _spec.lua".into());
    }
    let report = Arc::new(Mutex::new(Report::new(style)));
    let covered = coverage.map(|_| Covered::default());
    for file in files {
        report.lock().file(&file);
        run_file(&file, &report, covered.as_ref())
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if let (Some(covered), Some(path)) = (covered, coverage) {
        let written = fs::write(path, covered.lcov());
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(report.lock().end())
}

/// The specs in a directory, in the order of their names; or one that is named.
fn collect(
    path: &Path,
    is_named: bool,
    files: &mut Vec<PathBuf>,
    depth: usize,
) -> Result<(), BoxError> {
    let about = |error: io::Error| format!("{}: {error}", path.display());
    if !fs::metadata(path).map_err(about)?.is_dir() {
        let is_spec = path.to_string_lossy().ends_with("_spec.lua");
        files.extend((is_named || is_spec).then(|| path.to_owned()));
        return Ok(());
    }
    let Some(deeper) = depth.checked_sub(1) else { return Ok(()) };
    let entries = fs::read_dir(path).map_err(about)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<io::Result<Vec<_>>>().map_err(about)?;
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, false, files, deeper))
}

/// Runs the specs of a file, in a Lua of its own. What is around functions is the file's own, too.
fn run_file(
    file: &Path,
    report: &Arc<Mutex<Report>>,
    covered: Option<&Covered>,
) -> Result<(), BoxError> {
    // A spec is code of whoever runs it: it may read files.
    let lua = Lua::new();
    let directory = file.parent().unwrap_or_else(|| Path::new("."));
    let host = Host::new(directory.to_owned(), Arc::clone(report), covered.cloned()).table(&lua)?;
    let words = lua.load(WORDS).set_name("=words");
    let go: Function = words.call(host)?;
    let source = fs::read_to_string(file)?;
    lua.load(source).set_name(format!("@{}", file.display())).exec()?;
    go.call::<()>(())?;
    Ok(())
}
