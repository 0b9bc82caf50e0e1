//! Flags, the environment, the log, and the end.

use std::process::Command;

use axum::Router;
use axum::routing::get;
use http::Method;
use tokio::sync::mpsc;

use crate::support::{Call, Gateway, Start, gateway_path, serve};

/// A declarative file in which `source` answers at `/`.
fn answering(source: &str) -> String {
    let source = source.replace('\n', " ").replace('\'', "''");
    format!(
        r#"
_format_version: "3.0"
services:
  - name: answering
    url: http://127.0.0.1:1
    routes: [{{ paths: [/] }}]
    plugins:
      - name: pre-function
        config: {{ access: ['{source}'] }}
"#
    )
}

/// What the gateway says when it does not start.
fn refusal(start: Start) -> String {
    let (code, said) = start.ending();
    assert_ne!(code, 0, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn help_names_each_flag_and_its_variable() {
    let (code, said) = Start::new().arg("--help").ending();
    assert_eq!(code, 0);
    for name in [
        "--proxy-listen",
        "KONG_PROXY_LISTEN",
        "--admin-listen",
        "KONG_ADMIN_LISTEN",
        "--declarative-config",
        "KONG_DECLARATIVE_CONFIG",
        "--database",
        "KONG_DATABASE",
        "--trusted-ips",
        "KONG_TRUSTED_IPS",
        "--real-ip-header",
        "KONG_REAL_IP_HEADER",
        "--untrusted-lua",
        "KONG_UNTRUSTED_LUA",
        "--shared-dict",
        "KONG_NGINX_HTTP_LUA_SHARED_DICT",
        "--log-file",
        "--demo",
    ] {
        assert!(said.contains(name), "{name} is missing:\n{said}");
    }
}

#[test]
fn a_database_and_what_is_served_without_one_exclude_each_other() {
    let database = |start: Start| refusal(start.arg("--database").arg("sqlite:gateway.db"));
    let said = database(Start::new().arg("--demo"));
    assert!(said.contains("--demo and --database exclude each other"), "{said}");
    let said = database(Start::of_file(&answering("ngx.say(1)")));
    assert!(said.contains("--declarative-config goes with --database off"), "{said}");
}

#[test]
fn a_file_and_the_demonstration_exclude_each_other() {
    let said = refusal(Start::of_file(&answering("ngx.say(1)")).arg("--demo"));
    assert!(said.contains("--demo and --declarative-config exclude each other"), "{said}");
}

#[test]
fn an_unknown_flag_is_refused() {
    let said = refusal(Start::new().arg("--proxy-port"));
    assert!(said.contains("unexpected argument '--proxy-port'"), "{said}");
}

#[test]
fn an_address_that_is_none_is_named() {
    let said = refusal(Start::new().arg("--demo").arg("--proxy-listen").arg("everywhere"));
    assert!(said.contains("cannot listen on 'everywhere'"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named_with_what_names_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for flag in ["--proxy-listen", "--admin-listen", "--gui-listen"] {
        let said = refusal(Start::new().arg("--demo").arg(flag).arg(&addr));
        assert!(said.contains(&format!("cannot listen on '{addr}'")), "{said}");
        assert!(said.ends_with(&format!("; {flag} names another address")), "{said}");
    }
}

#[test]
fn who_reads_no_further_is_no_failure() {
    let project = Start::new();
    project.file("one_spec.lua", "it('is', function() end)");
    let spec = project.file("two_spec.lua", "it('is not', function() error('here') end)");
    let commands: [(&[&str], i32); 7] = [
        (&["init", "."], 0),
        (&["types"], 0),
        (&["check", "."], 0),
        (&["test", "one_spec.lua"], 0),
        (&["test", spec.to_str().unwrap()], 1),
        (&["try", "functions/hello.lua"], 0),
        (&["man"], 0),
    ];
    for (arguments, code) in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut gateway = Command::new(gateway_path());
        gateway.args(arguments).current_dir(project.directory()).stdout(writer);
        let output = gateway.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn a_trusted_address_that_is_none_is_named() {
    let said = refusal(Start::new().arg("--demo").arg("--trusted-ips").arg("10.0.0.0/8,proxy"));
    assert!(said.contains("proxy"), "{said}");
}

#[test]
fn a_mode_that_there_is_not_is_answered_with_those_that_there_are() {
    let said = refusal(Start::new().arg("--demo").arg("--untrusted-lua").arg("maybe"));
    assert!(said.contains("expected 'off', 'sandbox' or 'on'"), "{said}");
}

#[test]
fn a_level_of_the_log_that_there_is_not_is_answered_with_those_that_there_are() {
    for level in ["loud", "info,loud", ""] {
        let said = refusal(Start::new().arg("--demo").arg("--log-level").arg(level));
        assert!(said.contains("expected one of trace, debug, info, notice, warn"), "{said}");
    }
    for level in ["crit", "INFO", "info,hyper=warn"] {
        let start = Start::new().arg("--proxy-listen").arg("nowhere").arg("--log-level").arg(level);
        assert!(refusal(start).contains("cannot listen on 'nowhere'"), "{level}");
    }
}

#[test]
fn a_gateway_that_would_serve_nothing_does_not_start() {
    let off = Start::new().arg("--proxy-listen").arg("off").arg("--admin-listen").arg("off");
    assert!(refusal(off).contains("leave nothing to serve"));
}

#[test]
fn a_log_file_that_cannot_be_written_is_named() {
    let said = refusal(Start::new().arg("--demo").arg("--log-file").arg("/nowhere/gateway.log"));
    assert!(said.contains("/nowhere/gateway.log"), "{said}");
}

#[test]
fn a_dictionary_without_a_size_is_refused() {
    for dict in ["counts", "counts=", "counts=ten", "=10m", "counts=99999999999g"] {
        let said = refusal(Start::new().arg("--demo").arg("--shared-dict").arg(dict));
        assert!(said.contains("expected a name and a size, as in counts=10m"), "{dict}: {said}");
    }
}

#[test]
fn a_number_that_is_none_is_answered_with_those_that_would_be() {
    for (flag, values, expected) in [
        ("--pg-port", ["x", "0", "65536", "-1"], "expected a number from 1 to 65535"),
        ("--worker-connections", ["x", "0", "1.5", "-1"], "expected a number from 1 to 1048576"),
        ("--shutdown-timeout", ["x", "", "1.5", "-1"], "expected a number from 0 to 86400"),
        ("--workers", ["x", "0", "1025", "-1"], "expected 'auto' or a number from 1 to 1024"),
        ("--client-body-buffer-size", ["x", "8kb", "1.5m", "-1"], "expected a size, as in 128m"),
        ("--mem-cache-size", ["x", "m", "99999999999g", "-1"], "expected a size, as in 128m"),
    ] {
        for value in values {
            let said = refusal(Start::new().arg("--demo").arg(flag).arg(value));
            let named = format!("'{value}' for '{flag} <");
            assert!(said.contains(&named) || value.is_empty(), "{flag} {value}: {said}");
            assert!(said.contains(flag) && said.contains(expected), "{flag} {value}: {said}");
        }
    }
    let said = refusal(Start::new().env("KONG_PG_PORT", "x"));
    assert!(said.contains("--pg-port") && said.contains("from 1 to 65535"), "{said}");
}

#[tokio::test]
async fn functions_share_the_dictionaries_that_are_named() {
    let start = Start::of_file(&answering(
        "return kong.response.exit(200, ngx.shared.a:capacity() .. \" \" .. ngx.shared.b:incr(\"n\", 1, 0))",
    ));
    let gateway =
        start.arg("--shared-dict").arg("a=64k").arg("--shared-dict").arg("b 1M").serving();
    assert_eq!(gateway.get("/").send().await.text(), "65536 1");
    assert_eq!(gateway.get("/").send().await.text(), "65536 2");
}

#[tokio::test]
async fn the_environment_says_what_flags_say() {
    let start = Start::new();
    let file = start.file(
        "kong.yml",
        &answering("return kong.response.exit(200, kong.request.get_forwarded_host())"),
    );
    let gateway = start
        .env("KONG_DECLARATIVE_CONFIG", &file.to_string_lossy())
        .env("KONG_TRUSTED_IPS", "10.0.0.0/8, 127.0.0.1")
        .serving();
    let reply = gateway.get("/").header("x-forwarded-host", "shop.example").send().await;
    assert_eq!(reply.text(), "shop.example");
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_not_believed() {
    let gateway = Gateway::of_file(&answering(
        "return kong.response.exit(200, kong.request.get_forwarded_host())",
    ));
    let reply = gateway.get("/").header("x-forwarded-host", "shop.example").send().await;
    assert_eq!(reply.text(), "127.0.0.1");
}

#[tokio::test]
async fn functions_are_sandboxed_until_they_are_trusted() {
    let file = answering("return kong.response.exit(200, type(os.getenv) .. type(setmetatable))");
    let reply = Gateway::of_file(&file).get("/").send().await;
    assert_eq!(reply.text(), "nilnil");
    let gateway = Start::of_file(&file).arg("--untrusted-lua").arg("on").serving();
    assert_eq!(gateway.get("/").send().await.text(), "functionfunction");
}

#[test]
fn where_lua_is_off_a_file_with_functions_is_refused() {
    let start = Start::of_file(&answering("ngx.say(1)")).arg("--untrusted-lua").arg("off");
    let said = refusal(start);
    assert!(said.contains("untrusted_lua"), "{said}");
}

#[tokio::test]
async fn modules_from_a_directory_are_required_by_name() {
    let start = Start::of_file(&answering(
        r#"return kong.response.exit(200, require("greeting").to(ngx.var.arg_name))"#,
    ));
    start.file("greeting.lua", "return { to = function(name) return 'hello ' .. name end }");
    let directory = start.directory().to_owned();
    let gateway = start
        .arg("--lua-module-path")
        .arg(directory)
        .arg("--untrusted-lua-sandbox-requires")
        .arg("greeting")
        .serving();
    assert_eq!(gateway.get("/?name=lua").send().await.text(), "hello lua");
}

#[tokio::test]
async fn functions_that_are_trusted_require_what_they_like() {
    let start = Start::of_file(&answering(
        r#"return kong.response.exit(200, require("greeting") .. tostring(require("ngx") == ngx))"#,
    ));
    let directory = start.directory().to_owned();
    start.file("greeting.lua", "return 'hello '");
    let start = start.arg("--untrusted-lua").arg("on").arg("--lua-module-path").arg(directory);
    assert_eq!(start.serving().get("/").send().await.text(), "hello true");
}

#[tokio::test]
async fn safe_modules_are_there_unless_the_operator_says_no() {
    let file = answering(
        r#"return kong.response.exit(200, tostring(select(2, pcall(require, "resty.sha256"))))"#,
    );
    let reply = Gateway::of_file(&file).get("/").send().await;
    assert!(reply.text().starts_with("table: "), "{}", reply.text());
    let start = Start::of_file(&file).arg("--untrusted-lua-safe-modules").arg("off");
    let reply = start.serving().get("/").send().await;
    assert_eq!(reply.text(), "require 'resty.sha256' not allowed within sandbox");
    let start = Start::of_file(&file).arg("--untrusted-lua-safe-modules").arg("some");
    assert!(refusal(start).contains("expected 'on' or 'off'"));
}

#[tokio::test]
async fn functions_read_the_variables_that_are_named() {
    let file = answering(
        r#"return kong.response.exit(200, os.getenv("REGION") .. tostring(os.getenv("SECRET")))"#,
    );
    let gateway = Start::of_file(&file)
        .env("REGION", "north")
        .env("SECRET", "hidden")
        .arg("--untrusted-lua-env")
        .arg("API_KEY,REGION")
        .serving();
    assert_eq!(gateway.get("/").send().await.text(), "northnil");
}

#[tokio::test]
async fn the_cache_has_the_size_that_is_said() {
    let file = answering(
        r#"return kong.response.exit(200, tostring(kong.cache:safe_set("k", ("x"):rep(2000))))"#,
    );
    let small = Start::of_file(&file).arg("--mem-cache-size").arg("2k").serving();
    assert_eq!(small.get("/").send().await.text(), "nil");
    let large = Start::of_file(&file).arg("--mem-cache-size").arg("3K").serving();
    assert_eq!(large.get("/").send().await.text(), "true");
    for size in ["", "k", "1km", "-1", "99999999999g"] {
        let start = Start::of_file(&file).arg(format!("--mem-cache-size={size}"));
        assert!(refusal(start).contains("expected a size, as in 128m"), "{size}");
    }
}

#[tokio::test]
async fn globals_that_are_allowed_are_seen() {
    let file = answering("return kong.response.exit(200, type(setmetatable) .. type(rawget))");
    let gateway = Start::of_file(&file)
        .arg("--untrusted-lua-sandbox-environment")
        .arg("setmetatable")
        .serving();
    assert_eq!(gateway.get("/").send().await.text(), "functionnil");
}

#[tokio::test]
async fn the_body_buffer_has_the_size_that_is_said() {
    let file = answering(
        "local body, err = kong.request.get_raw_body()
         return kong.response.exit(200, body or err)",
    );
    let gateway = Start::of_file(&file).arg("--client-body-buffer-size").arg("10").serving();
    let send = |body: &'static str| gateway.call(Method::POST, "/").body(body).send();
    assert_eq!(send("ten bytes!").await.text(), "ten bytes!");
    assert!(send("eleven byte").await.text().contains("did not fit into client body buffer"));
    let start = Start::of_file(&file);
    let gateway = start.env("KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE", "8k").serving();
    let send = |length| gateway.call(Method::POST, "/").body("x".repeat(length)).send();
    assert_eq!(send(8192).await.text().len(), 8192);
    assert!(send(8193).await.text().contains("did not fit into client body buffer"));
}

#[tokio::test]
async fn the_log_names_function_phase_and_line() {
    let gateway = Gateway::of_file(&answering(r#"error("no such luck")"#));
    assert_eq!(gateway.get("/").send().await.status, 500);
    let line = gateway.logged("no such luck");
    assert!(line.contains("ERROR") && line.contains("access") && line.contains(":1:"), "{line}");
}

#[tokio::test]
async fn the_log_has_the_level_that_is_said() {
    let file = answering(
        r#"kong.log.debug("hidden") kong.log.notice("shown") return kong.response.exit(204)"#,
    );
    let quiet = Gateway::of_file(&file);
    quiet.get("/").send().await;
    let first = quiet.logged("[pre-function]");
    assert!(first.contains("shown"), "{first}");
    let debugging = Start::of_file(&file).env("KONG_LOG_LEVEL", "debug").serving();
    debugging.get("/").send().await;
    debugging.logged("hidden");
}

#[tokio::test]
async fn the_log_goes_to_a_file_that_is_named() {
    let start = Start::of_file(&answering("error('into the file')"));
    let log = start.directory().join("gateway.log");
    let mut process = start.arg("--log-file").arg(&log).spawned();
    let listens = process.reads(&log, "proxy listens on");
    let addr = listens.rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(Call::new(addr, Method::GET, "/").send().await.status, 500);
    process.reads(&log, "into the file");
}

#[cfg(unix)]
#[tokio::test]
async fn a_gateway_that_is_told_to_stop_finishes_what_it_serves() {
    let (arrived, mut arrivals) = mpsc::channel(1);
    let (proceed, may_proceed) = tokio::sync::watch::channel(false);
    let app = Router::new().route(
        "/",
        get(async move || {
            arrived.send(()).await.unwrap();
            may_proceed.clone().wait_for(|may| *may).await.unwrap();
            "served to the end"
        }),
    );
    let upstream = serve(app).await;
    let mut gateway = Gateway::of_file(&format!(
        r#"{{"_format_version": "3.0", "services": [
            {{"url": "http://{upstream}", "routes": [{{"paths": ["/"]}}]}}
        ]}}"#
    ));
    let reply = tokio::spawn(gateway.get("/").send());
    arrivals.recv().await.unwrap();
    gateway.terminate();
    gateway.logged("shutting down");
    proceed.send(true).unwrap();
    assert_eq!(reply.await.unwrap().text(), "served to the end");
    assert!(gateway.ended().success());
}
