//! Functions that answer piece by piece, and receive so.

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Gateway, echo_upstream, with_plugins};

/// Says every line of the request in upper case, as soon as it has come.
const LINES: &str = "
    local sock = ngx.req.socket()
    for line in function() return sock:receive() end do
      ngx.print(line:upper()) ngx.flush(true)
    end
    ngx.eof()
    ngx.sleep(0.001)
    kong.log.err('behind the response')";

#[tokio::test]
async fn lines_are_answered_while_others_are_yet_to_come() {
    let plugins = [
        ("pre-function", json!({ "access": [LINES] })),
        ("post-function", json!({ "body_filter": ["ngx.arg[1] = ngx.arg[1]:gsub('O', '0')"] })),
    ];
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &plugins));
    let mut stream = TcpStream::connect(gateway.proxy).await.unwrap();
    let head = "POST /lines HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    for (sent, expected) in [("one\n", "3\r\n0NE\r\n"), ("two\n", "3\r\nTW0\r\n")] {
        stream.write_all(format!("4\r\n{sent}\r\n").as_bytes()).await.unwrap();
        while !answer.ends_with(expected) {
            answer.push(stream.read_u8().await.unwrap().into());
        }
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n0\r\n\r\n"),
        "{answer}"
    );
    let log = gateway.logged_until("behind the response");
    assert!(log.contains("POST /lines HTTP/1.1\" 200 6"), "{log}");
}

/// The server that the tests of the crate have.
const WEBSOCKET: &str = include_str!("../integration/api/ngx/socket/websocket.lua");

#[tokio::test]
async fn a_function_serves_websockets() {
    let source =
        WEBSOCKET.replace("require(\"recorder\")", "kong.log.err").replace("TIMEOUT", "10000");
    let plugins = [("pre-function", json!({ "access": [source] }))];
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &plugins));
    let url = format!("ws://{}/echo", gateway.proxy);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
    socket.close(None).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Close(None));
    gateway.logged_until("close ");
}
