//! `gateway check`: functions are looked at before they run.

use std::path::Path;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Start, shop};

/// What is said of a file of Lua, and with which exit status.
fn said_of(source: &str, arguments: &[&str]) -> (i32, String) {
    let start = Start::new();
    let file = start.file("function.lua", source);
    let start = arguments.iter().fold(start.arg("check"), Start::arg);
    let (code, said) = start.arg(&file).ending();
    assert!(!said.contains("panicked"), "{said}");
    (code, said.replace(&format!("{}:", file.display()), ""))
}

/// Asserts that each source, in a phase, leads to the error beside it, at a line and column.
fn assert_errors(cases: &[(&str, &str, &str)]) {
    for (phase, source, expected) in cases {
        let (code, said) = said_of(source, &["--phase", phase]);
        assert!(said.contains(expected), "{source}: expected {expected}, got {said}");
        assert_eq!(code, 1, "{source}: {said}");
    }
}

/// Asserts that nothing is said of these, in a phase.
fn assert_silent(phase: &str, sources: &[&str]) {
    for source in sources {
        let (code, said) = said_of(source, &["--phase", phase]);
        assert_eq!((code, said.as_str()), (0, "1 function: 0 errors, 0 warnings"), "{source}");
    }
}

#[test]
fn what_lua_does_not_take_is_told_of_with_its_line() {
    assert_errors(&[
        ("access", "local a = 1\n  if a then", "2:3: error: 'end' expected near '<eof>' [syntax]"),
        ("access", "this is not lua", "1:1: error: '=' expected near 'is' [syntax]"),
        ("access", "@functions/auth.lua", "the name of a file"),
    ]);
}

#[test]
fn names_that_there_are_not_are_told_of_with_those_that_there_are() {
    // Those that users of Kong have called, and that never were.
    assert_errors(&[
        (
            "access",
            "\n  kong.request.set_raw_body('a')",
            "2:16: error: there is no `kong.request.set_raw_body`: it is nil [unknown-name]\n    \
             did you mean `kong.service.request.set_raw_body`",
        ),
        (
            "body_filter",
            "kong.service.response.set_raw_body('a')",
            "did you mean `kong.response.set_raw_body`",
        ),
        ("access", "kong.response.set_body('a')", "did you mean `kong.service.request.set_body`"),
        ("access", "kong.response.send(200)", "there is no `kong.response.send`"),
        ("access", "kong.request.get_heder('a')", "did you mean `kong.request.get_header`?"),
        ("access", "ngx.re.macth('a', 'b')", "did you mean `ngx.re.match`?"),
        ("access", "local r = kong.request r.get_pat()", "did you mean `r.get_path`?"),
        ("access", "ngx.shared.counters:inc('a', 1)", "did you mean `ngx.shared.counters.incr`?"),
        (
            "access",
            "local http = require 'resty.http' local c = http.new() c:requst_uri('a')",
            "did you mean `c.request_uri`?",
        ),
        ("access", "kog.log('a')", "did you mean `kong`?"),
        ("access", "undefined()", "1:1: error: there is no variable `undefined`"),
        ("access", "string.fromat('a')", "did you mean `string.format`?"),
    ]);
}

#[test]
fn a_name_that_is_only_asked_for_may_be_missing() {
    let (code, said) = said_of("if kong.dns or DEBUG then kong.log('a') end", &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("warning: there is no `kong.dns`"), "{said}");
    assert!(said.contains("warning: there is no variable `DEBUG`"), "{said}");
    assert!(said.contains("1 function: 0 errors, 2 warnings"), "{said}");
}

#[test]
fn what_a_phase_refuses_is_told_of() {
    assert_errors(&[
        (
            "log",
            "kong.response.set_header('a', 'b')",
            "`kong.response.set_header` cannot be used in log: it raises an error there [phase]\n    \
             it is for rewrite, access, header_filter",
        ),
        ("header_filter", "kong.request.get_raw_body()", "cannot be used in header_filter"),
        ("access", "ngx.arg[1] = 'a'", "`ngx.arg` cannot be used in access"),
        ("access", "if ngx.arg[2] then kong.log(1) end", "`ngx.arg` cannot be used in access"),
        ("body_filter", "ngx.say('a')", "`ngx.say` cannot be used in body_filter"),
        ("log", "local exit = kong.response.exit exit(200)", "`kong.response.exit` cannot"),
        (
            "access",
            "ngx.timer.at(0, function() kong.request.get_path() end)",
            "`kong.request.get_path` cannot be used in timer",
        ),
        ("access", "pcall(function() kong.service.request.enable_tls() end)", "no function has"),
    ]);
    assert_silent(
        "access",
        &[
            "kong.service.request.set_header('a', 'b')",
            "local function later() kong.log(1) end ngx.timer.at(0, later)",
            "pcall(kong.response.get_status)",
        ],
    );
}

