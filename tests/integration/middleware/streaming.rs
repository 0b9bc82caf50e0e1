//! Functions that answer piece by piece, and go on meanwhile.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{Layer, ServiceExt, service_fn};
use tower_lua::{Functions, Phase, PreFunctionLayer, Runtime};

use crate::support::{App, AppBuilder, Call, Recorder};

/// Waits until the test has said `word`.
const GATE: &str = "
    local function gate(word)
      while not ngx.shared.dict:get(word) do ngx.sleep(0.001) end
      ngx.shared.dict:delete(word)
    end
";

/// An application with `source` in access, which waits for words with `gate`.
async fn app(source: &str) -> App {
    gated(App::builder(), source).serve().await
}

fn gated(builder: AppBuilder, source: &str) -> AppBuilder {
    let open = "if ngx.var.uri == '/open' then
          ngx.shared.dict:set(ngx.var.args, true)
          return ngx.exit(204)
        end";
    builder
        .runtime(|runtime| runtime.shared_dict("dict", 100_000))
        .access(&format!("{open} {GATE} {source}"))
        .log("if ngx.var.uri ~= '/open' then require('recorder')('log ' .. ngx.status .. ' ' .. ngx.var.body_bytes_sent) end")
}

/// Lets the function go on that waits for `word`.
async fn open(app: &App, word: &str) {
    app.get(&format!("/open?{word}")).send().await;
}

/// The next piece of a body.
async fn piece(body: &mut Incoming) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.unwrap();
    let data = frame?.unwrap().into_data().unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

async fn begun(call: Call) -> Response<Incoming> {
    tokio::time::timeout(Duration::from_secs(10), call.open()).await.unwrap().unwrap()
}

const TWO_PIECES: &str = "
    ngx.header.x_own = 'yes'
    ngx.status = 202
    ngx.print('one')
    ngx.flush(true)
    gate('first')
    ngx.print('two')
    ngx.flush()
    gate('second')
    ngx.print('three')";

#[tokio::test]
async fn what_is_flushed_is_with_the_client_while_the_function_goes_on() {
    let app = app(TWO_PIECES).await;
    for call in [app.get("/"), app.get("/").http2()] {
        let response = begun(call).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-own"]),
            (202, &"yes".parse().unwrap())
        );
        let mut body = response.into_body();
        assert_eq!(piece(&mut body).await.as_deref(), Some("one"));
        open(&app, "first").await;
        assert_eq!(piece(&mut body).await.as_deref(), Some("two"));
        open(&app, "second").await;
        assert_eq!(piece(&mut body).await.as_deref(), Some("three"));
        assert_eq!(piece(&mut body).await, None);
    }
    assert_eq!(app.recorder.wait_for(2).await, ["log 202 11", "log 202 11"]);
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn the_head_alone_can_go_first() {
    let app = app("ngx.send_headers() ngx.flush(true) gate('go') ngx.say('body')").await;
    let mut body = begun(app.get("/")).await.into_body();
    open(&app, "go").await;
    assert_eq!(piece(&mut body).await.as_deref(), Some("body\n"));
}

#[tokio::test]
async fn what_is_printed_and_not_flushed_waits_until_it_is_long_enough() {
    let source = "ngx.print('one') ngx.flush(true) ngx.print('two') gate('short')
        ngx.print(('x'):rep(1457)) gate('long') ngx.print('end')";
    let app = app(source).await;
    let mut body = begun(app.get("/")).await.into_body();
    assert_eq!(piece(&mut body).await.as_deref(), Some("one"));
    open(&app, "short").await;
    let mut text = String::new();
    while text.len() < 1460 {
        text += &piece(&mut body).await.unwrap();
    }
    assert_eq!(text, format!("two{}", "x".repeat(1457)));
    open(&app, "long").await;
    assert_eq!(piece(&mut body).await.as_deref(), Some("end"));
}

#[tokio::test]
async fn it_comes_in_chunks_unless_the_function_has_said_its_length() {
    let app = app("if ngx.var.args then ngx.header.content_length = 2 end
        ngx.print('a') ngx.flush(true) ngx.sleep(0.001) ngx.print('b')")
    .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.header("transfer-encoding"), &*reply.text()), ("chunked", "ab"));
    let reply = app.get("/?x").send().await;
    assert_eq!((reply.header("content-length"), &*reply.text()), ("2", "ab"));
}

#[tokio::test]
async fn a_body_shorter_than_was_said_is_a_broken_one() {
    let app =
        app("ngx.header.content_length = 3 ngx.print('a') ngx.flush(true) ngx.sleep(0.001)").await;
    assert!(app.get("/").try_send().await.is_err());
}

