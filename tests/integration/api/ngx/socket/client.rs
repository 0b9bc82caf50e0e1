//! `ngx.req.socket(true)`: the client's own connection.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower_lua::{ClientConnection, GivenConnection, Handover, Phase};

use crate::support::{App, AppBuilder};

/// Says that another protocol begins, and has the connection.
const SWITCH: &str = "ngx.status = 101
    ngx.header.Upgrade = 'lines'
    assert(ngx.send_headers())
    assert(ngx.flush(true))
    local sock = assert(ngx.req.socket(true)) ";

/// A service that sends every line back, in upper case, until it is told to stop.
fn lines() -> String {
    format!(
        "{SWITCH}
         while true do
           local line, err = sock:receive()
           if not line then
             require('recorder')(err)
             break
           end
           if line == 'stop' then break end
           sock:send({{ line:upper(), '\\n' }})
         end
         require('recorder')('over')"
    )
}

/// A connection to `app` that has begun to speak another protocol.
async fn switched(app: &App) -> TcpStream {
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    let request =
        "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: lines\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(
        head.contains("upgrade: lines\r\n") && head.contains("connection: upgrade\r\n"),
        "{head}"
    );
    stream
}

/// The head of a response, and nothing after it.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(line).unwrap()
}

async fn serve(builder: AppBuilder) -> App {
    builder.log("require('recorder')('log ' .. ngx.status)").serve().await
}

#[tokio::test]
async fn a_function_speaks_another_protocol_with_the_client() {
    let app = serve(App::builder().access(&lines())).await;
    let mut stream = switched(&app).await;
    stream.write_all(b"hello\nwor").await.unwrap();
    assert_eq!(line(&mut stream).await, "HELLO\n");
    stream.write_all(b"ld\nstop\n").await.unwrap();
    assert_eq!(line(&mut stream).await, "WORLD\n");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty(), "the connection ends with the function");
    assert_eq!(app.recorder.wait_for(2).await, ["over", "log 101"]);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_it() {
    let app = serve(App::builder().access(&lines())).await;
    drop(switched(&app).await);
    assert_eq!(app.recorder.wait_for(3).await, ["closed", "over", "log 101"]);
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn it_works_in_the_layer_behind_and_after_waiting() {
    let source = format!("ngx.sleep(0.001) ngx.req.read_body() {}", lines());
    let builder = App::builder()
        .access("kong.ctx.shared.seen = 'pre'")
        .post_function(Phase::Access, &source)
        .header_filter("require('recorder')('head ' .. ngx.status .. kong.ctx.shared.seen)");
    let app = serve(builder).await;
    let mut stream = switched(&app).await;
    stream.write_all(b"a\nstop\n").await.unwrap();
    assert_eq!(line(&mut stream).await, "A\n");
    assert_eq!(app.recorder.wait_for(3).await, ["head 101pre", "over", "log 101"]);
}

#[tokio::test]
async fn light_threads_read_and_write_at_once() {
    let app = serve(App::builder().access(&format!(
        "local beat = ngx.thread.spawn(function()
           {SWITCH}
           local reader = ngx.thread.spawn(function() return sock:receive() end)
           sock:send('first\\n')
           local _, got = ngx.thread.wait(reader)
           sock:send(got .. '\\n')
         end)
         ngx.thread.wait(beat)"
    )))
    .await;
    let mut stream = switched(&app).await;
    assert_eq!(line(&mut stream).await, "first\n");
    stream.write_all(b"second\n").await.unwrap();
    assert_eq!(line(&mut stream).await, "second\n");
    assert_eq!(app.recorder.wait_for(1).await, ["log 101"]);
}

