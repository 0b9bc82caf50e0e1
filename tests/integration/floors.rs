//! The floors of the house: what each part of the library and of the gateway may know of.

use std::fs;
use std::path::{Path, PathBuf};

/// The library's floors, from the ground up. A file may name what stands below its own floor, and what
/// stands beside it in the same folder.
const LIBRARY: &[&str] = &[
    "phase",         // the moments of a request, the two plugins
    "clock",         // what time it is for functions
    "error",         // what went wrong, where, and how it is logged
    "lua",           // Lua's values, errors and budget
    "message",       // what HTTP messages are made of
    "extension",     // what the application tells functions
    "store",         // what the VMs of a runtime share
    "net",           // sockets: connections, pools, names, rules
    "settings",      // what a runtime is made with
    "transaction",   // a request on its way through the phases
    "binding",       // how Rust functions become Lua functions
    "sandbox",       // what a function may reach
    "vm",            // the engine: coroutines, patterns, the pool
    "api",           // what kong, ngx and the modules share
    "api/kong",      // kong.*
    "api/ngx",       // ngx.*
    "api/modules",   // require
    "runtime",       // VMs, composed of engine and API
    "function",      // function sets, and how they run
    "middleware",    // tower's side
    "post_function", // the two doors
    "pre_function",
    "axum",    // what axum knows of a request
    "testing", // functions in tests
    "guide",
    "lib",
];

/// The gateway's.
const GATEWAY: &[&str] = &[
    "terminal",      // what is printed, and its colours
    "flags",         // what their values are read by
    "log",           // where it goes, and what it says of requests
    "resolver",      // whom it asks for addresses
    "function_file", // functions in files of their own
    "yaml",          // where its values stand
    "lua",           // functions as text, before they run
    "configured",    // entities, and where they are kept
    "in_force",      // made ready for requests
    "request",       // what happens to one, from the socket to the service and back:
    "request/uri",
    "request/counters",
    "request/peer",
    "request/trusted",
    "request/hop_by_hop",
    "request/sound",
    "request/trace",
    "request/flight", // a request's companion, which knows nothing of who reads it
    "request/metrics",
    "request/record",
    "request/patience",
    "request/spelling", // how names of headers are written
    "request/wire",
    "request/listen",
    "request/plugins",
    "request/routing",
    "request/ways",
    "request/edge",
    "request/proxy",
    "stack",        // the layers that a request passes
    "dry_run",      // a request that reaches nobody
    "healthchecks", // how targets are, whether there are requests or not
    "admin",        // what happens to the configuration
    "gui",          // what browsers show of both
    "telemetry",    // where spans and numbers go
    "network",      // where functions may reach
    "init",         // a first project
    "manual",       // what it says of itself
    "database",     // where entities are kept, by flags
    "command",      // what it does instead of serving
    "file_watch",   // when files change that it has read
    "config",       // flags
    "started",      // what it says then
    "demo",
    "worker",
    "signals",
    "reload", // what is read again when somebody says so, or has changed
    "main",
];

#[test]
fn arrows_go_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut upward = Vec::new();
    for (folder, floors) in [("src", LIBRARY), ("examples/gateway", GATEWAY)] {
        let folder = root.join(folder);
        for file in files(&folder) {
            let path = file.strip_prefix(&folder).unwrap().with_extension("");
            let own = floor(floors, path.to_str().unwrap()).expect("each file stands on a floor");
            for name in named(&fs::read_to_string(&file).unwrap()) {
                if floor(floors, &name).is_some_and(|floor| floor > own) {
                    upward.push(format!("{} names {name}", path.display()));
                }
            }
        }
    }
    assert!(upward.is_empty(), "arrows that go up:\n{}", upward.join("\n"));
}

/// The floor of a module: that of the longest name which its path begins with.
fn floor(floors: &[&str], path: &str) -> Option<usize> {
    let is_in =
        |name: &str| path.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c| c != '/'));
    let places = (0..floors.len()).filter(|&place| is_in(floors[place]));
    places.max_by_key(|&place| floors[place].len())
}

/// The modules that a source names by paths from the root of its crate, in code, not in comments.
fn named(source: &str) -> Vec<String> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join(" ");
    let paths = code.split("crate::").skip(1).flat_map(|rest| {
        let (prefix, group) = match rest.split_once('{') {
            Some((prefix, group)) if prefix.trim_end_matches("::").chars().all(is_of_path) => {
                (prefix, group.split('}').next().unwrap_or_default())
            }
            _ => ("", rest.split(|c| !is_of_path(c)).next().unwrap_or_default()),
        };
        group.split(',').map(move |name| format!("{prefix}{}", name.trim()))
    });
    paths.map(|path| path.replace("::", "/")).collect()
}

pub(crate) fn is_of_path(c: char) -> bool {
    c == ':' || c == '_' || c.is_ascii_alphanumeric()
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    files_of_kind(folder, "rs")
}

pub(crate) fn files_of_kind(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside =
        |path: PathBuf| if path.is_dir() { files_of_kind(&path, kind) } else { vec![path] };
    let found = entries.flat_map(inside);
    found.filter(|path| path.extension().is_some_and(|extension| extension == kind)).collect()
}
