//! [`FunctionsDirectory`]: functions as files of a directory, one for each or several for a phase.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Functions, FunctionsBuilder};
use crate::error::Error;
use crate::phase::Phase;

/// A directory of functions, to be read when the application starts, and again when somebody has changed
/// something there.
///
/// ```text
/// functions/
///   access.lua            the first function of `access`
///   access/10-auth.lua    more of them, in the order of their names
///   access/20-quota.lua
///   log.lua
/// ```
///
/// Each phase may have a file, a directory, or both. Names that begin with a dot, that do not end in `.lua` and that end in
/// `_spec.lua` are left out; any other is refused, so that `acess.lua` is not missed. Messages name the
/// files.
///
/// ```no_run
/// use tower_lua::{FunctionsDirectory, PreFunctionLayer};
///
/// let directory = FunctionsDirectory::new("shop", "functions");
/// let (layer, handle) = PreFunctionLayer::reloadable(directory.load()?);
/// // … and when a signal comes, or somebody says so:
/// match directory.load() {
///     Ok(functions) => handle.reload(functions),
///     Err(error) => eprintln!("the functions from before stay in force: {error}"),
/// }
/// # Ok::<(), tower_lua::Error>(())
/// ```
///
/// With the feature `watch`, `FunctionsDirectory::watch` does so whenever a file is saved.
#[derive(Clone, Debug)]
pub struct FunctionsDirectory {
    name: Arc<str>,
    path: PathBuf,
    fail_open: bool,
}

impl FunctionsDirectory {
    /// The functions in `path`, as a set of the name `name`. Nothing is read yet.
    pub fn new(name: impl AsRef<str>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.as_ref().into(), path: path.into(), fail_open: false }
    }

    /// Lets a request go on when a function fails, as [`FunctionsBuilder::fail_open`] does.
    #[must_use]
    pub const fn fail_open(mut self, fail_open: bool) -> Self {
        self.fail_open = fail_open;
        self
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and compiles all functions. Blocks on the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read or does not compile, when a file is for no phase, or when there is none.
    pub fn load(&self) -> Result<Functions, Error> {
        self.read()?.build()
    }

    /// Reads all functions.
    pub(super) fn read(&self) -> Result<FunctionsBuilder, Error> {
        let mut builder = Functions::builder(&*self.name).fail_open(self.fail_open);
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for path in entries(&self.path)? {
            // A directory has no extension: `access.bak` is none of `access`.
            let (list, name) = match path.is_dir() {
                true => (&mut directories, path.file_name()),
                false => (&mut files, path.file_stem()),
            };
            list.push((phase_of(&path, name)?, path));
        }
        // Of a phase, the file comes before the directory.
        for (phase, path) in files {
            builder = builder.file(phase, path)?;
        }
        for (phase, directory) in directories {
            for path in entries(&directory)? {
                builder = builder.file(phase, path)?;
            }
        }
        Ok(builder)
    }
}

/// The functions and directories in a directory, in the order of their names.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |error: io::Error| Error::file(directory, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_function = name.ends_with(".lua") && !name.ends_with("_spec.lua");
        if !name.starts_with('.') && (is_function || path.is_dir()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The phase that a file or a directory is for, of which `name` says it.
fn phase_of(path: &Path, name: Option<&OsStr>) -> Result<Phase, Error> {
    let phases = Phase::ALL.into_iter().filter(|phase| *phase != Phase::Timer);
    let found = phases.clone().find(|phase| name.is_some_and(|name| name == phase.name()));
    found.ok_or_else(|| {
        let names = phases.map(Phase::name).collect::<Vec<_>>().join(", ");
        Error::config(format!("{}: expected the name of a phase: {names}", path.display()))
    })
}