#[tokio::test]
async fn what_comes_too_late_is_a_timeout_and_no_end() {
    let app = serve(App::builder().access(&format!(
        "{SWITCH}
         sock:settimeout(20)
         local _, err, partial = sock:receive()
         sock:send(err .. ' ' .. partial .. '\\n')
         sock:settimeouts(1000, 1000, 10000)
         sock:send(sock:receive(2) .. '\\n')
         sock:send(tostring(select(2, ngx.req.socket(true))) .. '\\n')
         for _, f in ipairs({{ ngx.say, ngx.print, ngx.flush, ngx.eof }}) do
           sock:send(tostring(select(2, f())) .. '\\n')
         end
         sock:send(type(sock.close) .. ' ' .. type(sock.setkeepalive) .. '\\n')"
    )))
    .await;
    let mut stream = switched(&app).await;
    stream.write_all(b"par").await.unwrap();
    assert_eq!(line(&mut stream).await, "timeout par\n");
    stream.write_all(b"ok").await.unwrap();
    assert_eq!(line(&mut stream).await, "ok\n");
    assert_eq!(line(&mut stream).await, "duplicate call\n");
    for _ in 0..4 {
        assert_eq!(line(&mut stream).await, "raw request socket acquired\n");
    }
    assert_eq!(line(&mut stream).await, "nil nil\n");
}

#[tokio::test]
async fn no_other_function_runs_after_it_and_errors_end_it() {
    let failing = format!("{SWITCH} sock:send('bye\\n') error('no more')");
    let builder = App::builder().access(&failing).access("require('recorder')('next')");
    let app = serve(builder).await;
    let mut stream = switched(&app).await;
    assert_eq!(line(&mut stream).await, "bye\n");
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_u8()).await.unwrap();
    assert!(ended.is_err());
    assert_eq!(app.recorder.wait_for(1).await, ["log 101"]);
}

#[tokio::test]
async fn where_it_cannot_be_had_it_says_so() {
    let early =
        "nil the client's connection is the server's until a response with status 101 is sent";
    for (before, expected) in [("", early), ("ngx.print('x')", "nil pending data to write")] {
        let source = format!("{before} require('recorder')(ngx.req.socket(true))");
        let app = App::access(&source).await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(1).await, [expected], "{before}");
    }
}

#[tokio::test]
async fn while_the_body_is_received_it_cannot_be_had() {
    let app = App::access(
        "local sock = ngx.req.socket()
         require('recorder')(ngx.req.socket(true))
         sock:receive('*a')
         require('recorder')(ngx.req.socket(true))",
    )
    .await;
    app.post("/").body("hello").send().await;
    let said = app.recorder.entries();
    assert_eq!(said[0], "nil pending request body reading in some other thread");
    assert!(said[1].starts_with("nil the client's connection is the server's"), "{said:?}");
}

#[tokio::test]
async fn a_status_that_it_ends_with_is_not_the_response_s() {
    for status in ["444", "ngx.ERROR", "500"] {
        let app = serve(App::builder().access(&format!("{SWITCH} ngx.exit({status})"))).await;
        switched(&app).await;
        assert_eq!(app.recorder.wait_for(1).await, ["log 101"], "{status}");
    }
}

#[tokio::test]
async fn over_http2_there_is_none() {
    let app = App::access("require('recorder')(pcall(ngx.req.socket, true))").await;
    app.get("/").http2().send().await;
    let said = app.recorder.wait_for(1).await;
    assert!(said[0].ends_with("http v2 not supported yet"), "{said:?}");
}

/// A server that says that it gives connections away, and then has none.
struct Nothing;

impl ClientConnection for Nothing {
    fn give(&self, _: Handover) -> GivenConnection {
        Box::pin(async { None })
    }
}

#[tokio::test]
async fn a_request_is_answered_where_its_connection_was_not_to_be_had() {
    let cases = [("", 500), ("ngx.print('some') ngx.flush(true)", 200)];
    for (before, status) in cases {
        let app = App::builder()
            .runtime(|runtime| runtime.client_connection(|_| Some(Arc::new(Nothing))))
            .access(&format!("{before} require('recorder')(ngx.req.socket(true))"))
            .serve()
            .await;
        let response = app.get("/").open().await.unwrap();
        assert_eq!(response.status(), status);
        let body = response.into_body().collect().await;
        assert_eq!(body.is_err(), status == 200, "what has begun breaks off");
        assert_eq!(app.recorder.wait_for(1).await, ["nil closed"]);
    }
}
