//! `gateway init`: a first project.

use std::fs;
use std::path::Path;

use crate::support::{Gateway, Start, echo_upstream};
use crate::types::emmylua_check;

/// Writes a project: what was said, and where it is.
fn written(arguments: &[&str]) -> (String, Start) {
    let project = Start::new();
    let start = arguments.iter().fold(Start::new().arg("init"), Start::arg);
    let (code, said) = start.arg(project.directory()).ending();
    assert_eq!(code, 0, "{said}");
    (said, project)
}

/// Runs a command in the project.
fn run(project: &Path, arguments: &[&str]) -> (i32, String) {
    let start = arguments.iter().fold(Start::new(), Start::arg);
    start.of_directory(project).ending()
}

/// A gateway that serves the project.
fn serving(project: &Start) -> Gateway {
    let start = Start::new().of_directory(project.directory());
    start.arg("--declarative-config").arg("kong.yml").serving()
}

fn read(project: &Start, name: &str) -> String {
    fs::read_to_string(project.directory().join(name)).unwrap()
}

#[test]
fn what_is_written_is_checked_and_tested() {
    let (_, project) = written(&[]);
    let (code, said) = run(project.directory(), &["check", "."]);
    assert!(code == 0 && said == "1 function: 0 errors, 0 warnings", "{said}");
    let (code, said) = run(project.directory(), &["test", "spec"]);
    assert!(code == 0 && said.ends_with("2 passed, 0 failed, 0 pending"), "{said}");
}

#[tokio::test]
async fn what_is_written_is_served() {
    let upstream = format!("http://{}", echo_upstream().await);
    let (_, project) = written(&["--upstream", &upstream]);
    let gateway = serving(&project);
    let reply = gateway.get("/hello?name=ada").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-greeting")), (200, "Hello, ada"));
    assert_eq!(reply.json()["headers"]["x-name"], "ada");
    for path in ["/hello", "/hello?name"] {
        let reply = gateway.get(path).send().await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("Who are you?"), "{}", reply.text());
    }
}

#[tokio::test]
async fn the_gateways_own_status_stands_in_for_a_server() {
    let (_, project) = written(&[]);
    let gateway = serving(&project);
    let file = read(&project, "kong.yml").replace("127.0.0.1:8001", &gateway.admin.to_string());
    project.file("kong.yml", &file);
    assert!(gateway.reads_again());
    let reply = gateway.get("/hello?name=ada").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-greeting")), (200, "Hello, ada"));
}

#[test]
fn an_editor_finds_the_types_and_a_reader_the_commands() {
    let (said, project) = written(&[]);
    for name in [".types/kong/request.lua", ".types/spec.lua", ".luarc.json", ".emmyrc.json"] {
        assert!(project.directory().join(name).is_file(), "{name}");
    }
    let recommended = read(&project, ".vscode/extensions.json");
    let recommended: serde_json::Value = serde_json::from_str(&recommended).unwrap();
    assert_eq!(recommended["recommendations"][0], "tangzx.emmylua");
    for command in [
        "gateway check .",
        "gateway test spec",
        "gateway --declarative-config kong.yml --watch --debug",
        "curl -i",
        "http://127.0.0.1:8002",
    ] {
        assert!(said.contains(command), "{said}");
        assert!(read(&project, "README.md").contains(command), "{command}");
    }
}

#[test]
fn an_editor_has_nothing_to_say_of_it_and_finds_what_is_misspelt_in_it() {
    let (_, project) = written(&[]);
    let Some((is_good, said)) = emmylua_check(project.directory()) else { return };
    assert!(is_good && !said.contains("warning:"), "{said}");
    let (function, spec) =
        (read(&project, "functions/hello.lua"), read(&project, "spec/hello_spec.lua"));
    project.file("functions/hello.lua", &function.replace("get_query_arg", "get_query_argument"));
    project.file("spec/hello_spec.lua", &spec.replace("request {", "reqest {"));
    let (_, said) = emmylua_check(project.directory()).unwrap();
    assert!(said.contains("Undefined field `get_query_argument`"), "{said}");
    assert!(said.contains("undefined global variable: reqest"), "{said}");
}

#[test]
fn files_that_are_there_stay_as_they_are() {
    let project = Start::new();
    let own = project.file("kong.yml", "_format_version: '3.0'\n");
    let (code, said) = run(project.directory(), &["init"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("kong.yml: is there, and stays as it is"), "{said}");
    assert_eq!(fs::read_to_string(own).unwrap(), "_format_version: '3.0'\n");
    let spec = project.file("spec/hello_spec.lua", "-- mine\n");
    let (code, said) = run(project.directory(), &["init"]);
    assert!(code == 0 && said.contains("hello_spec.lua: is there"), "{said}");
    assert_eq!(fs::read_to_string(spec).unwrap(), "-- mine\n");
}

#[test]
fn a_directory_is_made_where_there_is_none() {
    let start = Start::new();
    let directory = start.directory().join("deep/in/it");
    let (code, said) = run(start.directory(), &["init", "deep/in/it"]);
    assert!(code == 0 && said.contains("cd deep/in/it"), "{said}");
    assert!(directory.join("kong.yml").is_file());
}

#[test]
fn what_cannot_be_is_named() {
    let start = Start::new();
    start.file("taken", "a file");
    let (code, said) = run(start.directory(), &["init", "taken"]);
    assert!(code == 1 && said.contains("gateway: taken/kong.yml: "), "{said}");
    for upstream in [
        "here",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1/?a=b",
        "http://a b",
        "127.0.0.1:80",
    ] {
        let (code, said) = run(start.directory(), &["init", "--upstream", upstream]);
        assert_eq!(code, 2, "{upstream}: {said}");
        assert!(said.contains("as in http://127.0.0.1:3000"), "{upstream}: {said}");
        assert!(!start.directory().join("kong.yml").exists(), "{upstream}");
    }
}
