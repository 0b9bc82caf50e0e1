//! `--watch`: files that are changed while the gateway serves.

use std::path::Path;

use serde_json::json;

use crate::support::{Gateway, Start, unused_addr, with_plugins};

/// A gateway that watches a file whose function is in `functions/say.lua`, which answers with `text`.
async fn watching(text: &str) -> Gateway {
    let start = Start::of_file(&naming("@functions/say.lua"));
    std::fs::create_dir(start.directory().join("functions")).unwrap();
    say(start.directory(), text);
    start.arg("--watch").serving()
}

/// A declarative file whose function is in a file.
fn naming(file: &str) -> String {
    with_plugins(unused_addr(), &[("pre-function", json!({ "access": [file] }))])
}

fn say(directory: &Path, text: &str) {
    let source = format!("kong.response.exit(200, '{text}')");
    std::fs::write(directory.join("functions/say.lua"), source).unwrap();
}

async fn said(gateway: &Gateway) -> String {
    gateway.get("/").send().await.text()
}

#[tokio::test]
async fn a_function_that_is_saved_is_in_force() {
    let gateway = watching("one").await;
    assert_eq!(said(&gateway).await, "one");
    say(gateway.directory(), "two");
    gateway.logged("kong.yml is in force");
    assert_eq!(said(&gateway).await, "two");
}

#[tokio::test]
async fn a_bad_function_changes_nothing_and_is_told_of() {
    let gateway = watching("one").await;
    let file = gateway.directory().join("functions/say.lua");
    std::fs::write(&file, "this is not Lua").unwrap();
    let line = gateway.logged("nothing has changed");
    assert!(line.contains("kong.yml"), "{line}");
    assert_eq!(said(&gateway).await, "one");
    std::fs::remove_file(&file).unwrap();
    gateway.logged("nothing has changed");
    assert_eq!(said(&gateway).await, "one");
    say(gateway.directory(), "three");
    gateway.logged("is in force");
    assert_eq!(said(&gateway).await, "three");
}

#[tokio::test]
async fn what_is_said_of_a_function_that_is_saved_stands_in_the_log() {
    let gateway = watching("one").await;
    let file = gateway.directory().join("functions/say.lua");
    std::fs::write(&file, "local name\nkong.response.exti(200, 'two')").unwrap();
    let line = gateway.logged("kong.response.exti");
    let said = "functions/say.lua:2:15: there is no `kong.response.exti`: it is nil; did you mean \
                `kong.response.exit`?";
    assert!(line.contains("WARN") && line.contains(said), "{line}");
    assert_eq!(gateway.get("/").send().await.status, 500, "it is in force");
}

#[tokio::test]
async fn editors_may_put_a_new_file_in_the_place_of_the_old_one() {
    let gateway = watching("one").await;
    let functions = gateway.directory().join("functions");
    for text in ["two", "three"] {
        let draft = functions.join(".say.lua.swp");
        std::fs::write(&draft, format!("kong.response.exit(200, '{text}')")).unwrap();
        std::fs::rename(&draft, functions.join("say.lua")).unwrap();
        gateway.logged("is in force");
        assert_eq!(said(&gateway).await, text);
    }
    // A directory, too, as version control does.
    let other = gateway.directory().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("say.lua"), "kong.response.exit(200, 'four')").unwrap();
    std::fs::rename(&functions, gateway.directory().join("old")).unwrap();
    std::fs::rename(&other, &functions).unwrap();
    gateway.logged("is in force");
    assert_eq!(said(&gateway).await, "four");
    say(gateway.directory(), "five");
    gateway.logged("is in force");
    assert_eq!(said(&gateway).await, "five");
}