#[tokio::test]
async fn over_http_1_0_it_is_held_until_its_length_is_known() {
    let app =
        app("ngx.print('a') require('recorder')(ngx.flush(true)) ngx.sleep(0.001) ngx.print('b')")
            .await;
    let answer = app.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains("content-length: 2\r\n") && answer.ends_with("\r\n\r\nab"), "{answer}");
    assert_eq!(app.recorder.entries()[0], "nil buffering");
}

#[tokio::test]
async fn over_http_1_0_the_end_of_the_connection_ends_it_where_the_head_went_first() {
    let app =
        app("ngx.send_headers() ngx.print('a') ngx.flush(true) gate('go') ngx.print('b')").await;
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\na") {
        answer.push(stream.read_u8().await.unwrap().into());
    }
    assert!(!answer.contains("content-length"), "{answer}");
    open(&app, "go").await;
    answer.clear();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "b");
}

#[tokio::test]
async fn filters_see_the_head_once_and_each_piece() {
    let filter = "if ngx.var.uri ~= '/open' then
          ngx.arg[1] = '<' .. ngx.arg[1] .. (ngx.arg[2] and '.' or '') .. '>' end";
    let builder = gated(App::builder(), TWO_PIECES)
        .header_filter(
            "ngx.header.x_filtered = tostring(ngx.headers_sent) .. (ngx.ctx.n or '')
          ngx.ctx.n = 1 ngx.sleep(0.001)",
        )
        .body_filter(filter)
        .post_function(Phase::BodyFilter, "require('recorder')(ngx.get_phase())");
    let app = builder.serve().await;
    let response = begun(app.get("/")).await;
    assert_eq!(response.headers()["x-filtered"], "false");
    let mut body = response.into_body();
    assert_eq!(piece(&mut body).await.as_deref(), Some("<one>"));
    open(&app, "first").await;
    assert_eq!(piece(&mut body).await.as_deref(), Some("<two>"));
    open(&app, "second").await;
    assert_eq!(piece(&mut body).await.as_deref(), Some("<three>"));
    assert_eq!(piece(&mut body).await.as_deref(), Some("<.>"));
}

#[tokio::test]
async fn a_filter_that_waits_and_the_function_take_turns() {
    let filter = "if ngx.get_phase() == 'body_filter' and ngx.arg[1] ~= '' then
          ngx.sleep(0.001) ngx.arg[1] = ngx.arg[1] .. ';' .. kong.ctx.plugin.seen end";
    let source = "for i = 1, 5 do
          kong.ctx.plugin.seen = i
          ngx.print(i) ngx.flush(true)
          assert(ngx.get_phase() == 'access')
        end";
    let app = gated(App::builder(), source).body_filter(filter).serve().await;
    assert_eq!(app.get("/").send().await.text(), "1;12;23;34;45;5");
}

#[tokio::test]
async fn the_layer_behind_answers_piece_by_piece_through_the_one_in_front() {
    let app = gated(App::builder(), "kong.ctx.shared.word = 'pre'")
        .header_filter("ngx.header.x_pre = 'yes'")
        .post_function(Phase::Access, &format!("{GATE} ngx.print(kong.ctx.shared.word) ngx.flush(true) gate('go') ngx.print('post')"))
        .post_function(Phase::HeaderFilter, "ngx.header.x_post = 'yes'")
        .post_function(Phase::BodyFilter, "ngx.arg[1] = ngx.arg[1]:upper()")
        .serve()
        .await;
    let response = begun(app.get("/")).await;
    assert_eq!(
        (&response.headers()["x-pre"], &response.headers()["x-post"]),
        (&"yes".parse().unwrap(), &"yes".parse().unwrap())
    );
    let mut body = response.into_body();
    assert_eq!(piece(&mut body).await.as_deref(), Some("PRE"));
    open(&app, "go").await;
    assert_eq!(piece(&mut body).await.as_deref(), Some("POST"));
    assert_eq!(piece(&mut body).await, None);
    assert_eq!(app.recorder.wait_for(1).await, ["log 200 7"]);
}

#[tokio::test]
async fn the_head_is_sent_and_cannot_be_changed_any_more() {
    let source = "ngx.print('a') ngx.flush(true)
        ngx.header.x_late = 'yes' ngx.status = 500
        require('recorder')(ngx.headers_sent, ngx.status, ngx.header.x_late,
          pcall(kong.response.exit, 500))
        require('recorder')(pcall(ngx.redirect, '/'))
        ngx.exit(500)";
    let app = app(source).await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-late"), &*reply.text()), (200, "", "a"));
    let said = app.recorder.wait_for(3).await;
    assert_eq!(said[0], "true 200 nil false headers have already been sent");
    assert!(said[1].ends_with("attempt to call ngx.redirect after sending out the headers"));
    assert_eq!(said[2], "log 200 1");
}

