//! Functions in files of their own, which a declarative file names.

use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Gateway, Start, shop};

/// A declarative file with the functions of a plugin in `access`, as YAML has them.
fn kong_yml(access: &str) -> String {
    format!(
        "_format_version: '3.0'
services:
  - name: shop
    url: http://127.0.0.1:1
    routes:
      - name: all
        paths: [/]
        plugins:
          - name: pre-function
            config:
              access: [{access}]
"
    )
}

fn write(directory: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = directory.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A gateway whose file has the functions `access`, beside files of Lua.
fn serving(access: &str, files: &[(&str, &str)]) -> Gateway {
    let start = Start::of_file(&kong_yml(access));
    files.iter().for_each(|(name, text)| write(start.directory(), name, text));
    start.serving()
}

/// What is said of a file that is refused; `make` puts others beside it.
fn refusal(access: &str, make: impl FnOnce(&Path)) -> String {
    let start = Start::of_file(&kong_yml(access));
    make(start.directory());
    let (code, said) = start.ending();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("kong.yml: line 11: "), "{said}");
    assert!(said.contains("(service 'shop', route 'all', plugin 'pre-function')"), "{said}");
    said
}

#[tokio::test]
async fn a_function_may_be_in_a_file_beside_the_declarative_one() {
    let say = "kong.response.exit(200, kong.ctx.shared.text)";
    let files =
        [("functions/text.lua", "kong.ctx.shared.text = 'from a file'"), ("my say.lua", say)];
    let gateway = serving("'@functions/text.lua', 'local inline = 1', '@my say.lua'", &files);
    assert_eq!(gateway.get("/").send().await.text(), "from a file");
}

#[tokio::test]
async fn a_file_may_be_named_with_its_digest_and_is_exported_as_it_was() {
    let source = "kong.response.exit(200, 'just this')";
    let access = format!("'@functions/auth.lua sha256:{}', return 1", digest(source));
    let gateway = serving(&access, &[("functions/auth.lua", source)]);
    assert_eq!(gateway.get("/").send().await.text(), "just this");
    let exported = gateway.admin("/config").send().await.json();
    let exported = exported["config"].as_str().unwrap();
    let named = format!("- '@functions/auth.lua sha256:{}'", digest(source));
    assert!(exported.contains(&named) && exported.contains("- return 1"), "{exported}");
    assert!(!exported.contains("just this"), "{exported}");
    // What is in force is what is shown.
    let plugins = gateway.admin("/plugins").send().await.json();
    assert_eq!(plugins["data"][0]["config"]["access"], json!([source, "return 1"]));
    let files = gateway.admin("/functions/files").send().await.json();
    let id = &plugins["data"][0]["id"];
    let file = json!({
        "plugin": { "id": id }, "phase": "access", "function": 1, "file": "functions/auth.lua",
    });
    assert_eq!(files["data"], json!([file]));
    // What was exported is a file again.
    assert!(gateway.reload(exported));
    assert_eq!(gateway.get("/").send().await.text(), "just this");
}

