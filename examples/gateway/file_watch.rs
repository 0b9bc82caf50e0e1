//! [`Watch`]: sees when files that the gateway has read are others, for `--watch`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use clap::builder::FalseyValueParser;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::BoxError;
use crate::configured::declarative;
use crate::function_file::Directory;

/// The declarative file, the functions that it names, and the operator's modules.
pub(crate) struct Watch {
    files: Files,
    seen: Seen,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    /// That something has happened where they are.
    stirred: Arc<Notify>,
}

/// Whether files are watched.
#[derive(Debug, Args)]
pub(crate) struct WatchConfig {
    /// See when the declarative file, functions in files and Lua modules are changed, and put what is good in
    /// force, as SIGHUP does.
    #[arg(
        long,
        help_heading = "Configuration",
        env = "KONG_WATCH",
        value_parser = FalseyValueParser::new()
    )]
    pub(crate) watch: bool,
}

/// What is another than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The declarative file, or a function that it names.
    pub(crate) configuration: bool,
    pub(crate) modules: bool,
}

/// Where they are.
#[derive(Clone)]
struct Files {
    declarative: Option<PathBuf>,
    modules: Option<PathBuf>,
    /// By which contents are told apart.
    hasher: RandomState,
}

/// What they were when they were looked at.
#[derive(Clone, Default, PartialEq, Eq)]
struct Seen {
    /// What is in the declarative file and in functions; nothing, where one cannot be read.
    configuration: BTreeMap<PathBuf, Option<u64>>,
    /// The files of modules.
    modules: BTreeMap<PathBuf, Written>,
    /// Whether there is more in the directory of modules than is looked at.
    has_more_modules: bool,
}

/// When a file was written, and how long it is.
type Written = (Option<SystemTime>, u64);

/// How long nothing may have changed before a change is over: who saves a file may write it piece by
/// piece, and several of them one after the other.
const QUIET: Duration = Duration::from_millis(100);

/// How often that is waited for.
const PATIENCE: usize = 20;

/// How long nobody looks after a look that was for nothing.
const PAUSE: Duration = Duration::from_millis(20);

/// How many files and directories are looked at for modules, and how deep.
const MAX_ENTRIES: usize = 100_000;
const MAX_DEPTH: usize = 32;