#[tokio::test]
async fn a_function_that_fails_or_closes_breaks_the_response_off() {
    for end in ["error('boom')", "ngx.exit(444)", "ngx.exit(ngx.ERROR)", "ngx.exit(499)"] {
        let app =
            app(&format!("ngx.print('a') ngx.flush(true) gate('go') ngx.print('b') {end}")).await;
        let mut body = begun(app.get("/")).await.into_body();
        assert_eq!(piece(&mut body).await.as_deref(), Some("a"));
        open(&app, "go").await;
        assert!(body.collect().await.is_err(), "{end}");
        assert_eq!(app.recorder.wait_for(1).await, ["log 200 1"], "{end}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_function() {
    let app =
        app("ngx.print('a') ngx.flush(true) gate('never') require('recorder')('went on')").await;
    let mut body = begun(app.get("/")).await.into_body();
    assert_eq!(piece(&mut body).await.as_deref(), Some("a"));
    drop(body);
    assert_eq!(app.recorder.wait_for(1).await, ["log 200 1"]);
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_function_up() {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder()).build().unwrap();
    let source = "for i = 1, 1000 do
          require('recorder')(i) ngx.print(('x'):rep(100000)) ngx.flush(true)
        end";
    let layer = PreFunctionLayer::new(Functions::access("test", source).unwrap()).runtime(&runtime);
    let service = layer.layer(service_fn(async |_: Request<_>| {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    }));
    let Ok(response) = service.oneshot(Request::new(Empty::<Bytes>::new())).await;
    let mut body = response.into_body();
    for count in 1..5 {
        assert_eq!(body.frame().await.unwrap().unwrap().data_ref().unwrap().len(), 100_000);
        assert_eq!(recorder.entries().len(), count);
    }
}

#[tokio::test]
async fn the_request_is_received_while_the_response_goes_out() {
    let source = "local sock = ngx.req.socket()
        while true do
          local line, err = sock:receive()
          if not line then break end
          ngx.print(line:upper()) ngx.flush(true)
        end
        ngx.print('over')";
    let app = app(source).await;
    let mut stream = TcpStream::connect(app.addr).await.unwrap();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    for (sent, expected) in [("one\n", "3\r\nONE\r\n"), ("two\n", "3\r\nTWO\r\n")] {
        stream.write_all(sent.as_bytes()).await.unwrap();
        while !answer.ends_with(expected) {
            answer.push(stream.read_u8().await.unwrap().into());
        }
    }
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("4\r\nover\r\n0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_response_that_has_ended_is_with_the_client_and_the_function_goes_on() {
    let source = "ngx.say('all') ngx.eof()
        gate('go')
        require('recorder')(ngx.say('more'))
        require('recorder')(ngx.get_phase())";
    let app = app(source).await;
    for call in [app.get("/"), app.get("/").http2()] {
        let before = app.recorder.entries().len();
        assert_eq!(call.send().await.text(), "all\n");
        assert_eq!(app.recorder.entries().len(), before);
        open(&app, "go").await;
        let said = app.recorder.wait_for(before + 3).await;
        assert_eq!(said[before..], ["nil seen eof", "access", "log 200 4"]);
    }
}

#[tokio::test]
async fn one_that_was_flushed_before_can_be_ended_as_well() {
    let source = "ngx.print('a') ngx.flush(true) ngx.sleep(0.001) ngx.print('b') ngx.eof()
        gate('go') require('recorder')('over')";
    let app =
        gated(App::builder(), source).body_filter("ngx.arg[1] = ngx.arg[1]:upper()").serve().await;
    assert_eq!(app.get("/").send().await.text(), "AB");
    assert!(app.recorder.entries().is_empty());
    open(&app, "go").await;
    assert_eq!(app.recorder.wait_for(2).await, ["over", "log 200 2"]);
}

#[tokio::test]
async fn responses_without_a_body_end_at_once_and_functions_go_on() {
    for (call, source) in [
        (http::Method::GET, "ngx.status = 204 ngx.eof()"),
        (http::Method::HEAD, "ngx.say('a') ngx.eof()"),
    ] {
        let app = app(&format!("{source} gate('go') require('recorder')('over')")).await;
        app.call(call, "/").send().await;
        open(&app, "go").await;
        assert_eq!(app.recorder.wait_for(2).await[0], "over", "{source}");
    }
}

#[tokio::test]
async fn a_filter_that_ends_the_body_lets_the_function_go_on() {
    let filter = "if ngx.var.uri ~= '/open' then ngx.arg[1] = 'short' ngx.arg[2] = true end";
    let source = "ngx.print('long') ngx.flush(true) gate('go') ngx.print('er') ngx.flush(true)
        require('recorder')('over')";
    let app = gated(App::builder(), source).body_filter(filter).serve().await;
    assert_eq!(app.get("/").send().await.text(), "short");
    open(&app, "go").await;
    assert_eq!(app.recorder.wait_for(2).await, ["over", "log 200 5"]);
}

#[tokio::test]
async fn what_a_header_filter_answers_takes_the_place_of_it() {
    let source = "ngx.send_headers() ngx.flush(true) gate('never')";
    let filter = "if ngx.var.uri ~= '/open' then return kong.response.exit(403, 'no') end";
    let app = gated(App::builder(), source).header_filter(filter).serve().await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (403, "no"));
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn what_the_client_has_already_is_not_sent_again_and_the_function_goes_on() {
    let source = "ngx.header.etag = '\"a\"' ngx.print('a') assert(ngx.flush(true) == 1) gate('go')
        require('recorder')(ngx.print('b'))";
    let app = app(source).await;
    let known = ("if-none-match", "\"a\"", 304, "nil header only");
    let failed = ("if-match", "\"b\"", 412, "nil seen eof");
    for (name, value, status, said) in [known, failed] {
        let before = app.recorder.entries().len();
        let reply = app.get("/").header(name, value).send().await;
        assert_eq!(reply.status.as_u16(), status);
        assert!(!reply.text().contains(['a', 'b']) || status == 412, "{}", reply.text());
        open(&app, "go").await;
        assert_eq!(app.recorder.wait_for(before + 1).await[before], said);
    }
    open(&app, "go").await;
    assert_eq!(app.get("/").send().await.text(), "ab");
}

#[tokio::test]
async fn what_is_printed_for_nobody_piles_up_nowhere_and_takes_no_stack() {
    let source = "ngx.header.etag = '\"a\"'
        for _ = 1, 3000 do
          ngx.print(('a'):rep(1000)) ngx.flush(true)
          ngx.socket.tcp():connect('1.2.3.4', 80)
        end
        require('recorder')('over')";
    let runtime = |runtime: tower_lua::RuntimeBuilder| runtime.max_body_size(2_000);
    let app = App::builder().runtime(runtime).access(source).serve().await;
    let reply = app.get("/").header("if-none-match", "*").send().await;
    assert_eq!(reply.status, 304);
    assert_eq!(app.recorder.wait_for(1).await, ["over"]);
}

#[tokio::test]
async fn a_header_filter_that_leaves_no_body_lets_the_function_go_on() {
    let source = "ngx.print('a') ngx.flush(true) gate('go') ngx.print('b') ngx.flush(true)
        require('recorder')('over')";
    let filter = "if ngx.var.uri ~= '/open' then ngx.status = 204 end";
    let app = gated(App::builder(), source).header_filter(filter).serve().await;
    assert_eq!(app.get("/").send().await.status, 204);
    open(&app, "go").await;
    assert_eq!(app.recorder.wait_for(1).await[0], "over");
}

#[tokio::test]
async fn light_threads_print_and_flush_as_well() {
    let source = "
        local function tell(text) ngx.print(text) assert(ngx.flush(true) == 1) end
        local thread = ngx.thread.spawn(function()
          tell('a') gate('go') tell('b')
        end)
        tell('c')
        ngx.thread.wait(thread)
        tell('d')";
    let app = app(source).await;
    let mut body = begun(app.get("/")).await.into_body();
    let first = [piece(&mut body).await.unwrap(), piece(&mut body).await.unwrap()];
    assert_eq!(first, ["a", "c"]);
    open(&app, "go").await;
    assert_eq!(piece(&mut body).await.as_deref(), Some("b"));
    assert_eq!(piece(&mut body).await.as_deref(), Some("d"));
}

#[tokio::test]
async fn later_phases_wait_as_they_do_without_it() {
    for source in
        ["ngx.say('x') ngx.flush()", "ngx.say('x') ngx.flush(true)", "ngx.say('x') ngx.eof()"]
    {
        let app = App::builder()
            .access(source)
            .header_filter("for _ = 1, 3 do ngx.sleep(0.001) end ngx.header.x_seen = 'yes'")
            .body_filter(
                "for _ = 1, 3 do ngx.sleep(0.001) end
                 if ngx.arg[1] then ngx.arg[1] = ngx.arg[1]:upper() end",
            )
            .log("for _ = 1, 3 do ngx.sleep(0.001) end require('recorder')('logged')")
            .serve()
            .await;
        let reply = app.get("/").send().await;
        assert_eq!((reply.header("x-seen"), &*reply.text()), ("yes", "X\n"), "{source}");
        assert_eq!(app.recorder.wait_for(1).await, ["logged"], "{source}");
    }
}
