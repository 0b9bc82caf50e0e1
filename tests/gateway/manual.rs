//! What the program says of itself: to a reader of `--help`, to shells, to `man`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::Start;

/// What is printed where nothing is served.
fn printed(arguments: &[&str]) -> String {
    let start = arguments.iter().fold(Start::new(), Start::arg);
    let (code, said) = start.ending();
    assert_eq!(code, 0, "{said}");
    said
}

const COMMANDS: [&str; 8] =
    ["init", "check", "try", "test", "types", "migrations", "completions", "man"];

#[test]
fn help_has_the_flags_in_groups() {
    let said = printed(&["--help"]);
    let groups = ["Listening", "Admin API", "Configuration", "Serving", "TLS", "Functions", "Log"];
    let of_group = |name: &str| {
        let heading = format!("\n{name}:\n");
        let (_, rest) = said.split_once(&heading).unwrap_or_else(|| panic!("no {name} in {said}"));
        let ends = groups.iter().filter_map(|group| rest.find(&format!("\n{group}:\n"))).min();
        &rest[..ends.unwrap_or(rest.len())]
    };
    for (group, flags) in [
        ("Listening", ["--proxy-listen", "--admin-listen"]),
        ("Admin API", ["--admin-gui-url", "--admin-key"]),
        ("Configuration", ["--declarative-config", "--pg-ssl-verify"]),
        ("Serving", ["--workers", "--trusted-ips"]),
        ("TLS", ["--ssl-cert", "--lua-ssl-trusted-certificate"]),
        ("Functions", ["--untrusted-lua", "--client-body-buffer-size"]),
        ("Log", ["--log-level", "--log-file"]),
    ] {
        let text = of_group(group);
        assert!(flags.iter().all(|flag| text.contains(&format!("{flag} <"))), "{group}: {text}");
    }
    let (_, groupless) = said.split_once("\nOptions:\n").unwrap();
    let (groupless, _) = groupless.split_once("\nListening:\n").unwrap();
    assert_eq!(groupless.matches("--").count(), 2, "flags in no group: {groupless}");
}

#[test]
fn shells_complete_commands_and_flags() {
    for shell in ["bash", "zsh", "fish"] {
        let said = printed(&["completions", shell]);
        for command in COMMANDS {
            assert!(said.contains(command), "{shell}: {command}");
        }
        assert!(said.contains("proxy-listen") && said.contains("declarative-config"), "{shell}");
    }
    let (code, said) = Start::new().arg("completions").arg("csh").ending();
    assert!(code == 2 && said.contains("bash") && said.contains("fish"), "{said}");
}

#[test]
fn bash_completes_what_has_been_begun() {
    let start = Start::new();
    let script = start.file("gateway.bash", &printed(&["completions", "bash"]));
    let complete = |words: &str, count: usize| {
        let ask = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={count}; COMPREPLY=(); \
             _gateway gateway \"${{COMP_WORDS[$COMP_CWORD]}}\" \
             \"${{COMP_WORDS[$COMP_CWORD - 1]}}\"; echo \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let output = Command::new("bash").args(["-c", &ask]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete("gateway in", 1).trim(), "init");
    assert_eq!(complete("gateway --decl", 1).trim(), "--declarative-config");
    assert_eq!(complete("gateway check --phase acc", 3).trim(), "access");
}

#[test]
fn man_has_a_page_of_the_program_and_of_each_command() {
    let page = printed(&["man"]);
    for text in [".TH gateway 1", "proxy\\-listen", "KONG_PROXY_LISTEN", "gateway\\-init(1)"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let start = Start::new();
    let out = start.directory().join("man1");
    printed(&["man", "--out", &out.to_string_lossy()]);
    for command in COMMANDS {
        let page = fs::read_to_string(out.join(format!("gateway-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(command), "{command}: {page}");
    }
    let written = fs::read_to_string(out.join("gateway.1")).unwrap();
    assert!(written.trim_end() == page.trim_end(), "what is printed is not what is written");
}

#[test]
fn a_directory_for_pages_that_cannot_be_is_named() {
    let start = Start::new();
    let taken = start.file("taken", "a file");
    let (code, said) = Start::new().arg("man").arg("--out").arg(&taken).ending();
    assert!(code == 1 && said.contains(&format!("gateway: {}: ", taken.display())), "{said}");
}

/// Flags of other programs that the pages tell of.
const OTHERS: &[&str] = &[
    "--data",
    "--debug",
    "--example",
    "--features",
    "--forwarded-allow-ips",
    "--git",
    "--header",
    "--install-extension",
    "--locked",
    "--path",
    "--proxy-headers",
    "--release",
    "--request",
];

#[test]
fn variables_of_images_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let help = printed(&["--help"]);
    for name in ["Dockerfile", "examples/compose/compose.yaml"] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        let named: Vec<_> = words.filter(|word| word.starts_with("KONG_")).collect();
        assert!(!named.is_empty(), "{name} sets nothing");
        for word in named {
            assert!(help.contains(&format!("[env: {word}")), "{name}: {word}");
        }
    }
}

#[test]
fn flags_and_variables_that_the_pages_name_are_there() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut help = printed(&["--help"]);
    for command in COMMANDS {
        help += &printed(&[command, "--help"]);
    }
    let mut unknown = Vec::new();
    for page in
        ["debugging", "from-kong", "from-openresty", "gateway", "in-front", "writing-functions"]
    {
        let text = fs::read_to_string(docs.join(page).with_extension("md")).unwrap();
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        for word in text.split(|c| !is_of_name(c)) {
            let is_flag = word.len() > 3 && word.starts_with("--") && !word.starts_with("---");
            let is_variable = word.starts_with("KONG_") && !word.ends_with('_');
            if (is_flag || is_variable) && !OTHERS.contains(&word) && !help.contains(word) {
                unknown.push(format!("{page}: {word}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}
