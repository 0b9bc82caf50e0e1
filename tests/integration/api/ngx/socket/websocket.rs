//! A server of the WebSocket protocol in Lua, on the client's connection.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::App;

/// An application whose functions serve the protocol, and wait so many milliseconds for what comes.
async fn app(timeout: u32) -> App {
    let source = include_str!("websocket.lua").replace("TIMEOUT", &timeout.to_string());
    App::builder().access(&source).log("require('recorder')('log ' .. ngx.status)").serve().await
}

async fn connected(app: &App) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(app.addr).await.unwrap();
    client_async(format!("ws://{}/echo", app.addr), stream).await.unwrap().0
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Message {
    tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn messages_of_any_length_come_back() {
    let app = app(10_000).await;
    let mut socket = connected(&app).await;
    for length in [0, 1, 125, 126, 65_535, 65_536, 200_000] {
        let text = Message::text("x".repeat(length));
        socket.send(text.clone()).await.unwrap();
        assert!(next(&mut socket).await == text, "of {length} bytes");
    }
    let bytes = Message::binary(vec![0, 255, 128]);
    socket.send(bytes.clone()).await.unwrap();
    assert_eq!(next(&mut socket).await, bytes);
}

#[tokio::test]
async fn a_message_in_pieces_comes_back_whole_and_a_ping_between_them_is_answered() {
    let app = app(10_000).await;
    let mut socket = connected(&app).await;
    let piece = |text: &'static str, kind, last| {
        Message::Frame(Frame::message(text, OpCode::Data(kind), last))
    };
    socket.send(piece("hel", Data::Text, false)).await.unwrap();
    socket.send(Message::Ping("now".into())).await.unwrap();
    socket.send(piece("lo", Data::Continue, true)).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::Pong("now".into()));
    assert_eq!(next(&mut socket).await, Message::text("hello"));
}

#[tokio::test]
async fn either_side_may_be_silent_and_is_asked_whether_it_is_there() {
    let app = app(20).await;
    let mut socket = connected(&app).await;
    assert_eq!(next(&mut socket).await, Message::Ping("still there?".into()));
    socket.flush().await.unwrap();
    assert_eq!(app.recorder.wait_for(1).await[0], "pong still there?");
}

#[tokio::test]
async fn a_close_is_answered_and_ends_the_request() {
    let app = app(10_000).await;
    let mut socket = connected(&app).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
    socket.close(Some(frame.clone())).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::Close(Some(frame)));
    assert!(socket.next().await.is_none());
    assert_eq!(app.recorder.wait_for(2).await, ["close enough", "log 101"]);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_request() {
    let app = app(10_000).await;
    drop(connected(&app).await);
    assert_eq!(app.recorder.wait_for(2).await, ["closed", "log 101"]);
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn many_clients_are_served_at_once() {
    let app = app(10_000).await;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(connected(&app).await);
    }
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.send(Message::text(number.to_string())).await.unwrap();
    }
    for (number, socket) in sockets.iter_mut().enumerate().rev() {
        assert_eq!(next(socket).await, Message::text(number.to_string()));
    }
}

#[tokio::test]
async fn whoever_asks_for_something_else_is_refused() {
    let reply = app(10_000).await.get("/").send().await;
    assert_eq!(reply.status, 400);
}
