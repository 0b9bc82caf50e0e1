//! `ngx.say`, `ngx.print`, `ngx.flush`, `ngx.eof` and `ngx.send_headers`.

use http::Method;

use super::assert_errors;
use crate::support::App;

/// What the client gets as a body when `source` prints in access.
async fn printed(source: &str) -> String {
    App::access(source).await.get("/").send().await.text()
}

#[tokio::test]
async fn values_stand_next_to_each_other_and_say_ends_the_line() {
    let source = "ngx.print('a', 1, 1.5, nil, true, false, ngx.null) ngx.say() ngx.say('b')";
    assert_eq!(printed(source).await, "a11.5niltruefalsenull\nb\n");
}

#[tokio::test]
async fn an_array_is_printed_with_its_arrays_and_holes() {
    let source = "ngx.print({'hello, ', {'world: ', true, ' or ', nil, {': ', {}, 5}}, ngx.null})";
    assert_eq!(printed(source).await, "hello, world: true or nil: 5null");
}

#[tokio::test]
async fn bytes_are_printed_as_they_are() {
    let reply = App::access("ngx.print('\\0\\255')").await.get("/").send().await;
    assert_eq!(&*reply.body, b"\0\xff");
}

#[tokio::test]
async fn printing_gives_one() {
    assert_eq!(printed("ngx.print(ngx.say('a'), ngx.print('b'))").await, "a\nb11");
}

#[tokio::test]
async fn what_cannot_be_printed_is_refused() {
    let expected = "string, number, boolean, nil, ngx.null, or array table expected";
    let function = format!("bad argument #2 to 'say' ({expected}, but got function)");
    assert_errors(&[
        ("ngx.say('a', print)", &function),
        ("ngx.print({a = 1})", "bad argument #1 to 'print' (non-array table found)"),
        ("ngx.print({[0] = 1})", "bad argument #1 to 'print' (non-array table found)"),
        ("ngx.print({[1.5] = 1})", "bad argument #1 to 'print' (non-array table found)"),
        ("ngx.print('a', {{print}})", "bad argument #2 to 'print' (bad data type function found)"),
    ])
    .await;
}

#[tokio::test]
async fn a_table_that_would_never_end_is_refused() {
    let message = "bad argument #1 to 'print' (table with too many elements found)";
    assert_errors(&[
        ("local t = {} t[1] = t ngx.print(t)", message),
        ("local t = {} t[1], t[2] = t, t ngx.print(t)", message),
        ("local t = {''} for _ = 1, 60 do t = {t, t} end ngx.print(t)", message),
        ("ngx.print({[2^50] = 'x'})", message),
        ("ngx.print({[2^40] = 'x'})", message),
    ])
    .await;
}

#[tokio::test]
async fn a_text_longer_than_a_body_may_be_is_refused() {
    let app = App::builder()
        .runtime(|runtime| runtime.max_body_size(10))
        .access(
            "local _, message = pcall(ngx.print, {'12345', {'12345'}, '1'})
             kong.response.exit(200, message)",
        )
        .serve()
        .await;
    let text = app.get("/").send().await.text();
    assert!(text.ends_with("bad argument #1 to 'print' (more than 10 bytes found)"), "{text}");
}

#[tokio::test]
async fn whoever_prints_answers_when_the_phase_ends() {
    let app = App::builder().access("ngx.say('a')").access("ngx.say('b')").serve().await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (200, "a\nb\n"));
    assert_eq!(reply.header("x-service"), "");
}

#[tokio::test]
async fn status_and_headers_are_those_set_before() {
    let app = App::access("ngx.status = 404 ngx.header.x_own = 'yes' ngx.say('Not Found')").await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-own")), (404, "yes"));
    assert_eq!(reply.text(), "Not Found\n");
}

#[tokio::test]
async fn what_is_printed_has_neither_a_length_nor_a_type() {
    let reply = App::access("ngx.print('hello')").await.get("/").send().await;
    assert_eq!(reply.header("transfer-encoding"), "chunked");
    assert!(!reply.headers.contains_key("content-length"));
    assert!(!reply.headers.contains_key("content-type"));
}

