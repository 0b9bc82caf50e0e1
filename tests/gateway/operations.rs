//! What operators do: reload, stop, look at logs and numbers.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, Start, echo_upstream, kong_yml, unused_addr, with_plugins};

fn saying(addr: std::net::SocketAddr, text: &str) -> String {
    let exit = json!({ "access": [format!("kong.response.exit(200, '{text}')")] });
    with_plugins(addr, &[("pre-function", exit)])
}

#[tokio::test]
async fn a_hangup_reloads_the_file() {
    let addr = unused_addr();
    let gateway = Gateway::of_file(&saying(addr, "one"));
    assert_eq!(gateway.get("/").send().await.text(), "one");
    assert!(gateway.reload(&saying(addr, "two")));
    assert_eq!(gateway.get("/").send().await.text(), "two");
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_nothing() {
    let addr = unused_addr();
    let gateway = Gateway::of_file(&saying(addr, "one"));
    assert!(!gateway.reload("_format_version: '3.0'\nservices: ["));
    assert!(!gateway.reload(&saying(addr, "' .. if")));
    assert_eq!(gateway.get("/").send().await.text(), "one");
}

#[tokio::test]
async fn a_function_that_has_not_changed_keeps_its_variables() {
    let addr = unused_addr();
    let file = |other: &str| {
        let count = json!({ "access": [
            "return function() count = (count or 0) + 1 kong.ctx.shared.count = count end",
        ] });
        let say = json!({ "access": [
            format!("kong.response.exit(200, '{other} ' .. (kong.ctx.shared.count or 'none'))"),
        ] });
        with_plugins(addr, &[("pre-function", count), ("post-function", say)])
    };
    let gateway = Start::of_file(&file("a")).arg("--workers").arg("1").serving();
    gateway.get("/").send().await;
    assert_eq!(gateway.get("/").send().await.text(), "a 2");
    assert!(gateway.reload(&file("b")));
    assert_eq!(gateway.get("/").send().await.text(), "b 3");
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let mut gateway = Gateway::of_file(&saying(unused_addr(), "hello"));
    let mut idle = TcpStream::connect(gateway.proxy).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut seen = [0; 1024];
    assert!(idle.read(&mut seen).await.unwrap() > 0);
    gateway.terminate();
    assert!(gateway.ended().success());
}

#[tokio::test]
async fn requests_that_take_too_long_are_given_up_in_the_end() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let file = kong_yml(silent.local_addr().unwrap(), &json!({}), &json!({}));
    let mut gateway = Start::of_file(&file).arg("--shutdown-timeout").arg("1").serving();
    let reply = tokio::spawn(gateway.get("/").try_send());
    let _held = silent.accept().await.unwrap();
    gateway.terminate();
    gateway.logged("requests were still in flight");
    assert!(gateway.ended().success());
    assert!(reply.await.unwrap().is_err());
}

#[tokio::test]
async fn timers_are_told_of_the_end_and_waited_for() {
    let source = "ngx.timer.at(3600, function(premature)
        ngx.sleep(0.05)
        kong.log.err('premature: ', premature)
      end)
      kong.response.exit(200)";
    let start = json!({ "access": [source] });
    let mut gateway = Gateway::of_file(&with_plugins(unused_addr(), &[("pre-function", start)]));
    assert_eq!(gateway.get("/").send().await.status, 200);
    gateway.terminate();
    gateway.logged("premature: true");
    assert!(gateway.ended().success());
}

#[tokio::test]
async fn each_request_is_a_line_of_the_access_log() {
    let file = kong_yml(echo_upstream().await, &json!({}), &json!({}));
    let gateway = Gateway::of_file(&file);
    let reply = gateway.get("/shop?x=1").header("user-agent", "a \"browser\"").send().await;
    let line = gateway.logged("access");
    for part in [
        "127.0.0.1 \"GET /shop?x=1 HTTP/1.1\" 200 ",
        r#""a \"browser\"""#,
        reply.header("x-kong-request-id"),
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    gateway.get("/shop?x=2").http2().send().await;
    let line = gateway.logged("access");
    assert!(line.contains("127.0.0.1 \"GET /shop?x=2 HTTP/2.0\" 200 "), "{line}");
}

#[tokio::test]
async fn the_access_log_can_be_off_and_the_log_json() {
    let fails = json!({ "access": ["error('on purpose')"] });
    let file = with_plugins(unused_addr(), &[("pre-function", fails)]);
    let gateway = Start::of_file(&file)
        .env("KONG_PROXY_ACCESS_LOG", "off")
        .arg("--log-format")
        .arg("json")
        .serving();
    assert_eq!(gateway.get("/").send().await.status, 500);
    assert_eq!(gateway.get("/").send().await.status, 500);
    let line = gateway.logged("on purpose");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["level"], "ERROR");
    // The next line is of the second request: nothing was written between.
    gateway.terminate();
    let next = gateway.logged_until("shutting down");
    assert!(!next.contains("\"target\":\"access\""), "{next}");
}

