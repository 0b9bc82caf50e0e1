//! No circles: of two files, one is read first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::floors::{files, is_of_path};

/// Two files that are one subject.
const ONE_SUBJECT: [(&str, &str); 1] = [
    ("lua/raw", "lua/shortcut"), // how bindings are called without mlua's way, on both sides
];

/// Which modules each module names.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_two_files_name_each_other_by_any_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "examples/gateway"] {
        let mut arrows = arrows_in(&root.join(folder));
        for (one, other) in ONE_SUBJECT {
            if let Some(named) = arrows.get_mut(one) {
                named.remove(other);
            }
        }
        let start = arrows.keys().find(|start| reached(&arrows, start).contains(start.as_str()));
        let circle = start.map(|start| {
            let back = |at: &&String| reached(&arrows, at).contains(start.as_str());
            reached(&arrows, start).into_iter().map(str::to_owned).filter(|at| back(&at)).collect()
        });
        assert_eq!(circle, None::<Vec<String>>, "a circle in {folder}");
    }
}

/// All that is named by `start`, by what that names, and so on.
fn reached<'a>(arrows: &'a Arrows, start: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = arrows[start].iter().map(String::as_str).collect();
    while let Some(at) = next.pop() {
        if reached.insert(at) {
            next.extend(arrows[at].iter().map(String::as_str));
        }
    }
    reached
}

fn arrows_in(folder: &Path) -> Arrows {
    let sources = files(folder).into_iter().map(|file| {
        let path = file.strip_prefix(folder).unwrap().with_extension("");
        let path = path.to_str().unwrap();
        let module = path.strip_suffix("/mod").unwrap_or(path).to_owned();
        (module, fs::read_to_string(&file).unwrap())
    });
    let sources: BTreeMap<String, String> = sources.collect();
    let named_by = |(module, source): (&String, &String)| {
        let paths = paths(source).into_iter().filter_map(|path| absolute(module, &path));
        let named = paths.filter_map(|path| module_of(&sources, &path));
        // That a folder names its files is what makes it one.
        let named = named.filter(|named| !named.starts_with(&format!("{module}/")));
        (module.clone(), named.filter(|named| named != module).collect())
    };
    sources.iter().map(named_by).collect()
}

/// The paths in a source that begin at the root of the crate or at a folder around it, `{…}` spread out.
fn paths(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.flat_map(|line| [line.trim(), " "]).collect::<String>();
    let starts = ["crate::", "super::", "self::"].map(|start| code.match_indices(start));
    let mut paths = Vec::new();
    for (at, _) in starts.into_iter().flatten() {
        if !code[..at].ends_with(is_of_path) {
            spread("", &code[at..], &mut paths);
        }
    }
    paths
}

/// Reads one path, and returns what follows it.
fn spread<'a>(before: &str, text: &'a str, paths: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    let end = text.find(|c| !is_of_path(c)).unwrap_or(text.len());
    let mut rest = &text[end..];
    if end == 0 && rest.starts_with('}') {
        return rest;
    }
    let path = format!("{before}{}", &text[..end]);
    if !(path.ends_with("::") && rest.starts_with('{')) {
        paths.push(path);
        // The name that `as` gives is nobody's path.
        return rest.trim_start_matches(|c| c != ',' && c != '}' && c != ';');
    }
    while rest.starts_with(['{', ',']) {
        rest = spread(&path, &rest[1..], paths);
    }
    rest.strip_prefix('}').unwrap_or(rest).trim_start()
}

/// A path from the root of the crate, its parts apart from each other by slashes.
fn absolute(module: &str, path: &str) -> Option<String> {
    let mut folder: Vec<&str> = module.split('/').collect();
    let mut parts = path.split("::").peekable();
    match *parts.peek()? {
        "crate" => folder.clear(),
        "self" => {}
        _ => {
            while parts.next_if_eq(&"super").is_some() {
                folder.pop();
            }
            return Some(folder.into_iter().chain(parts).collect::<Vec<_>>().join("/"));
        }
    }
    Some(folder.into_iter().chain(parts.skip(1)).collect::<Vec<_>>().join("/"))
}

/// The module that a path leads into.
fn module_of(sources: &BTreeMap<String, String>, path: &str) -> Option<String> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let mut longest_first = ends.rev().map(|end| &path[..end]);
    longest_first.find(|module| sources.contains_key(*module)).map(str::to_owned)
}
