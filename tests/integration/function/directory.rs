//! Functions as files of a directory, and what becomes of those that are changed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tower_lua::{FunctionsDirectory, Phase, PreFunctionLayer};

/// A directory that is gone when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn with(files: &[(&str, &str)]) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tower-lua-functions-{}-{count}", std::process::id());
        let directory = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&directory.0).unwrap();
        files.iter().for_each(|(name, text)| directory.write(name, text));
        directory
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn functions(&self) -> FunctionsDirectory {
        FunctionsDirectory::new("shop", &self.0)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn each_phase_has_a_file_or_a_directory_or_both() {
    let directory = Directory::with(&[
        ("access.lua", "return 1"),
        ("access/10-auth.lua", "return 2"),
        ("access/20-quota.lua", "return 3"),
        ("log.lua", "return 4"),
        ("access/auth_spec.lua", "this is not a function"),
        ("README.md", "nor is this"),
        (".cache/x.lua", "or this"),
    ]);
    let functions = directory.functions().load().unwrap();
    assert_eq!(functions.name(), "shop");
    assert_eq!(functions.len(Phase::Access), 3);
    assert_eq!(functions.len(Phase::Log), 1);
}

#[test]
fn what_is_wrong_is_told_with_the_file() {
    let said = |files: &[(&str, &str)]| {
        let directory = Directory::with(files);
        directory.functions().load().unwrap_err().to_string()
    };
    let broken = said(&[("access/10-auth.lua", "local a = 1\nif"), ("log.lua", "if")]);
    assert!(broken.contains("10-auth.lua:2: ") && broken.contains("log.lua:1: "), "{broken}");
    let unknown = said(&[("acess.lua", "return 1")]);
    assert!(unknown.contains("acess.lua: expected the name of a phase: "), "{unknown}");
    let unknown = said(&[("timer/a.lua", "return 1")]);
    assert!(unknown.contains("timer: expected the name of a phase: "), "{unknown}");
    let unknown = said(&[("access.bak/a.lua", "return 1")]);
    assert!(unknown.contains("access.bak: expected the name of a phase: "), "{unknown}");
    assert!(said(&[]).contains("at least one of these fields must be non-empty"));
    let missing = FunctionsDirectory::new("shop", "/nowhere/functions").load().unwrap_err();
    assert!(missing.to_string().contains("cannot read /nowhere/functions"), "{missing}");
}

/// Waits until `is_so`, which it is soon.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "not {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_is_saved_is_in_force_and_what_is_bad_changes_nothing() {
    let directory = Directory::with(&[("access.lua", "return 1")]);
    let (_layer, handle) = PreFunctionLayer::reloadable(directory.functions().load().unwrap());
    let watch = directory.functions().watch(&handle).unwrap();
    let first = handle.current().id();
    directory.write("log/10-note.lua", "return 2");
    wait_until("in force", || handle.current().len(Phase::Log) == 1);
    let second = handle.current().id();
    assert_ne!(first, second);
    directory.write("log/20-bad.lua", "this is not Lua");
    // Whoever mends it has all of it in force at once.
    replace(&directory.0, "log/20-bad.lua", "return 3");
    directory.write("rewrite.lua", "return 4");
    wait_until("in force again", || handle.current().len(Phase::Rewrite) == 1);
    assert_eq!(handle.current().len(Phase::Log), 2);
    drop(watch);
}

/// Puts a file in the place of another, as editors do.
fn replace(directory: &Path, name: &str, text: &str) {
    let draft = directory.join(".draft.lua");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(draft, directory.join(name)).unwrap();
}

#[test]
fn a_directory_that_is_not_there_cannot_be_watched() {
    let (_layer, handle) = PreFunctionLayer::reloadable(tower_lua::Functions::empty());
    let error = FunctionsDirectory::new("shop", "/nowhere").watch(&handle).unwrap_err();
    assert!(error.to_string().contains("cannot watch /nowhere"), "{error}");
}
