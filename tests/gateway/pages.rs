//! The pages of `docs`, done as they say: files are written, commands run, and what is printed below a command is what
//! it says.
//!
//! | a block of | is |
//! |---|---|
//! | `lua`, `yaml`, `json` whose first line is a comment with the name of a file | that file, in a directory of the page's |
//! | other `lua` | looked at by `gateway check`, which finds nothing; of `lua wrong` it finds something |
//! | other `yaml` | read |
//! | `console` | commands behind `$`, each with what it prints; `…` stands for anything |
//! | `log` | lines that the gateway's log has |
//! | `ini` | a unit of systemd, whose `ExecStart` the gateway understands |
//! | `sh` | commands that are not run here: they have to be commands at least |
//! | anything else, such as `lua neovim` | for who reads |
//!
//! A command that serves goes on until the next one does. `127.0.0.1:3000` is a server that tells what it was asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Gateway, Start, echo_upstream, gateway_path};

#[tokio::test(flavor = "multi_thread")]
async fn the_cookbook() {
    Page::read("cookbook").await.go_through();
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_functions() {
    Page::read("writing-functions").await.go_through();
}

#[test]
fn the_files_on_the_page_are_those_that_init_writes() {
    let project = Start::new();
    let (code, said) = Start::new().arg("init").arg(project.directory()).ending();
    assert_eq!(code, 0, "{said}");
    let page = include_str!("../../docs/writing-functions.md");
    for name in ["kong.yml", "functions/hello.lua"] {
        let written = fs::read_to_string(project.directory().join(name)).unwrap();
        let (_, below_its_comment) = written.split_once('\n').unwrap();
        assert!(page.contains(below_its_comment), "the page has another than {written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_front() {
    Page::read("in-front").await.go_through();
}

#[tokio::test(flavor = "multi_thread")]
async fn from_openresty() {
    Page::read("from-openresty").await.go_through();
}

#[tokio::test(flavor = "multi_thread")]
async fn debugging() {
    Page::read("debugging").await.go_through();
}

/// A page, and where it is gone through.
struct Page {
    blocks: Vec<Block>,
    /// Of the page's own, removed with it.
    root: Start,
    directory: PathBuf,
    gateway: Option<Gateway>,
    server: String,
}

struct Block {
    /// What follows the fence.
    kind: String,
    text: String,
}

impl Page {
    async fn read(name: &str) -> Self {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let text = fs::read_to_string(docs.join(name).with_extension("md")).unwrap();
        let root = Start::new();
        let directory = root.directory().to_owned();
        let server = echo_upstream().await.to_string();
        Self { blocks: blocks(&text), root, directory, gateway: None, server }
    }

    fn go_through(mut self) {
        assert!(!self.blocks.is_empty(), "the page has no blocks");
        for Block { kind, text } in std::mem::take(&mut self.blocks) {
            self.go_on(&kind, &text);
        }
    }

    /// Does what a block of a kind says.
    fn go_on(&mut self, kind: &str, text: &str) {
        match (kind, file_name(text)) {
            ("lua" | "yaml" | "json", Some(name)) => self.write(name, text),
            ("lua", None) => assert_eq!(self.check(text), "", "{text}"),
            ("lua wrong", _) => assert_ne!(self.check(text), "", "nothing is wrong with {text}"),
            ("yaml", None) => is_yaml(text),
            ("console", _) => commands(text).iter().for_each(|command| self.run(command)),
            ("log", _) => text.lines().for_each(|line| self.logs(line)),
            ("ini", _) => self.is_unit(text),
            ("sh", _) => is_shell(text),
            _ => {}
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What `gateway check` finds in a function, for the phase that its first line names, if it does.
    fn check(&self, text: &str) -> String {
        let file = self.root.file("function.lua", text);
        let mut check = Command::new(gateway_path());
        check.arg("check").arg(file);
        let phase = text.lines().next().and_then(|line| line.strip_prefix("-- "));
        if let Some(phase) = phase.filter(|phase| PHASES.contains(phase)) {
            check.args(["--phase", phase]);
        }
        let output = check.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        if said.contains(": 0 errors, 0 warnings") { String::new() } else { said }
    }

    /// Makes sure that the gateway takes the flags that a unit starts it with.
    fn is_unit(&self, text: &str) {
        let line = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect(text);
        let arguments = line.split_whitespace().skip(1);
        // The name of a database that is none is found out when all flags have been understood.
        let mut gateway = Command::new(gateway_path());
        gateway.args(arguments).args(["--database", "none", "migrations", "list"]);
        let output = gateway.current_dir(&self.directory).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("'none'") || said.contains("--database off"), "{said}");
    }

    fn logs(&self, line: &str) {
        let gateway = self.gateway.as_ref().expect("a gateway that serves");
        let first = line.split('…').find(|part| !part.trim().is_empty()).unwrap();
        let logged = gateway.logged(first);
        assert!(is_like(&logged, line), "'{line}' is not how '{logged}' looks");
    }

    fn run(&mut self, Printed { command, said }: &Printed) {
        if let Some(directory) = command.strip_prefix("cd ") {
            self.directory.push(directory.trim());
            return assert!(self.directory.is_dir(), "there is no {directory}");
        }
        if let Some(arguments) = Self::arguments_of_server(command) {
            return self.serve(&arguments);
        }
        let known = ["gateway ", "curl ", "echo ", "cat ", "mkdir ", "cp "];
        assert!(
            known.iter().any(|name| command.starts_with(name)),
            "a page may not run this: {command}"
        );
        let mut shell = Command::new("bash");
        let gateway = format!("gateway() {{ '{}' \"$@\"; }}", gateway_path().display());
        let curl = "curl() { command curl --silent --show-error \"$@\"; }";
        let script = format!("{gateway}; {curl}; exec 2>&1; {}", self.placed(command));
        let output = shell.args(["-c", &script]).current_dir(&self.directory).output().unwrap();
        let output = String::from_utf8_lossy(&output.stdout);
        let mut lines = output.lines();
        for line in said.iter().filter(|line| *line != "…") {
            let is_printed = lines.any(|printed| is_like(printed.trim_end(), line.trim_end()));
            assert!(is_printed, "'{line}' is not what '{command}' prints, or not there: {output}");
        }
    }

    /// The arguments of a command by which the gateway serves.
    fn arguments_of_server(command: &str) -> Option<Vec<String>> {
        let rest = command.strip_prefix("gateway ")?;
        let is_one =
            rest.starts_with("--") && !rest.starts_with("--help") && !rest.starts_with("--version");
        let words = || {
            let script = format!("printf '%s\\n' {rest}");
            let output = Command::new("bash").args(["-c", &script]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
        };
        is_one.then(words)
    }

    /// Serves, and once it is known where, what the files say of that is so.
    fn serve(&mut self, arguments: &[String]) {
        self.gateway = None;
        let file =
            arguments.iter().skip_while(|argument| *argument != "--declarative-config").nth(1);
        let file = file.map(|file| self.directory.join(file));
        let start = Start::new().of_directory(&self.directory);
        let start = arguments.iter().fold(start, Start::arg);
        self.gateway = Some(start.serving());
        let Some((file, gateway)) = file.zip(self.gateway.as_ref()) else { return };
        let text = fs::read_to_string(&file).unwrap();
        let placed = self.placed(&text);
        if text == placed {
            return;
        }
        fs::write(&file, placed).unwrap();
        if arguments.contains(&"--watch".to_owned()) {
            // What is written next is another change, which is read for itself.
            gateway.logged("is in force");
        } else {
            assert!(gateway.reads_again(), "{text}");
            fs::write(&file, text).unwrap();
        }
    }

    /// A text with the addresses that things really have.
    fn placed(&self, text: &str) -> String {
        let text = text.replace("127.0.0.1:3000", &self.server);
        let Some(gateway) = &self.gateway else { return text };
        let addresses = [("8000", gateway.proxy), ("8001", gateway.admin)];
        addresses.iter().fold(text, |text, (port, addr)| {
            ["localhost", "127.0.0.1"]
                .iter()
                .fold(text, |text, host| text.replace(&format!("{host}:{port}"), &addr.to_string()))
        })
    }
}

const PHASES: [&str; 5] = ["rewrite", "access", "header_filter", "body_filter", "log"];

fn is_shell(text: &str) {
    let output = Command::new("bash").args(["-n", "-c", text]).output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
}

fn is_yaml(text: &str) {
    let value = serde_yaml_ng::from_str::<serde_yaml_ng::Value>(text);
    assert!(value.is_ok(), "{value:?}\n{text}");
}

/// A command, and what is printed below it.
struct Printed {
    command: String,
    said: Vec<String>,
}

/// The blocks of a page.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => block.text += &format!("{line}\n"),
            (None, Some(kind)) => {
                open = Some(Block { kind: kind.trim().to_owned(), text: String::new() });
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// The name in the first line of a block, if it is a comment with the name of a file alone.
fn file_name(text: &str) -> Option<&str> {
    let line = text.lines().next()?;
    let name = line.strip_prefix("# ").or_else(|| line.strip_prefix("-- "))?;
    let is_one =
        [".yml", ".lua", ".json"].iter().any(|end| name.ends_with(end)) && !name.contains(' ');
    is_one.then_some(name)
}

/// The commands of a block.
fn commands(text: &str) -> Vec<Printed> {
    let mut commands: Vec<Printed> = Vec::new();
    for line in text.lines() {
        let last = commands.last_mut();
        match (line.strip_prefix("$ "), last) {
            (Some(command), _) => {
                commands.push(Printed { command: command.to_owned(), said: Vec::new() });
            }
            (None, Some(last)) if last.command.ends_with('\\') && last.said.is_empty() => {
                last.command.pop();
                last.command += line.trim_start();
            }
            (None, Some(last)) => last.said.extend((!line.is_empty()).then(|| line.to_owned())),
            (None, None) => panic!("no command before: {line}"),
        }
    }
    commands
}

/// Whether a line is as it is printed on the page, where `…` stands for anything.
fn is_like(line: &str, printed: &str) -> bool {
    let parts: Vec<_> = printed.split('…').map(regex::escape).collect();
    regex::Regex::new(&format!("^{}$", parts.join(".*"))).unwrap().is_match(line)
}
