//! The pages of `docs`: read on a forge, and as guides in rustdoc.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where rustdoc's pages are, as the guides name them.
const GUIDES: &str = "https://docs.rs/tower-lua/latest/tower_lua/guide/";

#[test]
fn links_lead_somewhere_on_a_forge_and_in_rustdoc() {
    let pages = pages();
    let mut lost = Vec::new();
    for (name, text) in &pages {
        for target in targets(text) {
            let found = match target.strip_prefix(GUIDES) {
                Some(guide) => guide
                    .split_once("/index.html")
                    .and_then(|(page, anchor)| Some((pages.get(page)?, anchor)))
                    .is_some_and(|(text, anchor)| has_heading(text, anchor)),
                None if target.starts_with('#') => has_heading(text, target),
                // What is beside a page on a forge is elsewhere in rustdoc.
                None => target.starts_with("https://"),
            };
            if !found {
                lost.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn links_of_pages_that_are_read_on_a_forge_alone_lead_to_files_and_headings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (guides, pages) = (pages(), markdown(root));
    let mut lost = Vec::new();
    for page in &pages {
        let stem = page.file_stem().unwrap().to_string_lossy().replace('-', "_");
        let is_guide = page.parent() == Some(&root.join("docs")) && guides.contains_key(&stem);
        if is_guide {
            continue;
        }
        let text = fs::read_to_string(page).unwrap();
        for target in targets(&text).filter(|target| !target.starts_with("https://")) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { page.clone() } else { page.with_file_name(path) };
            let found = match fs::read_to_string(&path) {
                Ok(text) => anchor.is_empty() || has_heading(&text, anchor),
                Err(_) => path.is_dir() && anchor.is_empty(),
            };
            if !found {
                lost.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(pages.contains(&root.join("docs/gateway.md")), "{pages:?}");
}

/// The pages of the repository: those at its root and in its folders.
fn markdown(root: &Path) -> Vec<PathBuf> {
    let folders =
        ["", "docs", "examples", "examples/compose", "benches"].map(|folder| root.join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
}

/// The pages that are guides, by the names of their modules.
fn pages() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("src/guide/mod.rs")).unwrap();
    let included = guide.split("include_str!(\"../../docs/").skip(1);
    let names = included.filter_map(|rest| rest.split_once(".md\")]")).map(|(name, _)| name);
    let page = |name: &str| fs::read_to_string(root.join(format!("docs/{name}.md"))).unwrap();
    names.map(|name| (name.replace('-', "_"), page(name))).collect()
}

/// Where the links of a page lead, in the text and by name.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to);
    let named = text.lines().filter(|line| line.starts_with('['));
    inline.chain(named.filter_map(|line| line.split_once("]: ")).map(|(_, to)| to))
}

/// Whether a page has the heading that `#anchor` names, as both make anchors of headings.
fn has_heading(text: &str, anchor: &str) -> bool {
    let made = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
    };
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = anchor.trim_start_matches('#');
    anchor.is_empty() || headings.any(|line| made(line.trim_start_matches('#')) == anchor)
}

#[test]
fn each_attack_of_the_table_is_tried_by_a_test_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/sandbox.md")).unwrap();
    let rows: Vec<_> = page.lines().filter_map(attack).collect();
    assert!(rows.len() >= 60, "only {} attacks", rows.len());
    let is_there = |folder: &str, module: &str| {
        let path = root.join("tests").join(folder).join(module.replace("::", "/"));
        let text = fs::read_to_string(path.with_extension("rs"))
            .or_else(|_| fs::read_to_string(path.join("mod.rs")));
        text.is_ok_and(|text| text.contains("test]"))
    };
    for (what, tests) in &rows {
        for test in tests.split(", ") {
            let found = match test.strip_suffix("` (gateway)") {
                Some(module) => is_there("gateway", module.trim_start_matches('`')),
                None => is_there("integration", test.trim_matches('`')),
            };
            assert!(found, "no {test} for the attack: {what}");
        }
    }
}

/// An attack, and the tests that a row of the table names for it.
fn attack(line: &str) -> Option<(&str, &str)> {
    let (what, tests) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
    let (_, tests) = tests.rsplit_once(" | ")?;
    tests.starts_with('`').then_some((what, tests))
}
