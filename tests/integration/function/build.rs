//! What `FunctionsBuilder` takes, and what it says of what it does not.

use std::path::PathBuf;

use tower_lua::{Functions, Phase};

#[test]
fn every_function_that_does_not_compile_is_named_with_its_place() {
    let error = Functions::builder("broken")
        .function(Phase::Access, "return 1")
        .function(Phase::Access, "local x = = 1")
        .function(Phase::Access, "fine()\nif x then")
        .function(Phase::Log, "this is not lua")
        .build()
        .unwrap_err();
    assert!(error.is_compile());
    let found: Vec<_> = error
        .compile_errors()
        .iter()
        .map(|error| (error.function_set(), error.phase(), error.index(), error.message()))
        .collect();
    assert_eq!(
        found,
        [
            (
                "broken",
                Phase::Access,
                2,
                r#"[string "local x = = 1"]:1: unexpected symbol near '='"#
            ),
            ("broken", Phase::Access, 3, r#"[string "fine()..."]:2: 'end' expected near '<eof>'"#),
            ("broken", Phase::Log, 1, r#"[string "this is not lua"]:1: '=' expected near 'is'"#),
        ]
    );
    let shown = error.to_string();
    for part in ["access[2]", "access[3]", "log[1]"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn building_runs_nothing() {
    Functions::access("loop", "while true do end").unwrap();
}

#[test]
fn a_set_with_no_function_is_refused_by_the_builder() {
    let error = Functions::builder("none").build().unwrap_err();
    let expected = "none: at least one of these fields must be non-empty: 'certificate', 'rewrite', \
                    'access', 'header_filter', 'body_filter', 'log'";
    assert_eq!(error.to_string(), expected);
    assert!(Functions::empty().is_empty());
}

#[test]
fn bytecode_is_refused() {
    let lua = tower_lua::mlua::Lua::new();
    let bytecode = lua.load("return 1").into_function().unwrap().dump(true);
    let path = file("bytecode.lua", &bytecode);
    let error = Functions::builder("file")
        .file(Phase::Access, &path)
        .and_then(tower_lua::FunctionsBuilder::build);
    assert!(error.is_err());
    let error = Functions::access("text", "\u{1b}LJ\u{2}\u{2}").unwrap_err();
    assert!(error.is_compile(), "{error}");
}

#[test]
fn messages_name_the_file_of_a_function() {
    let path = file("broken.lua", b"local a = 1\nlocal b = \n");
    let error = Functions::builder("file").file(Phase::Access, &path).unwrap().build().unwrap_err();
    let message = error.compile_errors()[0].message();
    assert!(message.contains("broken.lua:3:"), "{message}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Functions::builder("file").file(Phase::Access, "no/such.lua").unwrap_err();
    assert!(error.to_string().contains("no/such.lua"), "{error}");
    assert!(error.to_string().contains("No such file or directory"), "{error}");
    let path = file("latin.lua", b"return '\xe9'");
    let error = Functions::builder("file").file(Phase::Access, &path).unwrap_err();
    assert!(error.to_string().contains("latin.lua"), "{error}");
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[test]
fn a_set_tells_how_many_functions_each_phase_has() {
    let functions = Functions::builder("counted")
        .function(Phase::Access, "")
        .function(Phase::Access, "")
        .function(Phase::Log, "")
        .build()
        .unwrap();
    assert_eq!(functions.len(Phase::Access), 2);
    assert_eq!(functions.len(Phase::Rewrite), 0);
    let shown = format!("{functions:?}");
    assert_eq!(shown, r#"Functions { name: "counted", access: 2, log: 1 }"#);
}

/// A file of this content, in a directory that tests may write to.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path
}
