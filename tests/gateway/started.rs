//! What the gateway says when it has started: to a person at a terminal, to programs in its log.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Start, gateway_path};

const FILE: &str = r#"
_format_version: "3.0"
services:
  - name: shop
    url: http://127.0.0.1:1
    routes: [{ paths: [/] }, { paths: [/b] }]
"#;

/// What a person sees at a terminal, which `script` has, up to a line that has `until` in it; and the log that it
/// goes to, if it does.
fn seen(arguments: &str, variables: &[(&str, &str)], until: &str) -> Option<String> {
    let start = Start::new();
    start.file("kong.yml", FILE);
    // It is told to end by whoever reads, when there is nothing more to be seen.
    let command = format!(
        "{} --declarative-config kong.yml --workers 1 {arguments} & read line; kill $!; wait $!",
        gateway_path().display()
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--flush", "--command", &command, "/dev/null"]);
    script.current_dir(start.directory()).stdin(Stdio::piped()).stdout(Stdio::piped());
    script.env_remove("NO_COLOR").env("TERM", "xterm");
    script.env("KONG_PROXY_LISTEN", "127.0.0.1:0").env("KONG_ADMIN_LISTEN", "127.0.0.1:0");
    script.env("KONG_ADMIN_GUI_LISTEN", "127.0.0.1:0");
    let Ok(mut script) = script.envs(variables.iter().copied()).spawn() else {
        println!("skipped: util-linux's script is missing");
        return None;
    };
    let mut seen = String::new();
    for line in BufReader::new(script.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(until) {
            script.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        }
        seen += &format!("{}\n", line.trim_end());
    }
    script.wait().unwrap();
    assert!(seen.contains(until), "{seen}");
    Some(seen)
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_sees_where_it_listens_and_what_is_in_force() {
    let Some(seen) = seen("", &[("NO_COLOR", "1")], "Ctrl-C") else { return };
    for line in [
        concat!("gateway ", env!("CARGO_PKG_VERSION")),
        "  proxy     http://127.0.0.1:",
        "  admin     http://127.0.0.1:",
        "  page      http://127.0.0.1:",
        "  from      kong.yml: 1 service, 2 routes, 0 plugins",
        "  functions sandboxed, in 1 worker",
        "Ctrl-C stops it. After a change of kong.yml: kill -HUP ",
    ] {
        assert!(seen.lines().any(|seen| seen.starts_with(line)), "no {line} in {seen}");
    }
    assert!(!seen.contains('\u{1b}'), "{seen:?}");
    assert!(!seen.contains("listens on"), "what a person has seen is not said again: {seen}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_whose_files_are_watched_need_not_say_that_they_have_changed() {
    let Some(seen) = seen("--watch", &[("NO_COLOR", "1")], "Ctrl-C") else { return };
    let line =
        "Ctrl-C stops it. What is saved of kong.yml and its functions is in force a moment later.";
    assert!(seen.contains(line), "{seen}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_has_colours() {
    let Some(seen) = seen("", &[], "Ctrl-C") else { return };
    assert!(seen.contains("\u{1b}[32mhttp://127.0.0.1:"), "{seen:?}");
    assert!(seen.contains("\u{1b}[32m INFO"), "{seen:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn json_stays_json_at_a_terminal() {
    let Some(seen) = seen("--log-format json", &[], "page listens on") else { return };
    let lines: Vec<_> = seen.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= 4, "{seen}");
    for line in lines {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_log_is_a_file_a_person_sees_it_all_the_same() {
    let start = Start::new();
    let log = start.directory().join("log");
    let arguments = format!("--log-file {}", log.display());
    let Some(seen) = seen(&arguments, &[], "Ctrl-C") else { return };
    assert!(seen.contains("http://127.0.0.1:") && !seen.contains("INFO"), "{seen}");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("proxy listens on") && !log.contains('\u{1b}'), "{log:?}");
}

#[test]
fn a_log_tells_what_is_read_and_how_much_there_is_before_anybody_is_served() {
    let start = Start::of_file(FILE).arg("--log-format").arg("json");
    let log = start.directory().join("log");
    let mut process = start.arg("--log-file").arg(&log).spawned();
    process.reads(&log, "admin listens on");
    let said = std::fs::read_to_string(log).unwrap();
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let message = |event: &Value| event["fields"]["message"].as_str().unwrap().to_owned();
    assert!(message(&events[0]).starts_with("reading ") && said.contains("kong.yml"), "{said}");
    let serving = events.iter().find(|event| message(event).starts_with("serving what ")).unwrap();
    let counts = ["services", "routes", "plugins"].map(|kind| serving["fields"][kind].as_u64());
    assert_eq!(counts, [Some(1), Some(2), Some(0)], "{said}");
}

#[test]
fn the_database_is_named_without_its_password() {
    let start = Start::new().arg("--database").arg("postgres://kong:hunter2@127.0.0.1:1/kong");
    let (code, said) = start.ending();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("opening postgres://127.0.0.1:1/kong"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