#[tokio::test]
async fn errors_of_a_function_in_a_file_name_the_file() {
    let source = "local user = nil\nreturn user.name";
    let gateway = serving("'@functions/auth.lua'", &[("functions/auth.lua", source)]);
    assert_eq!(gateway.get("/").send().await.status, 500);
    gateway.logged("functions/auth.lua:2: attempt to index local 'user'");
    let failures = gateway.admin("/functions/failures").send().await.json();
    let failure = &failures["data"][0];
    assert_eq!((&failure["chunk"], &failure["line"]), (&json!("functions/auth.lua"), &json!(2)));
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named_with_its_plugin_and_field() {
    let nothing = |_: &Path| {};
    let said = refusal("'@functions/auth.lua'", nothing);
    assert!(said.contains(".plugins[1].config.access[1]: cannot read "), "{said}");
    assert!(said.contains("functions/auth.lua: No such file or directory"), "{said}");

    let said =
        refusal("return 1, '@a.lua'", |to| write(to, "a.lua", "local a = 1\nthis is not Lua"));
    assert!(said.contains("config.access[2]: a.lua:2: '=' expected near 'is'"), "{said}");

    let said = refusal("'@a.lua'", |to| write(to, "a.lua", b"return 1\n-- \xff"));
    assert!(said.contains("bytes that are not UTF-8, in line 2"), "{said}");

    let said = refusal("'@a.lua'", |to| write(to, "a.lua", " ".repeat((10 << 20) + 1)));
    assert!(said.contains("too large for a function: it may have 10485760 bytes"), "{said}");

    let said = refusal("'@functions'", |to| write(to, "functions/a.lua", "return 1"));
    assert!(said.contains("functions is no file"), "{said}");

    let expected = "0".repeat(64);
    let said = refusal(&format!("'@a.lua sha256:{expected}'"), |to| write(to, "a.lua", "return 1"));
    let found = digest("return 1");
    assert!(said.contains(&format!("sha256:{found}, and not sha256:{expected}")), "{said}");

    let said = refusal("'@a.lua sha256:123'", |to| write(to, "a.lua", "return 1"));
    assert!(said.contains("'sha256:123' is no digest"), "{said}");
}

#[cfg(unix)]
#[test]
fn nothing_outside_of_the_directory_is_read_and_nothing_is_waited_for() {
    for outside in ["@/etc/hostname", "@../secret.lua", "@functions/../../secret.lua"] {
        let said = refusal(&format!("'{outside}'"), |_| {});
        assert!(said.contains("outside of the directory of this file"), "{said}");
    }
    let said = refusal("'@link.lua'", |to| {
        std::os::unix::fs::symlink("/etc/hostname", to.join("link.lua")).unwrap();
    });
    assert!(said.contains("link.lua is a link to /etc/hostname, outside of"), "{said}");
    let said = refusal("'@pipe.lua'", |to| {
        let made = std::process::Command::new("mkfifo").arg(to.join("pipe.lua")).status().unwrap();
        assert!(made.success());
    });
    assert!(said.contains("pipe.lua is no file"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_within_the_directory_are_followed_as_kubernetes_makes_them() {
    let start = Start::of_file(&kong_yml("'@functions/auth.lua'"));
    let directory = start.directory().to_owned();
    write(&directory, "functions/..one/auth.lua", "kong.response.exit(200, 'linked')");
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, directory.join(name)).unwrap();
    link("..one", "functions/..data");
    link("..data/auth.lua", "functions/auth.lua");
    assert_eq!(start.serving().get("/").send().await.text(), "linked");
}

#[tokio::test]
async fn whoever_posts_a_configuration_is_told_that_files_are_not_looked_for() {
    let gateway = shop().await;
    for (path, named) in [("/config", "@functions/auth.lua"), ("/config", "@/etc/hostname")] {
        let call = gateway.admin_call(http::Method::POST, path).header("content-type", "text/yaml");
        let reply = call.body(kong_yml(&format!("'{named}'"))).send().await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert!(reply.text().contains("functions"), "{}", reply.text());
    }
    let call =
        gateway.admin_call(http::Method::POST, "/config").header("content-type", "text/yaml");
    let reply = call.body(kong_yml("'@functions/auth.lua'")).send().await;
    assert!(reply.text().contains("there is no directory that it could be in"), "{}", reply.text());
    assert_eq!(gateway.admin("/services/shop").send().await.status, 200);
}

#[test]
fn gateway_check_looks_at_functions_in_files_by_the_phases_that_they_are_for() {
    let start = Start::new();
    let kong_yml = kong_yml("'@functions/auth.lua', kong.log(1), '@missing.lua'");
    start.file("kong.yml", &kong_yml.replace("access:", "log:"));
    write(
        start.directory(),
        "functions/auth.lua",
        "local one = 1\nkong.response.exit(one)\nkong.nothing()",
    );
    let (code, said) = start.arg("check").arg("kong.yml").ending();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("functions/auth.lua:2:") && said.contains("[phase]"), "{said}");
    assert!(said.contains("kong.yml:11:") && said.contains("cannot read missing.lua"), "{said}");
    assert!(said.ends_with("3 functions: 3 errors, 0 warnings"), "{said}");
    // In a directory, a file is met by itself as well, and nothing is said twice.
    let start = Start::new();
    start.file("kong.yml", &kong_yml.replace(", '@missing.lua'", ""));
    write(start.directory(), "functions/auth.lua", "kong.nothing()");
    let (_, said) = start.arg("check").arg(".").ending();
    assert_eq!(said.matches("there is no `kong.nothing`").count(), 1, "{said}");
    assert!(said.ends_with("2 functions: 1 error, 0 warnings"), "{said}");
}

#[test]
fn gateway_test_runs_functions_in_files_that_a_declarative_file_names() {
    let start = Start::new();
    start.file("kong.yml", &kong_yml("'@functions/auth.lua'"));
    write(start.directory(), "functions/auth.lua", "kong.response.exit(418)");
    start.file(
        "auth_spec.lua",
        "describe('auth', function()
           functions 'kong.yml'
           it('answers', function() assert.equal(418, request { path = '/' }.status) end)
         end)",
    );
    let (code, said) = start.arg("test").arg(".").ending();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
