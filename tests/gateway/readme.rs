//! The commands of README.md, with the answers that are printed there.

use std::process::Command;

use crate::support::{Gateway, Start};

const README: &str = include_str!("../../README.md");

/// The code blocks after `heading`, by their language.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let (_, section) = README.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let opening = format!("```{language}\n");
    let fenced = section.split(&opening).skip(1);
    fenced.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Runs the `curl` commands of a block against `gateway`; each line that is printed after a command
/// must be in its answer. How many there were.
fn replay(gateway: &Gateway, block: &str) -> usize {
    let commands = block.split("$ ").filter(|command| command.starts_with("curl"));
    commands
        .map(|command| {
            let (command, expected) = command.split_once('\n').unwrap();
            let command = command
                .replace("localhost:8000", &gateway.proxy.to_string())
                .replace("localhost:8001", &gateway.admin.to_string())
                .replace("127.0.0.1:8001", &gateway.admin.to_string());
            let directory = env!("CARGO_MANIFEST_DIR");
            let mut shell = Command::new("bash");
            let output = shell.args(["-c", &command]).current_dir(directory).output().unwrap();
            let answer = String::from_utf8_lossy(&output.stdout);
            for line in expected.lines().filter(|line| *line != "…") {
                assert!(answer.contains(line), "'{line}' is not what {command} answers: {answer}");
            }
        })
        .count()
}

#[test]
fn the_walkthrough_over_a_database_is_answered_as_printed() {
    let gateway = Gateway::empty();
    let blocks = blocks("## In front of other servers", "console");
    let walkthrough = blocks.iter().find(|block| block.contains("curl -i -X POST")).unwrap();
    assert_eq!(replay(&gateway, walkthrough), 5);
}

#[test]
fn the_declarative_file_is_served_as_printed() {
    let file = blocks("## In front of other servers", "yaml").remove(0);
    // The file is read again once the address of its service is known.
    let gateway = Start::of_file(&file).serving();
    assert!(gateway.reload(&file.replace("127.0.0.1:8001", &gateway.admin.to_string())));
    let blocks = blocks("## In front of other servers", "console");
    let curl = blocks.iter().find(|block| block.starts_with("$ curl")).unwrap();
    assert_eq!(replay(&gateway, curl), 1);
}