#[tokio::test]
async fn the_declarative_file_is_watched_and_what_it_names_from_now_on() {
    let gateway = watching("one").await;
    let file = gateway.directory().join("kong.yml");
    std::fs::write(&file, naming("@more/of/them/say.lua")).unwrap();
    gateway.logged("cannot read");
    assert_eq!(said(&gateway).await, "one");
    let directory = gateway.directory().join("more/of/them");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("say.lua"), "kong.response.exit(200, 'two')").unwrap();
    gateway.logged("is in force");
    assert_eq!(said(&gateway).await, "two");
    std::fs::write(directory.join("say.lua"), "kong.response.exit(200, 'three')").unwrap();
    gateway.logged("is in force");
    assert_eq!(said(&gateway).await, "three");
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_elsewhere_are_noticed_as_kubernetes_changes_them() {
    use std::os::unix::fs::symlink;

    let start = Start::of_file(&naming("@say.lua"));
    let directory = start.directory().to_owned();
    for (version, text) in [("..one", "one"), ("..two", "two")] {
        std::fs::create_dir(directory.join(version)).unwrap();
        let source = format!("kong.response.exit(200, '{text}')");
        std::fs::write(directory.join(version).join("say.lua"), source).unwrap();
    }
    symlink("..one", directory.join("..data")).unwrap();
    symlink("..data/say.lua", directory.join("say.lua")).unwrap();
    let gateway = start.arg("--watch").serving();
    assert_eq!(said(&gateway).await, "one");
    symlink("..two", directory.join("..new")).unwrap();
    std::fs::rename(directory.join("..new"), directory.join("..data")).unwrap();
    gateway.logged("is in force");
    assert_eq!(said(&gateway).await, "two");
}

#[tokio::test]
async fn modules_are_loaded_again_and_a_bad_one_changes_nothing() {
    let access = json!({ "access": ["kong.response.exit(200, require('app.greeting').text)"] });
    let start = Start::of_file(&with_plugins(unused_addr(), &[("pre-function", access)]));
    let modules = start.directory().join("modules");
    std::fs::create_dir_all(modules.join("app")).unwrap();
    let greet = |text: &str| std::fs::write(modules.join("app/greeting.lua"), text).unwrap();
    greet("return { text = 'one' }");
    // A worker that has not loaded a module looks for it when a function asks.
    let start = start.arg("--watch").arg("--workers").arg("1");
    let start = start.arg("--lua-module-path").arg(&modules);
    let gateway = start.arg("--untrusted-lua").arg("on").serving();
    assert_eq!(said(&gateway).await, "one");
    greet("return { text = ");
    gateway.logged("nothing has changed: a module does not compile");
    assert_eq!(said(&gateway).await, "one");
    greet("return { text = 'three' }");
    gateway.logged("modules have changed, and are loaded again");
    assert_eq!(said(&gateway).await, "three");
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_in_a_circle_do_not_keep_it_from_what_else_changes() {
    let start = Start::of_file(&naming("@functions/say.lua"));
    std::fs::create_dir(start.directory().join("functions")).unwrap();
    say(start.directory(), "one");
    let modules = start.directory().join("modules");
    std::fs::create_dir(&modules).unwrap();
    for name in ["left", "right"] {
        std::os::unix::fs::symlink(&modules, modules.join(name)).unwrap();
    }
    let gateway = start.arg("--watch").arg("--lua-module-path").arg(&modules).serving();
    assert_eq!(said(&gateway).await, "one");
    say(gateway.directory(), "two");
    gateway.logged("kong.yml is in force");
    assert_eq!(said(&gateway).await, "two");
}

#[tokio::test]
async fn what_is_saved_as_it_was_is_not_read_again() {
    let start = Start::of_file(&naming("@functions/say.lua"));
    std::fs::create_dir(start.directory().join("functions")).unwrap();
    let count =
        "return function() count = (count or 0) + 1 kong.response.exit(200, tostring(count)) end";
    let function = start.directory().join("functions/say.lua");
    std::fs::write(&function, count).unwrap();
    let gateway = start.arg("--watch").arg("--workers").arg("1").serving();
    gateway.get("/").send().await;
    std::fs::write(&function, count).unwrap();
    std::fs::write(gateway.directory().join("notes.txt"), "none of its files").unwrap();
    // It is what comes next that is seen.
    std::fs::write(&function, format!("{count} -- 2")).unwrap();
    let log = gateway.logged_until("is in force");
    assert_eq!(log.matches("is in force").count(), 1, "{log}");
    assert_eq!(said(&gateway).await, "1");
}

#[test]
fn there_must_be_something_to_watch() {
    let (code, said) = Start::new().arg("--watch").ending();
    assert_eq!(code, 1);
    assert!(said.contains("it goes with --declarative-config or --lua-module-path"), "{said}");
}