#[tokio::test]
async fn printing_nothing_answers_with_nothing() {
    let reply = App::access("ngx.print('')").await.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-service")), (200, ""));
    assert!(reply.body.is_empty());
}

#[tokio::test]
async fn head_has_no_body_to_print_to() {
    let app =
        App::access("require('recorder')(ngx.say('a')) require('recorder')(ngx.say('b'))").await;
    let reply = app.call(Method::HEAD, "/").send().await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.is_empty());
    assert_eq!(app.recorder.entries(), ["1", "nil header only"]);
}

#[tokio::test]
async fn an_error_takes_the_place_of_what_was_printed() {
    let reply = App::access("ngx.say('secret') error('boom')").await.get("/").send().await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["message"], "An unexpected error occurred");
}

#[tokio::test]
async fn a_function_cannot_print_without_end() {
    let app = App::builder()
        .access(
            r#"local count, ok, err = 0, true
            while ok do
              ok, err = pcall(ngx.print, ("x"):rep(100))
              count = count + 1
            end
            require("recorder")(count, err)"#,
        )
        .runtime(|runtime| runtime.max_body_size(1000))
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.body.len(), 1000);
    let lines = app.recorder.entries();
    assert!(lines[0].starts_with("11 ") && lines[0].ends_with("(more than 1000 bytes printed)"));
}

#[tokio::test]
async fn flush_says_whether_there_is_something_to_flush() {
    for (source, said) in [
        ("ngx.flush()", "nil nothing to flush"),
        ("ngx.flush(true)", "nil nothing to flush"),
        ("ngx.say('a'), ngx.flush()", "1 1"),
        ("ngx.say('a'), ngx.flush(true)", "1 1"),
        ("ngx.print(''), ngx.flush()", "1 nil nothing to flush"),
        ("ngx.print(''), ngx.flush(true)", "1 1"),
        ("ngx.say('a'), ngx.eof(), ngx.flush()", "1 1 nil seen eof"),
    ] {
        let app = App::access(&format!("require('recorder')({source})")).await;
        app.get("/").send().await;
        assert_eq!(app.recorder.entries(), [said], "{source}");
    }
}

#[tokio::test]
async fn head_and_http_1_0_have_nothing_to_flush() {
    let app = App::access("ngx.say('a') require('recorder')(ngx.flush())").await;
    app.call(Method::HEAD, "/").send().await;
    let answer = app.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.ends_with("\r\n\r\na\n"), "{answer}");
    assert_eq!(app.recorder.entries(), ["nil header only", "nil buffering"]);
}

#[tokio::test]
async fn after_the_end_nothing_is_printed() {
    let app = App::access(
        "ngx.say('a')
         require('recorder')(ngx.eof())
         require('recorder')(ngx.eof())
         require('recorder')(ngx.say('b'))
         require('recorder')(ngx.print('c'))
         require('recorder')('the function goes on')",
    )
    .await;
    assert_eq!(app.get("/").send().await.text(), "a\n");
    let entries = ["1", "nil seen eof", "nil seen eof", "nil seen eof", "the function goes on"];
    assert_eq!(app.recorder.entries(), entries);
}

#[tokio::test]
async fn the_end_alone_is_an_empty_answer() {
    let reply = App::access("ngx.status = 204 ngx.eof()").await.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-service")), (204, ""));
}

#[tokio::test]
async fn headers_that_were_sent_are_the_answers() {
    let app = App::access(
        "ngx.status = 202 ngx.header.x_own = 'yes'
         require('recorder')(ngx.headers_sent, ngx.send_headers(), ngx.headers_sent)
         require('recorder')(ngx.send_headers())
         ngx.header.x_late = 'yes'",
    )
    .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-own")), (202, "yes"));
    assert_eq!((reply.header("x-late"), reply.header("x-service")), ("", ""));
    assert_eq!(app.recorder.entries(), ["false 1 true", "1"]);
}

#[tokio::test]
async fn wrong_arguments_of_the_end_are_refused() {
    assert_errors(&[
        ("ngx.eof(1)", "no argument is expected"),
        ("ngx.flush(1)", "bad argument #1 to 'flush' (boolean expected, got number)"),
        ("ngx.flush(true, 1)", "attempt to pass 2 arguments, but accepted 0 or 1"),
    ])
    .await;
}