/// Waits until a file has changed, if any is watched.
pub(crate) async fn changed(watch: &mut Option<Watch>) -> Changed {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

impl WatchConfig {
    /// Watches a declarative file and a directory of modules, if they are to be watched.
    pub(crate) fn start(
        &self,
        declarative: Option<&Path>,
        modules: Option<&Path>,
    ) -> Result<Option<Watch>, BoxError> {
        self.watch.then(|| Watch::new(declarative, modules)).transpose()
    }
}

impl Watch {
    /// Watches a declarative file and what it names, and a directory of modules, from now on.
    ///
    /// # Errors
    ///
    /// When there is neither, or the system cannot tell of changes.
    fn new(declarative: Option<&Path>, modules: Option<&Path>) -> Result<Self, BoxError> {
        if declarative.is_none() && modules.is_none() {
            return Err("--watch has nothing to watch: it goes with --declarative-config or \
                --lua-module-path"
                .into());
        }
        let absolute = |path: Option<&Path>| path.map(std::path::absolute).transpose();
        let files = Files {
            declarative: absolute(declarative)?,
            modules: absolute(modules)?,
            hasher: RandomState::new(),
        };
        let stirred = Arc::new(Notify::new());
        let stir = Arc::clone(&stirred);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // To look at a file is an event, too.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                stir.notify_one();
            }
        })?;
        let seen = files.look();
        files.warn_of_more(&seen);
        let mut watch = Self { files, seen, watcher, watched: BTreeSet::new(), stirred };
        watch.follow(&watch.seen.clone())?;
        Ok(watch)
    }

    /// Waits until something has changed, and for the end of it. What is given up is not lost: the next
    /// to wait is told of it.
    pub(crate) async fn changed(&mut self) -> Changed {
        loop {
            let mut now = self.settled().await;
            match self.follow(&now) {
                Ok(false) => {}
                // What came to be there before it was watched has stirred nothing.
                Ok(true) => now = self.settled().await,
                Err(error) => tracing::warn!("not all changes of files will be seen: {error}"),
            }
            if now.has_more_modules != self.seen.has_more_modules {
                self.files.warn_of_more(&now);
                self.seen.has_more_modules = now.has_more_modules;
            }
            let changed = Changed {
                configuration: now.configuration != self.seen.configuration,
                modules: now.modules != self.seen.modules,
            };
            if changed != Changed::default() {
                self.seen = now;
                return changed;
            }
            self.stirred.notified().await;
            // Much may happen where the files are that is none of theirs.
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What the files are when they do not change any more.
    async fn settled(&self) -> Seen {
        let mut now = self.files.clone().look_aside().await;
        for _ in 0..PATIENCE {
            if now == self.seen {
                break;
            }
            tokio::time::sleep(QUIET).await;
            let then = std::mem::replace(&mut now, self.files.clone().look_aside().await);
            if then == now {
                break;
            }
        }
        now
    }

    /// Watches the directories of all files, those again that have been put in the place of others. Whether there
    /// are more of them.
    fn follow(&mut self, seen: &Seen) -> Result<bool, BoxError> {
        let (wanted, deep) = self.files.directories(seen);
        let failed = |path: &Path, error: notify::Error| format!("{}: {error}", path.display());
        for gone in self.watched.difference(&wanted) {
            let _ = self.watcher.unwatch(gone);
        }
        for path in &wanted {
            let mode = match deep.as_ref() == Some(path) {
                true => RecursiveMode::Recursive,
                false => RecursiveMode::NonRecursive,
            };
            self.watcher.watch(path, mode).map_err(|error| failed(path, error))?;
        }
        let has_more = !wanted.is_subset(&self.watched);
        self.watched = wanted;
        Ok(has_more)
    }
}

impl Files {
    /// The same as [`look`](Self::look), where it holds up nobody.
    async fn look_aside(self) -> Seen {
        tokio::task::spawn_blocking(move || self.look()).await.unwrap_or_default()
    }

    /// What there is now.
    fn look(&self) -> Seen {
        let mut seen = Seen::default();
        if let Some(path) = &self.declarative {
            let text = fs::read_to_string(path).ok();
            let digest = text.as_ref().map(|text| self.hasher.hash_one(text));
            seen.configuration.insert(path.clone(), digest);
            let directory = Directory::of(path);
            for reference in text.iter().flat_map(|text| declarative::references(text)) {
                let text = directory.read(&reference).ok();
                let digest = text.map(|text| self.hasher.hash_one(&*text));
                seen.configuration.insert(directory.path(&reference), digest);
            }
        }
        if let Some(path) = &self.modules {
            let walk = Walk::through(path, MAX_ENTRIES);
            (seen.modules, seen.has_more_modules) = (walk.modules, walk.left == 0);
        }
        seen
    }

    /// Says that not all modules are watched, if they are not.
    fn warn_of_more(&self, seen: &Seen) {
        if let Some(path) = self.modules.as_ref().filter(|_| seen.has_more_modules) {
            tracing::warn!(
                "not all changes of modules will be seen: {} has more than {MAX_ENTRIES} files and directories",
                path.display()
            );
        }
    }

    /// The directories in which files can come and go, and the one that is watched with all that is in it.
    fn directories(&self, seen: &Seen) -> (BTreeSet<PathBuf>, Option<PathBuf>) {
        let mut directories = BTreeSet::new();
        let base = self.declarative.as_deref().and_then(Path::parent);
        // A link may be made to lead elsewhere.
        let is_link = |base: &&Path| fs::canonicalize(base).is_ok_and(|real| real != **base);
        directories.extend(base.filter(is_link).and_then(Path::parent).map(Path::to_owned));
        for path in seen.configuration.keys() {
            let above = path.ancestors().skip(1);
            let own = above.take_while(|above| base.is_some_and(|base| above.starts_with(base)));
            directories.extend(own.map(Path::to_owned));
            let linked = fs::canonicalize(path).ok();
            directories.extend(linked.and_then(|path| Some(path.parent()?.to_owned())));
        }
        directories.retain(|path| path.is_dir());
        let deep = self.modules.clone().filter(|path| path.is_dir());
        directories.extend(deep.clone());
        (directories, deep)
    }
}

/// The files of Lua in a directory, as it is gone through.
struct Walk {
    modules: BTreeMap<PathBuf, Written>,
    /// Where it has been: a link may lead back there.
    directories: BTreeSet<PathBuf>,
    /// How many entries are still looked at.
    left: usize,
}

impl Walk {
    /// Goes through a directory, as far as `most` entries.
    fn through(directory: &Path, most: usize) -> Self {
        let (modules, directories) = Default::default();
        let mut walk = Self { modules, directories, left: most };
        walk.enter(directory, MAX_DEPTH);
        walk
    }

    fn enter(&mut self, directory: &Path, depth: usize) {
        if !fs::canonicalize(directory).is_ok_and(|real| self.directories.insert(real)) {
            return;
        }
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let Some(left) = self.left.checked_sub(1) else { return };
            self.left = left;
            let Ok(metadata) = fs::metadata(&path) else { continue };
            if metadata.is_dir() && depth > 0 {
                self.enter(&path, depth - 1);
            } else if path.extension().is_some_and(|kind| kind == "lua") {
                self.modules.insert(path, (metadata.modified().ok(), metadata.len()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_more_than_is_wanted_is_left_before_its_end() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("types");
        let all = Walk::through(&here, MAX_ENTRIES);
        assert!(all.left > 0 && all.modules.len() > 3, "{}", all.modules.len());
        let some = Walk::through(&here, 3);
        assert!(some.left == 0 && some.modules.len() <= 3, "{}", some.modules.len());
    }
}
