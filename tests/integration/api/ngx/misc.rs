//! `ngx.status`, `ngx.headers_sent`, `ngx.is_subrequest` and `ngx.get_phase`.

use super::assert_errors;
use crate::support::{App, Events};

/// What `expression` is worth in each phase of a proxied request; in `body_filter`, at the end.
async fn in_each_phase(expression: &str) -> Vec<String> {
    let source = format!("require('recorder')(tostring({expression}))");
    let at_end = format!("if ngx.arg[2] then {source} end");
    let app = App::builder()
        .rewrite(&source)
        .access(&source)
        .header_filter(&source)
        .body_filter(&at_end)
        .log(&source)
        .serve()
        .await;
    app.get("/").send().await;
    app.recorder.wait_for(5).await
}

#[tokio::test]
async fn a_function_knows_its_phase() {
    let names = ["rewrite", "access", "header_filter", "body_filter", "log"];
    assert_eq!(in_each_phase("ngx.get_phase()").await, names);
}

#[tokio::test]
async fn there_is_no_status_before_there_is_a_response() {
    assert_eq!(in_each_phase("ngx.status").await, ["0", "0", "200", "200", "200"]);
}

#[tokio::test]
async fn headers_are_sent_after_header_filter() {
    let sent = ["false", "false", "false", "true", "true"];
    assert_eq!(in_each_phase("ngx.headers_sent").await, sent);
}

#[tokio::test]
async fn headers_are_sent_when_a_function_has_printed() {
    let app = App::access("ngx.say(ngx.headers_sent) ngx.say(ngx.headers_sent)").await;
    assert_eq!(app.get("/").send().await.text(), "false\ntrue\n");
}

#[tokio::test]
async fn no_request_is_a_subrequest() {
    assert_eq!(in_each_phase("ngx.is_subrequest").await, ["false"; 5]);
}

#[tokio::test]
async fn header_filter_can_change_the_status() {
    for value in ["404", "'404'", "404.9"] {
        let app = App::builder().header_filter(&format!("ngx.status = {value}")).serve().await;
        assert_eq!(app.get("/").send().await.status, 404, "{value}");
    }
}

#[tokio::test]
async fn the_status_of_the_service_takes_the_place_of_what_access_has_set() {
    let app = App::access("ngx.status = 404").await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-service")), (200, "echo"));
}

#[tokio::test]
async fn what_comes_too_late_or_out_of_range_is_logged_and_ignored() {
    let events = Events::capture();
    let app = App::builder()
        .header_filter("ngx.status = 99 ngx.status = 1000")
        .body_filter("if ngx.arg[2] then ngx.status = 404 end")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 200);
    let messages = events.messages();
    let expected = [
        "invalid HTTP status code 99",
        "invalid HTTP status code 1000",
        "attempt to set ngx.status after sending out response headers",
    ];
    assert_eq!(messages.len(), expected.len(), "{messages:?}");
    assert!(messages.iter().zip(expected).all(|(seen, message)| seen.ends_with(message)));
}

#[tokio::test]
async fn a_status_is_a_whole_number_of_three_digits() {
    let events = Events::capture();
    for (value, status) in [("201.7", 201), ("'201.7'", 201), ("' 0xc9 '", 201), ("654", 654)] {
        let app = App::access(&format!("ngx.status = {value} ngx.say(ngx.status)")).await;
        let reply = app.get("/").send().await;
        assert_eq!((reply.status.as_u16(), reply.text()), (status, format!("{status}\n")));
    }
    assert!(events.messages().is_empty());
    for (value, said) in [
        ("0", "0"),
        ("-404", "-404"),
        ("'99'", "99"),
        ("99.9", "99"),
        ("0/0", "0"),
        ("1e300", "2147483647"),
        ("-1/0", "-2147483648"),
    ] {
        let app =
            App::access(&format!("ngx.status = 404 ngx.status = {value} ngx.say(ngx.status)"))
                .await;
        let reply = app.get("/").send().await;
        assert_eq!((reply.status.as_u16(), &*reply.text()), (404, "404\n"), "{value}");
        let message = events.messages().pop().unwrap();
        assert!(message.ends_with(&format!("invalid HTTP status code {said}")), "{message}");
    }
}

#[tokio::test]
async fn what_is_no_number_is_refused_as_a_status() {
    assert_errors(&[
        ("ngx.status = nil", "bad ngx.status: number expected, got nil"),
        ("ngx.status = 'ok'", "bad ngx.status: number expected, got string"),
        ("ngx.status = {}", "bad ngx.status: number expected, got table"),
    ])
    .await;
}
