//! `ngx.log` and `print`.

use super::assert_errors;
use crate::support::{App, Events};

/// The messages that `source` logs, without what stands before them.
async fn logged(source: &str) -> Vec<String> {
    let events = Events::capture();
    App::access(source).await.get("/").send().await;
    let messages = events.messages();
    let without_position =
        |message: &String| message.split_once("]:1: ").expect("a position").1.to_owned();
    messages.iter().map(without_position).collect()
}

#[tokio::test]
async fn a_line_tells_where_it_was_written() {
    let events = Events::capture();
    App::access("\nngx.log(ngx.ERR, 'trouble')").await.get("/").send().await;
    let event = &events.all()[0];
    assert_eq!(event.target, "tower_lua::log");
    assert_eq!(event.message(), r#"[lua] [string "..."]:2: trouble"#);
    let fields = ["plugin", "functions", "phase"].map(|name| event.field(name));
    assert_eq!(fields, ["pre-function", "pre", "access"]);
}

#[tokio::test]
async fn each_level_has_one_of_tracing_beside_it() {
    for (level, expected) in [
        ("STDERR", "ERROR"),
        ("EMERG", "ERROR"),
        ("ALERT", "ERROR"),
        ("CRIT", "ERROR"),
        ("ERR", "ERROR"),
        ("WARN", "WARN"),
        ("NOTICE", "INFO"),
        ("INFO", "INFO"),
        ("DEBUG", "DEBUG"),
    ] {
        let events = Events::capture();
        App::access(&format!("ngx.log(ngx.{level}, 'x')")).await.get("/").send().await;
        let event = &events.all()[0];
        assert_eq!(event.level, expected, "{level}");
        assert_eq!(event.field("level"), level.to_lowercase());
    }
}

#[tokio::test]
async fn values_stand_next_to_each_other() {
    let source = "ngx.log(ngx.ERR, 'a', 1, 1.5, nil, true, false, ngx.null) ngx.log(ngx.ERR)";
    assert_eq!(logged(source).await, ["a11.5niltruefalsenull", ""]);
}

#[tokio::test]
async fn print_writes_a_notice() {
    let events = Events::capture();
    App::access("print('hello ', nil, 5)").await.get("/").send().await;
    let event = &events.all()[0];
    assert!(event.message().ends_with(":1: hello nil5"), "{event:?}");
    assert_eq!(event.field("level"), "notice");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced() {
    assert_eq!(logged("ngx.log(ngx.ERR, 'a\\255b')").await, ["a\u{fffd}b"]);
}

#[tokio::test]
async fn a_line_has_a_length_limit() {
    let lines = logged("local s = ('ä'):rep(1e6) ngx.log(ngx.ERR, 'x', s, s, s)").await;
    assert!(lines[0].contains("ä... [60000"), "{}", lines[0]);
    assert!(lines[0].len() <= 2048);
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused() {
    // What nobody listens to is not looked at.
    let _events = Events::capture();
    assert_errors(&[
        (
            "ngx.log(ngx.ERR, 'a', {})",
            "bad argument #2 to 'log' (expected table to have __tostring metamethod)",
        ),
        (
            "ngx.log(ngx.ERR, print)",
            "bad argument #1 to 'log' (string, number, boolean, or nil expected, got function)",
        ),
        ("print({})", "bad argument #1 to 'print' (expected table to have __tostring metamethod)"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_level_is_refused() {
    assert_errors(&[
        ("ngx.log()", "bad argument #1 to 'log' (number expected, got nil)"),
        ("ngx.log('x')", "bad argument #1 to 'log' (number expected, got string)"),
        ("ngx.log(9, 'x')", "bad argument #1 to 'log' (bad log level: 9)"),
        ("ngx.log(-1, 'x')", "bad argument #1 to 'log' (bad log level: -1)"),
    ])
    .await;
}

#[tokio::test]
async fn tables_that_know_their_text_show_it() {
    let events = Events::capture();
    let source = "local t = setmetatable({}, { __tostring = function() return 'text' end })
                  print(nil, t, 1, t) ngx.log(ngx.ERR, t)";
    let app = App::builder()
        .runtime(|runtime| runtime.sandbox(tower_lua::Sandbox::new(tower_lua::UntrustedLua::On)))
        .access(source)
        .serve()
        .await;
    app.get("/").send().await;
    let messages = events.messages();
    assert!(messages[0].ends_with(":2: niltext1text"), "{messages:?}");
    assert!(messages[1].ends_with(":2: text"), "{messages:?}");
}

#[tokio::test]
async fn a_line_names_the_request_that_the_service_sees() {
    let events = Events::capture();
    let app = App::access("kong.log.err('one') ngx.log(ngx.ERR, 'two')").await;
    app.get("/").send().await;
    app.get("/").send().await;
    let ids: Vec<_> =
        events.all().iter().map(|event| event.field("request_id").to_owned()).collect();
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert!(ids[0] == ids[1] && ids[2] == ids[3] && ids[0] != ids[2], "{ids:?}");
    assert!(ids.iter().all(|id| id.len() == 32), "{ids:?}");
}
