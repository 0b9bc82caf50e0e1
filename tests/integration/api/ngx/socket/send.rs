//! `send`, `close`, `shutdown`.

use tokio::io::AsyncWriteExt;

use super::assert_prints;
use crate::support::{App, echoes, peer};

#[tokio::test]
async fn strings_numbers_booleans_and_nested_tables() {
    let peer = echoes().await;
    assert_prints(
        peer,
        &[
            ("show(sock:send('hi')) show(sock:receive(2))", "[2][hi]"),
            ("show(sock:send(1.5)) show(sock:send(10)) show(sock:receive(5))", "[3][2][1.510]"),
            ("show(sock:send(nil)) show(sock:send(true)) show(sock:receive(7))", "[3][4][niltrue]"),
            ("show(sock:send{'a', {1, {'b'}}, 2}) show(sock:receive(4))", "[4][a1b2]"),
            ("show(sock:send('')) show(sock:send{}) show(sock:send{'', {''}})", "[0][0][0]"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error() {
    let peer = echoes().await;
    let errors = [
        ("sock:send()", "expecting 2 arguments (including the object), but got 1"),
        ("sock:send{nil, 'a'}", "bad argument #1 to 'send' (bad data type nil found)"),
        ("sock:send{true}", "bad argument #1 to 'send' (bad data type boolean found)"),
        ("sock:send{ngx.null}", "bad argument #1 to 'send' (bad data type userdata found)"),
        ("sock:send{a = 1}", "bad argument #1 to 'send' (non-array table found)"),
        (
            "sock:send(print)",
            "bad argument #1 to 'send' (string, number, boolean, nil, or array table expected, got \
             function)",
        ),
    ];
    for (source, expected) in errors {
        let source = format!(
            "local sock = ngx.socket.connect('127.0.0.1', PORT)
             ngx.print(select(2, pcall(function() {source} end)))"
        );
        let error = App::reach(peer, &source).await;
        assert_eq!(error.split_once(": ").map(|(_, message)| message), Some(expected), "{source}");
    }
}

#[tokio::test]
async fn much_is_sent_to_a_slow_reader_and_comes_whole() {
    let peer = echoes().await;
    let source = "
        local sock = ngx.socket.connect('127.0.0.1', PORT)
        local piece = string.rep('0123456789', 10000)
        local sent = 0
        for i = 1, 40 do sent = sent + assert(sock:send(piece)) ; assert(sock:receive(#piece) == piece) end
        ngx.print(sent)";
    assert_eq!(App::reach(peer, source).await, "4000000");
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_a_timeout_that_closes() {
    let peer = peer(|stream| async move {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        drop(stream);
    })
    .await;
    assert_prints(
        peer,
        &[(
            "sock:settimeout(80)
             local data = string.rep('x', 30000000)
             show(sock:send(data)) show(sock:send('x'))",
            "[nil,timeout][nil,closed]",
        )],
    )
    .await;
}

#[tokio::test]
async fn a_half_that_is_shut_down_lets_the_other_go_on() {
    let peer = peer(|mut stream| async move {
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut text).await.unwrap();
        stream.write_all(text.to_uppercase().as_bytes()).await.unwrap();
    })
    .await;
    assert_prints(
        peer,
        &[(
            "sock:send('hello') show(sock:shutdown('send')) show(sock:send('x')) show(sock:receive('*a'))",
            "[1][nil,closed][HELLO]",
        )],
    )
    .await;
}