#[test]
fn without_a_phase_nothing_is_said_of_phases() {
    let (code, said) = said_of("ngx.arg[1] = kong.request.get_raw_body()", &[]);
    assert_eq!((code, said.as_str()), (0, "1 function: 0 errors, 0 warnings"));
}

#[test]
fn what_the_sandbox_denies_is_told_of() {
    assert_errors(&[
        ("access", "local ffi = require 'ffi'", "require 'ffi' is not allowed within the sandbox"),
        ("access", "local io = require('io')", "`io` is a global variable"),
        ("access", "local j = require 'cjsn'", "did you mean `cjson`?"),
        (
            "access",
            "local m = require 'acme.headers'",
            "--untrusted-lua-sandbox-requires acme.headers",
        ),
        ("access", "io.open('/etc/passwd')", "--untrusted-lua-sandbox-environment io.open"),
        ("access", "os.getenv('HOME')", "--untrusted-lua-env"),
        ("access", "setmetatable({}, {})", "`setmetatable` is not in the sandbox"),
        ("access", "require('resty.mysql'):new()", "require 'resty.mysql' is not allowed"),
    ]);
}

#[test]
fn dictionaries_that_nobody_has_declared_are_told_of() {
    let source = "local counts = ngx.shared.counts\nreturn counts and ngx.shared['hits']:get('a')";
    let (code, said) = said_of(source, &["--phase", "access"]);
    let expected =
        "1:27: warning: no dictionary `counts` has been declared: it is nil [dictionary]";
    assert!(code == 0 && said.contains(expected), "{said}");
    assert!(said.contains("the operator declares it, here too: --shared-dict counts=1m"), "{said}");
    assert!(said.contains("no dictionary `hits`") && said.ends_with("2 warnings"), "{said}");
    let start =
        Start::new().arg("--shared-dict").arg("counts=1m").arg("--shared-dict").arg("hits=1m");
    let file = start.file("function.lua", source);
    let (code, said) = start.arg("check").arg(file).ending();
    assert_eq!((code, said.as_str()), (0, "1 function: 0 errors, 0 warnings"));
}

#[test]
fn what_the_operator_allows_is_allowed() {
    let source = "local m = require 'acme.headers' io.open(os.getenv('FILE')) setmetatable({}, m)";
    let allowed = [
        "--untrusted-lua-sandbox-requires",
        "acme.headers",
        "--untrusted-lua-sandbox-environment",
        "io.open,setmetatable",
        "--untrusted-lua-env",
        "FILE",
    ];
    for arguments in [&allowed[..], &["--untrusted-lua", "on"]] {
        let start = arguments.iter().fold(Start::new(), Start::arg);
        let file = start.file("function.lua", source);
        let (code, said) = start.arg("check").arg(file).ending();
        assert_eq!((code, said.as_str()), (0, "1 function: 0 errors, 0 warnings"));
    }
    let start = Start::new().arg("--untrusted-lua-network").arg("off");
    let file = start.file("function.lua", "require('resty.http').new()");
    let (code, said) = start.arg("check").arg(file).ending();
    assert!(code == 1 && said.contains("require 'resty.http' is not allowed"), "{said}");
}

