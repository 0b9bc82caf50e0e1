//! `ngx.req.socket`: the request's body, received as it arrives.

use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{Layer, ServiceExt, service_fn};
use tower_lua::{Functions, PreFunctionLayer};

use crate::support::{App, Chunks};

/// A client that has sent the head of a request with a body, and nothing of the body.
async fn begin(app: &App, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    let head = format!("POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Sends the last of a body, and gets the answer.
async fn end(mut stream: TcpStream, rest: &str) -> String {
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn lines_sizes_and_patterns_are_received_and_the_rest_goes_on() {
    let source = "
        local sock = ngx.req.socket()
        sock:settimeout(1000)
        kong.response.set_header('X-Line', sock:receive())
        kong.response.set_header('X-Size', sock:receive(2))
        kong.response.set_header('X-Until', sock:receiveuntil('--')())
        kong.response.set_header('X-Any', sock:receiveany(2))";
    let reply = App::access(source).await.post("/").body("one\r\ntwoth--rest").send().await;
    let told = ["x-line", "x-size", "x-until", "x-any"].map(|name| reply.header(name));
    assert_eq!(told, ["one", "tw", "oth", "re"]);
    assert_eq!(reply.json()["body"], "st");
    assert_eq!(reply.json()["headers"]["content-length"], "2");
}

#[tokio::test]
async fn what_was_received_whole_does_not_go_on() {
    let source = "
        local sock = ngx.req.socket()
        kong.response.set_header('X-All', sock:receive('*a'))
        kong.response.set_header('X-End', table.concat({ tostring(sock:receive()), select(2, sock:receive()) }, ' '))";
    let reply = App::access(source).await.post("/").body("hello").send().await;
    assert_eq!((reply.header("x-all"), reply.header("x-end")), ("hello", "nil closed"));
    assert_eq!(reply.json()["body"], "");
    assert_eq!(reply.json()["headers"]["content-length"], "0");
}

#[tokio::test]
async fn a_socket_that_nothing_is_received_from_leaves_the_body_alone() {
    let reply = App::access("assert(ngx.req.socket())").await.post("/").body("hello").send().await;
    assert_eq!(reply.json()["body"], "hello");
}

#[tokio::test]
async fn it_receives_what_has_come_while_the_rest_is_yet_to_come() {
    let app = App::access(
        "local sock, record = ngx.req.socket(), require('recorder')
         record(sock:receive())
         record(sock:receiveany(100))
         record(sock:receiveuntil('--')())
         record(sock:receive(4))",
    )
    .await;
    let mut stream = begin(&app, "Content-Length: 19\r\n").await;
    let said = ["one", "tw", "o", "thre"];
    for (count, piece) in ["one\ntw", "o--thr"].into_iter().enumerate() {
        stream.write_all(piece.as_bytes()).await.unwrap();
        let count = [2, 3][count];
        assert_eq!(app.recorder.wait_for(count).await, said[..count]);
    }
    let answer = end(stream, "e, four").await;
    assert_eq!(app.recorder.entries(), said);
    assert!(answer.contains("\"body\":\", four\""), "{answer}");
}

#[tokio::test]
async fn what_comes_too_late_is_a_timeout_and_no_end() {
    let app = App::access(
        "local sock = ngx.req.socket()
         sock:settimeout(20)
         require('recorder')(sock:receive(4))
         sock:settimeouts(1, 1, 10000)
         require('recorder')(sock:receive(4))",
    )
    .await;
    let mut stream = begin(&app, "Content-Length: 8\r\n").await;
    stream.write_all(b"par").await.unwrap();
    assert_eq!(app.recorder.wait_for(1).await, ["nil timeout par"]);
    end(stream, "tial!").await;
    assert_eq!(app.recorder.entries(), ["nil timeout par", "tial"]);
}

#[tokio::test]
async fn an_end_that_comes_too_early_is_told_with_what_has_come() {
    let source = "local sock = ngx.req.socket()
        require('recorder')(sock:receive(10))
        require('recorder')(sock:receive(10))";
    let app = App::access(source).await;
    app.post("/").body("short").send().await;
    assert_eq!(app.recorder.entries(), ["nil closed short", "nil closed"]);
}

#[tokio::test]
async fn a_client_that_goes_away_has_aborted() {
    let source = "require('recorder')(ngx.req.socket():receive(10)) ngx.exit(200)";
    let app = App::access(source).await;
    let mut stream = begin(&app, "Content-Length: 10\r\n").await;
    stream.write_all(b"short").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(app.recorder.wait_for(1).await, ["nil client aborted short"]);
}

#[tokio::test]
async fn bodies_in_chunks_are_received_as_others_are() {
    let app = App::access(
        "local sock = ngx.req.socket()
         require('recorder')(sock:receive(7))
         require('recorder')(sock:receiveuntil('!')())",
    )
    .await;
    let mut stream = begin(&app, "Transfer-Encoding: chunked\r\n").await;
    stream.write_all(b"5\r\nhello\r\n4\r\n, wo\r\n").await.unwrap();
    assert_eq!(app.recorder.wait_for(1).await, ["hello, "]);
    let answer = end(stream, "7\r\nrld! hi\r\n0\r\n\r\n").await;
    assert_eq!(app.recorder.entries(), ["hello, ", "world"]);
    assert!(answer.contains("\"body\":\" hi\""), "{answer}");
}

#[tokio::test]
async fn over_http2_there_are_bodies_without_a_length_and_none_at_all() {
    let source = "local sock, err = ngx.req.socket()
        ngx.say(sock and sock:receive('*a') or err)";
    let app = App::access(source).await;
    assert_eq!(app.get("/").http2().send().await.text(), "no body\n");
    assert_eq!(app.post("/").http2().body("hello").send().await.text(), "hello\n");
}

#[tokio::test]
async fn a_client_is_told_to_go_on_when_its_body_is_wanted() {
    let app = App::access(
        "local sock = ngx.req.socket()
         require('recorder')('has it')
         ngx.say(sock:receive(5))",
    )
    .await;
    let mut stream = begin(&app, "Content-Length: 5\r\nExpect: 100-continue\r\n").await;
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(app.recorder.entries(), ["has it"]);
    let answer = end(stream, "hello").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("hello\n"), "{answer}");
}

#[tokio::test]
async fn a_hundred_mebibytes_are_received_chunk_by_chunk() {
    const MIB: usize = 1 << 20;
    let functions = Functions::access(
        "count",
        "local sock, length = ngx.req.socket(), 0
         while true do
           local data, err, partial = sock:receive(100000)
           length = length + #(data or partial)
           if not data then break end
         end
         kong.response.exit(200, tostring(length))",
    );
    let service = PreFunctionLayer::new(functions.unwrap());
    let service = service.layer(service_fn(async |_: Request<_>| {
        Ok::<_, Infallible>(Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
    }));
    let body = Chunks::new(1600, MIB / 16);
    let alive = body.alive();
    let request = Request::post("/").header("content-length", 100 * MIB).body(body).unwrap();
    let Ok(response) = service.oneshot(request).await;
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, (100 * MIB).to_string());
    assert!(alive.most() <= 2, "{} chunks were held at once", alive.most());
}

#[tokio::test]
async fn where_there_is_no_body_to_be_had_there_is_no_socket() {
    let cases = [
        ("ngx.req.read_body() ngx.say(ngx.req.socket())", "nilrequest body already exists\n"),
        ("ngx.req.socket() ngx.say(ngx.req.socket())", "nilrequest body already exists\n"),
        ("ngx.req.discard_body() ngx.say(ngx.req.socket())", "nilrequest body discarded\n"),
    ];
    for (source, expected) in cases {
        let reply = App::access(source).await.post("/").body("x").send().await;
        assert_eq!(reply.text(), expected, "{source}");
    }
    let app = App::access("ngx.say(ngx.req.socket())").await;
    assert_eq!(app.get("/").send().await.text(), "nilno body\n");
    assert_eq!(app.post("/").send().await.text(), "nilno body\n");
    super::super::assert_errors(&[(
        "ngx.req.socket(1, 2)",
        "expecting 0 or 1 argument, but got 2",
    )])
    .await;
}

#[tokio::test]
async fn for_other_readers_the_body_is_there_and_empty() {
    let source = "
        local sock = ngx.req.socket()
        sock:receive(1)
        ngx.req.read_body()
        ngx.req.discard_body()
        ngx.say(ngx.req.get_body_data(), ' ', next(ngx.req.get_post_args()))
        ngx.say('[', kong.request.get_raw_body(), '] ', sock:receive(2))";
    let reply = App::access(source).await.post("/").body("hello").send().await;
    assert_eq!(reply.text(), "nil nil\n[] el\n");
}

#[tokio::test]
async fn a_socket_is_for_its_own_request_and_one_reader() {
    let app = App::access(
        "local sock = ngx.req.socket()
         local reader = ngx.thread.spawn(function() return sock:receive(2) end)
         require('recorder')(sock:receive(1))
         local _, got = ngx.thread.wait(reader)
         require('recorder')(got)
         mine = mine or sock
         require('recorder')(mine == sock, pcall(mine.receive, mine, 1))",
    )
    .await;
    for _ in 0..2 {
        let stream = begin(&app, "Content-Length: 3\r\n").await;
        let seen = app.recorder.entries().len();
        app.recorder.wait_for(seen + 1).await;
        end(stream, "abc").await;
    }
    let said = app.recorder.entries();
    assert_eq!(said[..3], ["nil socket busy reading", "ab", "true true c"]);
    assert_eq!(said[3..5], ["nil socket busy reading", "ab"]);
    assert!(said[5].starts_with("false false") && said[5].ends_with("bad request"), "{said:?}");
}

#[tokio::test]
async fn a_reader_that_is_killed_takes_the_socket_with_it_and_leaves_the_body_to_the_service() {
    let reads = ["sock:receive(8)", "sock:receive()", "sock:receiveuntil('bcde')()"];
    for read in reads {
        let app = App::access(&format!(
            "local sock = ngx.req.socket()
             assert(sock:receive(1) == '1')
             local reader = ngx.thread.spawn(function() return {read} end)
             require('recorder')('reads')
             ngx.sleep(0.02)
             ngx.thread.kill(reader)
             require('recorder')(sock:receive(2))"
        ))
        .await;
        let mut stream = begin(&app, "Content-Length: 6\r\n").await;
        stream.write_all(b"1abc").await.unwrap();
        app.recorder.wait_for(2).await;
        let answer = end(stream, "xy").await;
        assert_eq!(app.recorder.entries(), ["reads", "nil closed"], "{read}");
        assert!(answer.contains(r#""body":"abcxy""#), "{read}: {answer}");
    }
}

#[tokio::test]
async fn who_reads_the_whole_body_has_it_alone() {
    let app = App::access(
        "local reader = ngx.thread.spawn(function() ngx.req.read_body() return ngx.req.get_body_data() end)
         require('recorder')(ngx.req.socket())
         local again = ngx.thread.spawn(function() ngx.req.read_body() return ngx.req.get_body_data() end)
         require('recorder')(ngx.thread.wait(reader))
         require('recorder')(ngx.thread.wait(again))",
    )
    .await;
    let stream = begin(&app, "Content-Length: 4\r\n").await;
    app.recorder.wait_for(1).await;
    assert!(end(stream, "abcd").await.contains(r#""body":"abcd""#));
    let refused = "nil pending request body reading in some other thread";
    assert_eq!(app.recorder.entries(), [refused, "true abcd", "true abcd"]);
}

#[tokio::test]
async fn a_thread_that_is_killed_as_it_reads_the_body_leaves_it_to_the_others() {
    let app = App::access(
        "local function read() ngx.req.read_body() return ngx.req.get_body_data() end
         local first, second = ngx.thread.spawn(read), ngx.thread.spawn(read)
         require('recorder')('both')
         ngx.sleep(0.001)
         ngx.thread.kill(second)
         require('recorder')(ngx.thread.wait(first))",
    )
    .await;
    let stream = begin(&app, "Content-Length: 4\r\n").await;
    app.recorder.wait_for(1).await;
    assert!(end(stream, "abcd").await.contains(r#""body":"abcd""#));
    assert_eq!(app.recorder.entries(), ["both", "true abcd"]);
}

#[tokio::test]
async fn a_body_that_is_discarded_while_it_is_read_stays_so() {
    let app = App::access(
        "local reader = ngx.thread.spawn(function() ngx.req.read_body() return ngx.req.get_body_data() end)
         ngx.req.discard_body()
         require('recorder')('discarded')
         require('recorder')(ngx.thread.wait(reader))",
    )
    .await;
    let stream = begin(&app, "Content-Length: 4\r\n").await;
    app.recorder.wait_for(1).await;
    assert!(end(stream, "abcd").await.contains(r#""body":"""#));
    assert_eq!(app.recorder.entries(), ["discarded", "true nil"]);
}

#[tokio::test]
async fn what_a_pattern_has_begun_with_is_there_for_other_reads() {
    let source = "
        local sock = ngx.req.socket()
        local reader = sock:receiveuntil('--end')
        ngx.say(reader(2), ' ', sock:receive(3))";
    let reply = App::access(source).await.post("/").body("a----").send().await;
    assert_eq!(reply.text(), "a- ---\n");
}

#[tokio::test]
async fn what_a_pattern_has_begun_with_goes_on_to_the_service() {
    let source = "ngx.req.socket():receiveuntil('--end')(2)";
    let reply = App::access(source).await.post("/").body("a----").send().await;
    assert_eq!(reply.json()["body"], "---");
}

#[tokio::test]
async fn the_body_can_be_written_anew_from_what_is_received() {
    let source = "
        local sock = ngx.req.socket()
        ngx.req.init_body()
        while true do
          local data, _, partial = sock:receive(4)
          ngx.req.append_body(string.upper(data or partial))
          if not data then break end
        end
        ngx.req.finish_body()
        kong.response.set_header('X-Body', ngx.req.get_body_data())";
    let reply = App::access(source).await.post("/").body("one, two").send().await;
    assert_eq!(reply.header("x-body"), "ONE, TWO");
    assert_eq!(reply.json()["body"], "ONE, TWO");
}

#[tokio::test]
async fn the_layer_behind_receives_what_the_one_in_front_has_left() {
    let app = App::builder()
        .access("kong.response.set_header('X-Pre', ngx.req.socket():receive(2))")
        .post_function(
            tower_lua::Phase::Access,
            "kong.response.set_header('X-Post', ngx.req.socket():receive(2))",
        )
        .serve()
        .await;
    let reply = app.post("/").body("abcdef").send().await;
    assert_eq!((reply.header("x-pre"), reply.header("x-post")), ("ab", "cd"));
    assert_eq!(reply.json()["body"], "ef");
}

/// Reads a form part by part: heads of lines, and contents up to the boundary in pieces.
const PARTS: &str = r#"
    local boundary = ngx.var.content_type:match("boundary=(.+)")
    local sock, record = ngx.req.socket(), require("recorder")
    local to_boundary, line = sock:receiveuntil("--" .. boundary), sock:receiveuntil("\r\n")
    assert(to_boundary(8) == "" and to_boundary(8) == nil and sock:receive(2) == "\r\n")
    repeat
      local head = assert(line(512))
      while assert(line(1) == nil) and head ~= "" do
        record(head)
        head = line(512)
      end
      for piece in function() return to_boundary(8) end do record(piece) end
    until sock:receive(2) == "--"
    record(sock:receive("*a"))"#;

#[tokio::test]
async fn a_form_is_read_part_by_part_while_others_are_yet_to_come() {
    let app = App::access(PARTS).await;
    let headers = "Content-Type: multipart/form-data; boundary=xyz\r\nContent-Length: 77\r\n";
    let mut stream = begin(&app, headers).await;
    stream.write_all(b"--xyz\r\nName: a\r\n\r\nfirst part\r\n--x").await.unwrap();
    assert_eq!(app.recorder.wait_for(2).await, ["Name: a", "first pa"]);
    stream.write_all(b"yz\r\nName: b\r\nX: y\r\n\r\nsecond").await.unwrap();
    assert_eq!(app.recorder.wait_for(5).await[2..], ["rt\r\n", "Name: b", "X: y"]);
    let answer = end(stream, "\r\n--xyz--epilogue").await;
    assert_eq!(app.recorder.entries()[5..], ["second\r\n", "", "epilogue"]);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
