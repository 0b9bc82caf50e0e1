//! `gateway types`: what functions have, for editors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::Start;

/// Writes the types into a project, and gives what was said with the project.
fn written(prepare: impl FnOnce(&Start)) -> (String, Start) {
    let start = Start::new();
    prepare(&start);
    let project = Start::new();
    for entry in fs::read_dir(start.directory()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, project.directory().join(path.file_name().unwrap())).unwrap();
    }
    let (code, said) = start.arg("types").arg("--out").arg(project.directory()).ending();
    assert_eq!(code, 0, "{said}");
    (said, project)
}

/// The files of a folder, and of those in it, by their paths from `root`.
fn files(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| {
        if path.is_dir() {
            files(root, &path)
        } else {
            vec![path.strip_prefix(root).unwrap().to_owned()]
        }
    };
    let mut found: Vec<_> = entries.flat_map(inside).collect();
    found.sort();
    found
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("types")
}

#[test]
fn each_file_of_the_repository_is_written() {
    let (_, project) = written(|_| {});
    let types = project.directory().join(".types");
    let mut wanted = files(&repository(), &repository());
    wanted.retain(|path| path.extension().is_some_and(|kind| kind == "lua"));
    let mut there = files(&types, &types);
    // The words of specs, which functions do not have.
    there.retain(|path| path != Path::new("spec.lua"));
    assert_eq!(there, wanted);
    for path in wanted {
        let text = fs::read_to_string(types.join(&path)).unwrap();
        let there = fs::read_to_string(repository().join(&path)).unwrap();
        assert!(text == there, "{} is another", path.display());
    }
}

#[test]
fn editors_are_told_where_the_types_are() {
    let (said, project) = written(|_| {});
    for (name, pointer) in
        [(".luarc.json", "/workspace.library/0"), (".emmyrc.json", "/workspace/library/0")]
    {
        let text = fs::read_to_string(project.directory().join(name)).unwrap();
        let settings: Value = serde_json::from_str(&text).unwrap();
        let library = settings.pointer(pointer).and_then(Value::as_str).unwrap();
        assert!(project.directory().join(library).is_dir(), "{library}");
        assert!(said.contains(name), "{said}");
    }
}

#[test]
fn the_words_of_specs_are_those_that_specs_have() {
    let (_, project) = written(|_| {});
    let types = fs::read_to_string(project.directory().join(".types/spec.lua")).unwrap();
    let code = types.lines().filter(|line| !line.starts_with("--") && !line.is_empty());
    let words = code.flat_map(|line| {
        let function = line.strip_prefix("function ").and_then(|rest| rest.split_once('('));
        function.map_or(line.split(" = ").next().unwrap(), |(name, _)| name).split(", ")
    });
    let words: Vec<_> = words.map(|word| format!("'{word}'")).collect();
    let spec = format!("local typed = {{ {} }}\n{SPEC_OF_WORDS}", words.join(", "));
    let start = Start::new();
    let file = start.file("words_spec.lua", &spec);
    let (code, said) = start.arg("test").arg(file).ending();
    assert!(code == 0 && said.contains("2 passed"), "{said}");
}

/// Whether `typed` has what there is beside Lua's own globals.
const SPEC_OF_WORDS: &str = r#"
    local luas = {}
    for name in ([[_G _VERSION arg bit collectgarbage coroutine debug dofile error ffi gcinfo getfenv getmetatable io
        ipairs jit load loadfile loadstring math module newproxy next os package pairs pcall print rawequal rawget
        rawlen rawset require select setfenv setmetatable string table tonumber tostring type unpack
        xpcall]]):gmatch("%S+") do
      luas[name] = true
    end
    it("has no others", function()
      for _, name in ipairs(typed) do luas[name] = true end
      for name in pairs(_G) do assert(luas[name], name .. " has no type") end
    end)
    it("has these", function()
      for _, name in ipairs(typed) do
        local value = _G
        for part in name:gmatch("[^.]+") do value = value[part] end
        assert(value ~= nil, name .. " is no word")
      end
    end)
"#;

#[test]
fn settings_that_are_there_stay_and_types_are_brought_up_to_date() {
    let own = r#"{"workspace.library": ["mine"]}"#;
    let (said, project) = written(|start| drop(start.file(".luarc.json", own)));
    assert!(said.contains(r#".luarc.json: stays as it is; add ".types" to its library"#), "{said}");
    assert_eq!(fs::read_to_string(project.directory().join(".luarc.json")).unwrap(), own);

    let old = project.directory().join(".types/kong/log.lua");
    fs::write(&old, "old").unwrap();
    let (code, said) = Start::new().arg("types").arg("--out").arg(project.directory()).ending();
    assert_eq!(code, 0, "{said}");
    assert!(fs::read_to_string(old).unwrap().contains("function kong.log.err("));
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let start = Start::new();
    let file = start.file("taken", "a file");
    let (code, said) = start.arg("types").arg("--out").arg(&file).ending();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("gateway: {}", file.display())), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// What `emmylua_check` says of `project`, if it is there.
pub(crate) fn emmylua_check(project: &Path) -> Option<(bool, String)> {
    match Command::new("emmylua_check").arg(".").current_dir(project).output() {
        Ok(output) => {
            Some((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
        }
        Err(_) => {
            println!("skipped: emmylua_check is missing (cargo install emmylua_check)");
            None
        }
    }
}

/// Puts the functions of the examples into a project, each in a file.
fn put_examples(project: &Path) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/functions");
    let mut count = 0;
    for path in files(&folder, &folder) {
        let text = fs::read_to_string(folder.join(&path)).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|kind| kind == "lua") {
            fs::write(project.join(path), text).unwrap();
            continue;
        }
        let plugin: Value = serde_yaml_ng::from_str(&text).unwrap();
        for (phase, sources) in plugin["config"].as_object().unwrap() {
            for (i, source) in sources.as_array().unwrap().iter().enumerate() {
                // A test puts a number in its place.
                let source = source.as_str().unwrap().replace("CANARY_PORT", "8080");
                fs::write(project.join(format!("{name}.{phase}.{i}.lua")), source).unwrap();
                count += 1;
            }
        }
    }
    count
}

#[test]
fn an_editor_has_nothing_to_say_of_the_examples() {
    let (_, project) = written(|_| {});
    assert!(put_examples(project.directory()) >= 60);
    let Some((is_good, said)) = emmylua_check(project.directory()) else { return };
    assert!(is_good && !said.contains("warning:"), "{said}");
}

#[test]
fn an_editor_finds_what_is_misspelt() {
    let (_, project) = written(|_| {});
    for (i, (source, name)) in [
        ("kong.log(kong.request.get_heder('x-a'))", "get_heder"),
        ("require('resty.http').new():requst_uri('http://a')", "requst_uri"),
        ("ngx.shared.counters:inc('a', 1)", "inc"),
        ("kong.log.warm('a')", "warm"),
        ("ngx.exit(ngx.HTTP_FORBIDEN)", "HTTP_FORBIDEN"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = project.directory().join("wrong.lua");
        fs::write(file, source).unwrap();
        let Some((_, said)) = emmylua_check(project.directory()) else { return };
        assert!(said.contains(&format!("Undefined field `{name}`")), "{i}: {said}");
    }
}