#[test]
fn variables_that_stay_are_told_of() {
    let (code, said) = said_of("count = (count or 0) + 1\nfunction helper() end\nhelper()", &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1:1: warning: `count` is a global variable"), "{said}");
    assert!(said.contains("2:10: warning: `helper` is a global variable"), "{said}");
    assert_silent(
        "access",
        &["local count = 1 count = count + 1", "for i = 1, 2 do i = i + 1 end"],
    );
}

#[test]
fn numbers_are_not_texts() {
    assert_errors(&[
        (
            "log",
            "if kong.response.get_status() == '200' then kong.log('a') end",
            "1:31: error: what `kong.response.get_status` gives, a number, is compared with the text \
             \"200\": this is never true [number-compared-with-text]\n    \
             compare it with the number 200, without quotes",
        ),
        ("log", "local s = ngx.status return s ~= '404'", "this is always true"),
        ("access", "return '8080' == kong.request.get_port()", "the number 8080"),
        ("access", "return ngx.time() > '0'", "this raises an error"),
        ("access", "return tonumber(kong.request.get_header('a')) == '1'", "this is never true"),
    ]);
    assert_silent(
        "access",
        &[
            "return kong.request.get_port() == 8080",
            "local s = ngx.status s = 'a' return s == 'a'",
            "return kong.request.get_header('a') == '1'",
        ],
    );
}

#[test]
fn a_dot_in_place_of_a_colon_is_told_of() {
    assert_errors(&[
        ("access", "kong.cache.get('key')", "write `kong.cache:get(…)`"),
        ("access", "ngx.shared.counters.incr('a', 1)", "write `ngx.shared.counters:incr(…)`"),
    ]);
    assert_silent("access", &["kong.cache:get('key')", "kong.cache.get(kong.cache, 'key')"]);
}

#[test]
fn a_line_can_be_left_out() {
    assert_silent("access", &["count = 1 -- check:ignore: it is meant to stay"]);
}

/// A declarative file with functions.
fn declaration(functions: &str) -> String {
    format!("_format_version: \"3.0\"\nplugins:\n  - name: pre-function\n    config:\n{functions}")
}

#[test]
fn a_declarative_file_says_the_phase_and_the_line_is_its_own() {
    let start = Start::new();
    let functions = "      log:\n        - |\n          local a = 1\n          ngx.say(a)\n        \
                     - ngx.say(2)\n";
    let file = start.file("kong.yml", &declaration(functions));
    let (code, said) = start.arg("check").arg(&file).ending();
    let place = |place: &str| format!("{}:{place}: error: `ngx.say` cannot", file.display());
    assert_eq!(code, 1);
    assert!(said.contains(&place("8:15")), "{said}");
    assert!(said.contains(&place("9:15")), "{said}");
    assert!(said.contains("2 functions: 2 errors, 0 warnings"), "{said}");
}

#[test]
fn a_body_that_is_changed_needs_another_length() {
    let check = |functions: &str| {
        let start = Start::new();
        let file = start.file("kong.yml", &declaration(functions));
        start.arg("check").arg(file).ending()
    };
    for change in ["ngx.arg[1] = 'a'", "kong.response.set_raw_body('a')"] {
        let body = format!("      body_filter: [\"{change}\"]\n");
        let (code, said) = check(&body);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("kong.response.clear_header(\"Content-Length\")"), "{said}");
        for clear in [
            "kong.response.clear_header('content-length')",
            "ngx.header.content_length = nil",
            "ngx.header['Content-Length'] = nil",
        ] {
            let (_, said) = check(&format!("{body}      header_filter: [\"{clear}\"]\n"));
            assert_eq!(said, "2 functions: 0 errors, 0 warnings", "{clear}");
        }
    }
    let (_, said) = check("      body_filter: [\"kong.log(ngx.arg[1])\"]\n");
    assert_eq!(said, "1 function: 0 errors, 0 warnings");
}

#[test]
fn a_directory_is_gone_through() {
    let start = Start::new();
    std::fs::create_dir_all(start.directory().join("functions/deep")).unwrap();
    start.file("functions/a.lua", "kong.log(1)");
    start.file("functions/deep/b.yaml", &declaration("      log: [kong.log(2)]\n"));
    start.file("functions/readme.md", "not Lua");
    let (code, said) = start.arg("check").arg("functions").ending();
    assert_eq!((code, said.as_str()), (0, "2 functions: 0 errors, 0 warnings"));
}

#[test]
fn what_cannot_be_looked_at_is_named() {
    let (code, said) = Start::new().arg("check").arg("nowhere.lua").ending();
    assert!(code == 1 && said.contains("gateway: nowhere.lua: No such file"), "{said}");
    let start = Start::new();
    let file = start.file("notes.txt", "a");
    let (code, said) = start.arg("check").arg(file).ending();
    assert!(code == 1 && said.contains("expected a file ending in .lua, .yml"), "{said}");
    let start = Start::new();
    let file = start.file("kong.yml", "plugins: [\nservices: {");
    let (code, said) = start.arg("check").arg(file).ending();
    assert!(code == 1 && said.contains("it is neither YAML nor JSON"), "{said}");
    let (code, said) = said_of("kong.log(1)", &["--phase", "accesss"]);
    assert!(code == 2 && said.contains("header_filter"), "{said}");
    let (code, said) = Start::new().arg("check").ending();
    assert!(code == 2 && said.contains("<FILE>"), "{said}");
}

#[test]
fn findings_are_said_for_programs() {
    let source = "local s = ngx.status\nreturn s == '%'";
    let (code, said) = said_of(source, &["--format", "json"]);
    let findings: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, 1);
    assert_eq!(findings[0]["line"], 2);
    assert_eq!(findings[0]["column"], 10);
    assert_eq!(findings[0]["level"], "error");
    assert_eq!(findings[0]["rule"], "number-compared-with-text");
    let (_, said) = said_of(source, &["--format", "github"]);
    assert!(said.starts_with("::error file="), "{said}");
    assert!(said.contains(",line=2,col=10,title=number-compared-with-text::"), "{said}");
    assert!(said.contains("\"%25\"") && said.contains("%0Acompare"), "{said}");
    let (code, said) = said_of("kong.log(1)", &["--format", "json"]);
    assert_eq!((code, said.as_str()), (0, "[]"));
}