#[tokio::test]
async fn a_line_of_the_access_log_in_json_has_fields() {
    let file = kong_yml(echo_upstream().await, &json!({}), &json!({}));
    let gateway = Start::of_file(&file).arg("--log-format").arg("json").serving();
    let reply = gateway.call(http::Method::POST, "/shop?x=1").send().await;
    let line = gateway.logged("\"target\":\"access\"");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    let fields = &event["fields"];
    assert_eq!(fields["method"], "POST");
    assert_eq!(fields["path"], "/shop?x=1");
    assert_eq!(fields["status"], 200);
    assert_eq!(fields["bytes"], reply.body.len());
    assert_eq!(fields["request_id"], reply.header("x-kong-request-id"));
    assert_eq!(fields["client"], "127.0.0.1");
    for name in ["latency_ms", "gateway_latency_ms", "service_latency_ms"] {
        assert!(fields[name].is_u64(), "{name}: {line}");
    }
    assert!(fields["service"].is_string() && fields["route"].is_string(), "{line}");
}

#[tokio::test]
async fn several_workers_share_an_address() {
    let file = saying(unused_addr(), "hello");
    let gateway = Start::of_file(&file).env("KONG_NGINX_WORKER_PROCESSES", "4").serving();
    for _ in 0..40 {
        assert_eq!(gateway.get("/").send().await.text(), "hello");
    }
    assert_eq!(gateway.admin("/status").send().await.json()["server"]["total_requests"], 40);
}

#[tokio::test]
async fn a_port_of_another_gateway_is_not_shared() {
    let first = Gateway::of_file(&saying(unused_addr(), "first"));
    let addr = first.proxy.to_string();
    let start = Start::of_file("_format_version: \"3.0\"").arg("--workers").arg("2");
    let (code, said) = start.arg("--proxy-listen").arg(&addr).ending();
    assert!(code == 1 && said.contains(&format!("cannot listen on '{addr}'")), "{said}");
}

#[tokio::test]
async fn a_worker_has_no_more_connections_than_it_may() {
    let file = saying(unused_addr(), "hello");
    let gateway = Start::of_file(&file)
        .arg("--workers")
        .arg("1")
        .arg("--worker-connections")
        .arg("1")
        .serving();
    let held = TcpStream::connect(gateway.proxy).await.unwrap();
    let waiting = tokio::spawn(gateway.get("/").send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    drop(held);
    assert_eq!(waiting.await.unwrap().text(), "hello");
}

#[test]
fn flags_of_addresses_are_kongs() {
    let refusal =
        |listen: &str| Start::new().arg("--demo").arg("--proxy-listen").arg(listen).ending();
    let (code, said) = refusal("127.0.0.1:0 fast");
    assert!(code == 1 && said.contains("unknown flag 'fast'"), "{said}");
    let (code, said) = refusal("127.0.0.1:0 backlog=many");
    assert!(code == 1 && said.contains("'many' is not a backlog"), "{said}");
}

#[tokio::test]
async fn modules_that_were_edited_are_loaded_again_by_all_workers_or_by_none() {
    let say = json!({ "access": ["kong.response.exit(200, require('greeting').text)"] });
    let file = with_plugins(unused_addr(), &[("pre-function", say)]);
    let start = Start::of_file(&file);
    let modules = start.directory().to_owned();
    let greet = |text: &str| std::fs::write(modules.join("greeting.lua"), text).unwrap();
    greet("return { text = 'one' }");
    let gateway = start
        .arg("--workers")
        .arg("2")
        .arg("--lua-module-path")
        .arg(&modules)
        .arg("--untrusted-lua-sandbox-requires")
        .arg("greeting")
        .serving();
    let said_by_all = async || {
        let mut said = std::collections::BTreeSet::new();
        for _ in 0..16 {
            said.insert(gateway.get("/").send().await.text());
        }
        said.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(said_by_all().await, ["one"]);
    greet("return { text = 'two' ");
    assert!(!gateway.reload(&file));
    assert_eq!(said_by_all().await, ["one"]);
    greet("return { text = 'three' }");
    assert!(gateway.reload(&file));
    assert_eq!(said_by_all().await, ["three"]);
}
