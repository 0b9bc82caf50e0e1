//! The pages of `docs`: read on a forge, and as guides in rustdoc.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where rustdoc's pages are, as the guides name them.
const GUIDES: &str = "https://docs.rs/tower-lua/latest/tower_lua/guide/";

/// Where the repository is, as pages name what is beside `docs`.
const REPOSITORY: &str = "https://github.com/tower-lua/tower-lua/";

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
                None => target.starts_with("https://") && is_in_repository(target),
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
        for target in targets(&text) {
            if target.starts_with("https://") {
                lost.extend(
                    (!is_in_repository(target)).then(|| format!("{}: {target}", page.display())),
                );
                continue;
            }
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

#[test]
fn pages_of_the_book_lead_out_of_it_by_addresses_alone() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for page in markdown(&docs) {
        let text = fs::read_to_string(&page).unwrap();
        let outward: Vec<_> = targets(&text).filter(|target| target.starts_with("..")).collect();
        let page = page.display();
        assert!(
            outward.is_empty(),
            "{page}: {outward:?} is not in the book; begin with {REPOSITORY}blob/main/"
        );
    }
}

#[test]
fn the_book_has_every_page() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let mut listed: Vec<_> = targets(&summary).map(str::to_owned).collect();
    listed.push("SUMMARY.md".to_owned());
    listed.sort();
    let pages = markdown(&docs);
    let name = |page: &PathBuf| page.strip_prefix(&docs).unwrap().to_string_lossy().into_owned();
    let mut names: Vec<_> = pages.iter().map(name).collect();
    names.sort();
    assert_eq!(listed, names);
    let start = fs::read_to_string(docs.join("README.md")).unwrap();
    let unnamed = names.iter().filter(|name| {
        !["README.md", "SUMMARY.md"].contains(&name.as_str())
            && !start.contains(&format!("({name})"))
    });
    let unnamed: Vec<_> = unnamed.collect();
    assert!(unnamed.is_empty(), "docs/README.md says nothing of {unnamed:?}");
}

#[test]
fn the_cookbook_has_each_function_as_its_file_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/cookbook.md")).unwrap();
    let files =
        fs::read_dir(root.join("examples/functions")).unwrap().map(|file| file.unwrap().path());
    let files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "yml")).collect();
    assert!(files.len() >= 50, "only {} functions", files.len());
    let wanted: Vec<_> = files.iter().map(|path| row_of_cookbook(path)).collect();
    let missing: Vec<_> =
        wanted.iter().filter(|row| !page.lines().any(|line| line == **row)).collect();
    assert!(missing.is_empty(), "rows that docs/cookbook.md lacks:\n{missing:#?}");
    let rows = page.lines().filter(|line| line.starts_with("| [`"));
    let others: Vec<_> = rows.filter(|row| !wanted.iter().any(|wanted| wanted == row)).collect();
    assert!(others.is_empty(), "rows of docs/cookbook.md that no function is for: {others:#?}");
}

#[test]
fn each_function_of_the_cookbook_is_run_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = fs::read_dir(root.join("tests/gateway/functions")).unwrap();
    let tests: String =
        tests.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let names = fs::read_dir(root.join("examples/functions")).unwrap();
    let names =
        names.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    let untried: Vec<_> =
        names.filter(|name| name != "flags" && !tests.contains(&format!("\"{name}\""))).collect();
    assert!(untried.is_empty(), "{untried:?}");
}

/// What the cookbook has to say of a function: its comment, its phases, and the flags that it needs.
fn row_of_cookbook(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy();
    let comment = text.lines().map_while(|line| line.strip_prefix("# "));
    let (started, what): (Vec<_>, Vec<_>) =
        comment.partition(|line| line.starts_with("Started with "));
    let phases =
        text.lines().filter(|line| line.starts_with("  ") && !line[2..].starts_with([' ', '-']));
    let phases: Vec<_> =
        phases.map(|line| format!("`{}`", line.trim().trim_end_matches(':'))).collect();
    let flags = started.iter().flat_map(|line| line.split("--").skip(1));
    let flags: Vec<_> = flags.map(|flag| format!("`--{}`", flag.trim())).collect();
    format!(
        "| [`{name}`]({REPOSITORY}blob/main/examples/functions/{name}.yml) | {} | {} | {} |",
        what.join(" ").replace('|', "\\|"),
        phases.join(", "),
        flags.join(", ")
    )
}

/// Whether there is what an address of the repository names; other addresses are not looked at.
fn is_in_repository(target: &str) -> bool {
    let Some(rest) = target.strip_prefix(REPOSITORY) else { return true };
    let Some(path) = rest.strip_prefix("blob/main/").or_else(|| rest.strip_prefix("tree/main/"))
    else {
        return true;
    };
    let (path, anchor) = path.split_once('#').unwrap_or((path, ""));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let has_anchor = || fs::read_to_string(&path).is_ok_and(|text| has_heading(&text, anchor));
    path.exists()
        && path.is_dir() == rest.starts_with("tree")
        && (anchor.is_empty() || has_anchor())
}

/// The pages of a folder, and of those in it.
fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = entries.filter(|path| !name(path).starts_with('.') && name(path) != "target");
    let pages = entries.flat_map(|path| if path.is_dir() { markdown(&path) } else { vec![path] });
    pages.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect()
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

/// Where the links of a page lead, in the text and by name; what stands in blocks of code is none.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let is_prose = |(i, _): &(usize, &str)| i % 2 == 0;
    let prose = text.split("\n```").enumerate().filter(is_prose).map(|(_, part)| part);
    prose.flat_map(|part| {
        let inline = part.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let named = part
            .lines()
            .filter(|line| line.starts_with('['))
            .filter_map(|line| line.split_once("]: "));
        inline.map(|(to, _)| to).chain(named.map(|(_, to)| to))
    })
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
