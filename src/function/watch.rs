//! [`Watch`]: functions that are in force when their files are saved.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::{FunctionsBuilder, FunctionsDirectory, Handle};
use crate::error::Error;

/// Watches a directory of functions as long as it lives: [`FunctionsDirectory::watch`].
#[must_use = "nothing is watched any more when it is dropped"]
pub struct Watch {
    /// When it is gone, so is the thread that waits for it.
    _watcher: RecommendedWatcher,
}

/// How long nothing may happen before a change is over: who saves a file may write it piece by piece.
const QUIET: Duration = Duration::from_millis(100);

/// How often that is waited for.
const PATIENCE: usize = 20;

impl FunctionsDirectory {
    /// Puts in force through `handle` what is changed in the directory, from now on and as long as the result
    /// lives. Functions that are not good change nothing, and are an error in the log, with the file and
    /// the line; what is saved as it was keeps its variables.
    ///
    /// The work is done in a thread of its own. Needs the feature `watch`.
    ///
    /// ```no_run
    /// use tower_lua::{FunctionsDirectory, PreFunctionLayer};
    ///
    /// let directory = FunctionsDirectory::new("shop", "functions");
    /// let (layer, handle) = PreFunctionLayer::reloadable(directory.load()?);
    /// let _watch = directory.watch(&handle)?;
    /// // … serve …
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the directory is not there, or the system cannot tell of changes in it.
    pub fn watch(&self, handle: &Handle) -> Result<Watch, Error> {
        let unable = |error: notify::Error| {
            Error::config(format!("cannot watch {}: {error}", self.path().display()))
        };
        let (stir, stirred) = mpsc::channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if may_be_of_functions(&event) {
                let _ = stir.send(());
            }
        })
        .map_err(unable)?;
        watcher.watch(self.path(), RecursiveMode::Recursive).map_err(unable)?;
        let (directory, handle) = (self.clone(), handle.clone());
        let follow = move || follow(&directory, &handle, &stirred);
        std::thread::Builder::new()
            .name("tower-lua-watch".to_owned())
            .spawn(follow)
            .map_err(|error| Error::file(self.path(), error))?;
        Ok(Watch { _watcher: watcher })
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Whether what has happened may be about functions: files of Lua, or directories. To read one is an event, too.
/// Where the system has lost count, or cannot tell, it may have been anything.
fn may_be_of_functions(event: &notify::Result<Event>) -> bool {
    let Ok(event) = event else { return true };
    let is_one = |path: &PathBuf| path.extension().is_none_or(|kind| kind == "lua");
    let is_known = !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(is_one);
    event.need_rescan() || is_known
}

/// Reads the directory at once, as it may have changed since it was read for `handle`, and whenever
/// something has been stirred there.
fn follow(directory: &FunctionsDirectory, handle: &Handle, stirred: &Receiver<()>) {
    loop {
        read_into(directory, handle);
        if stirred.recv().is_err() {
            return;
        }
        for _ in 0..PATIENCE {
            match stirred.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

fn read_into(directory: &FunctionsDirectory, handle: &Handle) {
    let is_known = |builder: &FunctionsBuilder| handle.current().is_made_of(builder);
    let loaded = match directory.read() {
        Ok(builder) if is_known(&builder) => return,
        read => read.and_then(FunctionsBuilder::build),
    };
    let path = directory.path().display();
    match loaded {
        Ok(functions) => {
            handle.reload(functions);
            tracing::info!(target: "tower_lua::function", "{path} is in force");
        }
        Err(error) => {
            tracing::error!(target: "tower_lua::function", "{path}: nothing has changed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, Flag, ModifyKind};

    use super::*;

    fn may_be(event: Event) -> bool {
        may_be_of_functions(&Ok(event))
    }

    #[test]
    fn it_looks_again_where_the_system_has_lost_count_or_cannot_tell() {
        assert!(may_be(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(may_be_of_functions(&Err(notify::Error::generic("the queue is full"))));
    }

    #[test]
    fn it_looks_at_changes_of_functions_and_of_nothing_else() {
        let modified = |name: &str| {
            Event::new(EventKind::Modify(ModifyKind::Any)).add_path(PathBuf::from(name))
        };
        assert!(may_be(modified("functions/access.lua")) && may_be(modified("functions/access")));
        assert!(!may_be(modified("functions/notes.txt")));
        let read = Event::new(EventKind::Access(AccessKind::Any));
        assert!(!may_be(read.add_path(PathBuf::from("functions/access.lua"))));
    }
}
