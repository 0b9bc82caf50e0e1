//! `kong.request.get_raw_body`.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::App;

const NO_FIT: &str = "request body did not fit into client body buffer, consider raising \
                      'client_body_buffer_size'";

/// An application that buffers 10 bytes, and tells in a header what `get_raw_body` gave.
async fn small_buffer(arguments: &str) -> App {
    let source = format!(
        "local body, err = kong.request.get_raw_body({arguments})
         kong.response.set_header('x-body', (tostring(body)))
         kong.response.set_header('x-err', (tostring(err)))"
    );
    let builder = App::builder().runtime(|runtime| runtime.body_buffer_size(10).max_body_size(100));
    builder.access(&source).serve().await
}

/// Sends the beginning of a request.
async fn begin(app: &App, head: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(app.addr).await.expect("a connection");
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{head}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("an open connection");
    stream.write_all(body).await.expect("an open connection");
    stream
}

/// Sends the rest of a request, and reads the answer.
async fn finish(mut stream: TcpStream, rest: &[u8]) -> String {
    stream.write_all(rest).await.expect("an open connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn the_body_is_read_and_still_reaches_the_service() {
    let app = small_buffer("").await;
    let reply = app.post("/").body("hello").send().await;
    assert_eq!(reply.header("x-body"), "hello");
    assert_eq!(reply.json()["body"], "hello");
}

#[tokio::test]
async fn a_request_without_a_body_has_an_empty_one() {
    let reply = small_buffer("").await.get("/").send().await;
    assert_eq!((reply.header("x-body"), reply.header("x-err")), ("", "nil"));
}

#[tokio::test]
async fn a_body_may_have_any_bytes() {
    let app = App::access("kong.response.exit(200, kong.request.get_raw_body():reverse())").await;
    let reply = app.post("/").body((0..=255).collect::<Vec<u8>>()).send().await;
    assert_eq!(reply.body, (0..=255).rev().collect::<Vec<u8>>());
}

#[tokio::test]
async fn a_function_waits_for_a_slow_body_and_others_run_meanwhile() {
    let app = App::builder()
        .rewrite("require('recorder')('begun ' .. kong.request.get_method())")
        .access("kong.response.exit(200, kong.request.get_raw_body())")
        .serve()
        .await;
    let slow = begin(&app, "content-length: 6", b"foo").await;
    app.recorder.wait_for(1).await;
    assert_eq!(app.call(http::Method::PUT, "/").body("quick").send().await.text(), "quick");
    let answer = finish(slow, b"bar").await;
    assert!(answer.ends_with("\r\n\r\nfoobar"), "{answer}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_given_and_the_log_phase_comes() {
    let app = App::builder()
        .access(
            "require('recorder')('waits')
             require('recorder')(kong.request.get_raw_body())
             kong.response.exit(400)",
        )
        .log("require('recorder')('log')")
        .serve()
        .await;
    let slow = begin(&app, "content-length: 6", b"foo").await;
    app.recorder.wait_for(1).await;
    drop(slow);
    let expected = ["waits", "nil request body could not be read", "log"];
    assert_eq!(app.recorder.wait_for(3).await, expected);
}

#[tokio::test]
async fn a_body_can_be_read_again_in_a_later_function() {
    let app = App::builder()
        .rewrite("first = kong.request.get_raw_body()")
        .access(
            "local again = kong.request.get_raw_body() .. kong.request.get_raw_body()
                 kong.response.exit(200, again)",
        )
        .serve()
        .await;
    assert_eq!(app.post("/").body("ab").send().await.text(), "abab");
}

#[tokio::test]
async fn a_body_above_the_buffer_is_not_given_but_goes_on() {
    let app = small_buffer("").await;
    for (length, fits) in [(10, true), (11, false), (1_000_000, false)] {
        let body = "x".repeat(length);
        let reply = app.post("/").body(body.clone()).send().await;
        assert_eq!(reply.header("x-body") == body, fits, "{length}");
        assert_eq!(reply.header("x-err"), if fits { "nil" } else { NO_FIT }, "{length}");
        assert_eq!(reply.json()["body"], body.as_str(), "{length}");
    }
}

#[tokio::test]
async fn a_longer_body_is_given_to_who_asks_for_it() {
    for (max, length, err) in [
        ("20", 20, "nil"),
        ("20", 21, "request body file too big: 21 > 20"),
        ("5", 10, "nil"),
        ("5", 11, "request body file too big: 11 > 5"),
        ("0", 100, "nil"),
        ("0", 101, "request body file too big: 101 > 100"),
        ("1e9", 101, "request body file too big: 101 > 100"),
        ("-1", 11, NO_FIT),
    ] {
        let reply = small_buffer(max).await.post("/").body("x".repeat(length)).send().await;
        assert_eq!(reply.header("x-err"), err, "{max} {length}");
        assert_eq!(reply.header("x-body").len() == length, err == "nil", "{max} {length}");
    }
}

#[tokio::test]
async fn a_body_of_no_announced_length_is_measured_as_it_comes() {
    let app = small_buffer("12").await;
    for (chunks, err) in [
        (&b"4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n"[..], "x-err: nil"),
        (
            b"8\r\nabcdefgh\r\n8\r\nijklmnop\r\n0\r\n\r\n",
            "x-err: request body file too big: more than 12",
        ),
    ] {
        let request = begin(&app, "transfer-encoding: chunked", b"").await;
        let answer = finish(request, chunks).await;
        assert!(answer.contains(&format!("{err}\r\n")), "{answer}");
        assert!(answer.contains(r#""body":"abcdefgh"#), "{answer}");
    }
}

#[tokio::test]
async fn a_function_can_ask_for_more_after_it_was_given_nothing() {
    let app = App::builder()
        .runtime(|runtime| runtime.body_buffer_size(3))
        .access(
            "local none = kong.request.get_raw_body()
                 kong.response.exit(200, tostring(none) .. ' ' .. kong.request.get_raw_body(100))",
        )
        .serve()
        .await;
    assert_eq!(app.post("/").body("abcdef").send().await.text(), "nil abcdef");
}

#[tokio::test]
async fn a_body_that_a_function_set_is_what_later_functions_get() {
    let app = App::access(
        "kong.service.request.set_raw_body('new')
         kong.response.exit(200, kong.request.get_raw_body())",
    )
    .await;
    assert_eq!(app.post("/").body("old").send().await.text(), "new");
}

#[tokio::test]
async fn a_body_is_awaited_inside_pcall_and_coroutines() {
    let app = App::access(
        "local _, one = pcall(kong.request.get_raw_body)
         local two = coroutine.wrap(function() return kong.request.get_raw_body() end)()
         kong.response.exit(200, one .. two)",
    )
    .await;
    let slow = begin(&app, "content-length: 2", b"a").await;
    let answer = finish(slow, b"b").await;
    assert!(answer.ends_with("\r\n\r\nabab"), "{answer}");
}