#[test]
fn hostile_sources_are_looked_at_or_left() {
    let long = |part: &str, count: usize| format!("return 1{}", part.repeat(count));
    for source in [
        long("+1", 20_000),
        long("+1", 200_000),
        format!("return {}1{}", "(".repeat(150), ")".repeat(150)),
        format!("return {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("local a = kong{}", ".a".repeat(50_000)),
        format!("kong{}", "()".repeat(20_000)),
        format!("if a then {} end", "elseif a then ".repeat(5_000)),
        format!("return {}", "{".repeat(100_000)),
        "return [==[".to_owned(),
        "\u{1b}LJ".to_owned(),
        "return '\u{7f}\u{e9}' == ngx.status -- \u{1f980}".to_owned(),
    ] {
        let (code, said) = said_of(&source, &["--phase", "access"]);
        let start: String = source.chars().take(40).collect();
        assert!(code == 0 || code == 1, "{start}: {said}");
        assert!(said.contains("1 function: "), "{start}: {said}");
    }
}

#[test]
fn the_examples_are_as_they_should_be() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/functions");
    let start = Start::new().arg("--untrusted-lua-sandbox-requires").arg("flags");
    let dictionaries = ["breakers=1m", "canary=1m", "limits=1m", "tokens=1m", "usage=1m"];
    let declare = |start: Start, dictionary: &str| start.arg("--shared-dict").arg(dictionary);
    let start = dictionaries.into_iter().fold(start, declare).arg("check");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "yml"));
    let (code, said) = files.fold(start, Start::arg).ending();
    assert_eq!(code, 0, "{said}");
    // A test puts a port in the place of one, and another forgets the length for a reason.
    assert!(said.contains("CANARY_PORT") && said.contains("envelope.yml"), "{said}");
    assert!(said.ends_with(": 0 errors, 2 warnings"), "{said}");
}

#[tokio::test]
async fn the_admin_api_says_the_same_and_refuses_nothing() {
    let gateway = shop().await;
    let plugin = |source: &str| json!({ "name": "pre-function", "config": { "log": [source] } });
    let warnings = |reply: &crate::support::Reply| {
        let values = reply.headers.get_all("warning").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let reply = gateway.post("/plugins", &plugin("ngx.say('ä')\nkong.lgo(\"ä\")")).await;
    assert_eq!(reply.status, 201);
    assert_eq!(
        warnings(&reply),
        [
            "199 gateway \"log 1, line 1, column 5: error: `ngx.say` cannot be used in log: it raises an \
             error there; it is for rewrite, access\"",
            "199 gateway \"log 1, line 2, column 6: error: there is no `kong.lgo`: it is nil; did you mean \
             `kong.log`?\"",
        ]
    );
    let path = format!("/plugins/{}", reply.json()["id"].as_str().unwrap());
    let reply = gateway.send(Method::PATCH, &path, &plugin("kong.log(1)")).await;
    assert_eq!((reply.status.as_u16(), warnings(&reply)), (200, vec![]));
    let reply = gateway.send(Method::PUT, &path, &plugin("count = 1")).await;
    assert_eq!(reply.status, 200);
    assert!(warnings(&reply)[0].contains("`count` is a global variable"), "{reply:?}");
    let reply = gateway.admin(&path).send().await;
    assert!(warnings(&reply).is_empty(), "what is only asked for is not looked at");
}

#[test]
fn functions_that_a_file_has_by_alias_are_looked_at_where_they_are_written_and_once() {
    let start = Start::new();
    let file = start.file(
        "kong.yml",
        "_functions: &auth\n  - kong.request.exit(401)\nplugins:\n\
         - { name: pre-function, config: { access: *auth } }\n\
         - { name: pre-function, config: { access: *auth } }\n",
    );
    let (code, said) = start.arg("check").arg(&file).ending();
    let at = format!("{}:2:18: error: there is no `kong.request.exit`", file.display());
    assert!(said.contains(&at), "{said}");
    assert!(said.ends_with("1 function: 1 error, 0 warnings"), "{said}");
    assert_eq!(code, 1);
}

#[test]
fn variables_of_nginx_that_cannot_be_set_are_told_of() {
    assert_errors(&[
        ("access", "ngx.var.target = 'x'", "1:9: error: `ngx.var.target` cannot be set"),
        ("access", "ngx.var.http_host = 'x'", "1:9: error: `ngx.var.http_host` cannot be set"),
        (
            "access",
            "ngx.var['uri'] = '/x'",
            "error: `ngx.var.uri` cannot be set: it fails [variable]",
        ),
    ]);
    assert_silent(
        "access",
        &[
            "ngx.var.upstream_uri = '/x'",
            "ngx.var.Upstream_Host = 'x'",
            "local name = 'target'\nngx.var[name] = 'x'",
            "kong.log(ngx.var.target)",
        ],
    );
}
