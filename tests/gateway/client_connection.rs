//! Functions that have the client's connection.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, unused_addr, with_plugins};

#[tokio::test]
async fn a_function_speaks_another_protocol_with_the_client() {
    let access = "ngx.status = 101
        ngx.header.Upgrade = 'lines'
        ngx.send_headers()
        ngx.flush(true)
        local sock = assert(ngx.req.socket(true))
        sock:send('you said ' .. sock:receive() .. '\\n')";
    let log = "kong.log.err('after ', ngx.status)";
    let plugin = ("pre-function", json!({ "access": [access], "log": [log] }));
    let file = with_plugins(unused_addr(), &[plugin]);
    let gateway = Gateway::of_file(&file);
    let mut stream = TcpStream::connect(gateway.proxy).await.unwrap();
    let request =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\nhello\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{all}");
    assert!(all.ends_with("\r\n\r\nyou said hello\n"), "{all}");
    gateway.logged("after 101");
}

/// A gateway with `source` in access, and what ends a request in its log.
fn gateway(source: &str) -> Gateway {
    let plugin = json!({ "access": [source], "log": ["kong.log.err('over')"] });
    Gateway::of_file(&with_plugins("127.0.0.1:1".parse().unwrap(), &[("pre-function", plugin)]))
}

/// All that comes of sending `request`, and of the client sending nothing more.
async fn told(gateway: &Gateway, request: &str) -> String {
    let mut stream = TcpStream::connect(gateway.proxy).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = String::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut all))
        .await
        .expect("the connection ends")
        .unwrap();
    all
}

const ANSWER: &str =
    "sock:send({ 'HTTP/1.1 200 OK\\r\\nContent-Length: ', #data, '\\r\\n\\r\\n', data })";

#[tokio::test]
async fn a_function_writes_a_response_of_its_own() {
    let before = ["", "ngx.req.read_body()", "ngx.sleep(0.001)", "ngx.status = 101"];
    for before in before {
        let source = format!(
            "{before} local sock = assert(ngx.req.socket(true)) local data = 'own' {ANSWER}"
        );
        let gateway = gateway(&source);
        for head in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\n\r\n"] {
            let all = told(&gateway, head).await;
            assert_eq!(all, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown", "{before}");
        }
        let log = gateway.logged_until("] over");
        assert!(log.contains("\" 101 0 ") && !log.contains("\" 499 "), "{log}");
    }
}

#[tokio::test]
async fn what_of_the_request_nobody_has_read_is_received_as_it_came() {
    let read = "local sock = assert(ngx.req.socket(true)) local data = sock:receive(COUNT) ";
    let cases = [
        ("Content-Length: 5\r\n\r\nhello", 5, "hello"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 10, "5\r\nhello\r\n"),
        ("\r\nbehind the head", 6, "behind"),
    ];
    for (rest, count, expected) in cases {
        let gateway = gateway(&(read.replace("COUNT", &count.to_string()) + ANSWER));
        let all = told(&gateway, &format!("POST / HTTP/1.1\r\nHost: a\r\n{rest}")).await;
        assert!(all.ends_with(&format!("\r\n\r\n{expected}")), "{all}");
    }
    let both = format!(
        "ngx.req.read_body() local first = ngx.req.get_body_data() {read} data = first .. data {ANSWER}"
    );
    let gateway = gateway(&both.replace("COUNT", "4"));
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhellomore";
    let all = told(&gateway, request).await;
    assert!(all.ends_with("\r\n\r\nhellomore"), "{all}");
}

#[tokio::test]
async fn what_has_been_flushed_goes_out_first() {
    let source = "ngx.header.content_length = 9 ngx.print('some ') ngx.flush(true)
        local sock = assert(ngx.req.socket(true))
        local says = {}
        for _, say in ipairs({ ngx.say, ngx.print, ngx.flush, ngx.eof }) do
          says[#says + 1] = select(2, say())
        end
        says[#says + 1] = select(2, ngx.req.socket(true))
        kong.log.err(table.concat(says, ', '))
        sock:send('more')";
    let gateway = gateway(source);
    let all = told(&gateway, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(all.starts_with("HTTP/1.1 200 OK\r\n") && all.ends_with("\r\n\r\nsome more"), "{all}");
    let refused = "raw request socket acquired, ".repeat(4);
    gateway.logged(&format!("{refused}duplicate call"));
    gateway.logged("over");
}

#[tokio::test]
async fn it_is_not_to_be_had_while_there_is_something_to_send_or_to_read() {
    let cases = [
        ("ngx.say('x')", "pending data to write"),
        ("ngx.send_headers()", "pending data to write"),
        (
            "ngx.thread.spawn(ngx.req.read_body)",
            "pending request body reading in some other thread",
        ),
    ];
    for (before, problem) in cases {
        let gateway =
            gateway(&format!("{before} kong.log.err(ngx.req.socket(true)) ngx.exit(444)"));
        let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel";
        told(&gateway, request).await;
        gateway.logged(problem);
    }
}

#[tokio::test]
async fn timeouts_and_clients_that_go_away_are_told() {
    let source = "local sock = assert(ngx.req.socket(true))
        sock:settimeout(20)
        kong.log.err('[', table.concat({ select(2, sock:receive(10)) }, ' '), ']')
        sock:settimeout(10000)
        sock:send('go')
        kong.log.err('[', table.concat({ select(2, sock:receive(10)) }, ' '), ']')";
    let gateway = gateway(source);
    let mut stream = TcpStream::connect(gateway.proxy).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nab").await.unwrap();
    stream.read_u16().await.unwrap();
    gateway.logged("[timeout ab]");
    stream.write_all(b"cd").await.unwrap();
    drop(stream);
    gateway.logged("cd]");
    gateway.logged("over");
}

#[tokio::test]
async fn requests_before_it_on_the_connection_are_answered_as_ever() {
    let source = format!(
        "if kong.request.get_path() ~= '/raw' then return kong.response.exit(200, 'first') end
         local sock = assert(ngx.req.socket(true)) local data = sock:receive(3) {ANSWER}"
    );
    let gateway = gateway(&source);
    let all =
        told(&gateway, "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /raw HTTP/1.1\r\nHost: a\r\n\r\nend")
            .await;
    let (first, second) = all.split_once("first").expect(&all);
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{all}");
    assert!(second.ends_with("\r\n\r\nend"), "{all}");
}
