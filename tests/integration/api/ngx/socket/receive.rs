//! `receive` and `receiveany`.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::assert_prints;
use crate::support::{App, peer, says, silent};

#[tokio::test]
async fn lines_sizes_and_all() {
    let peer = says("one\r\nt\rwo\nthree-four\n").await;
    assert_prints(
        peer,
        &[
            ("show(sock:receive())", "[one]"),
            (
                "show(sock:receive('*l')) show(sock:receive()) show(sock:receive(5))",
                "[one][two][three]",
            ),
            ("show(sock:receive(0)) show(sock:receive('4'))", "[][one\r]"),
            ("show(sock:receive('*a')) show(sock:receive('*a'))", "[one\r\nt\rwo\nthree-four\n][]"),
            ("show(sock:receive(100))", "[nil,closed,one\r\nt\rwo\nthree-four\n]"),
            (
                "sock:receive(10) show(sock:receive()) show(sock:receive())",
                "[three-four][nil,closed,]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_peer_that_has_closed_is_closed_for_good() {
    let peer = says("ab").await;
    assert_prints(
        peer,
        &[
            (
                "show(sock:receive()) show(sock:receive()) show(sock:receive(1))",
                "[nil,closed,ab][nil,closed][nil,closed]",
            ),
            ("sock:receive() show(sock:setkeepalive())", "[nil,closed]"),
            ("sock:receive() show(sock:close()) show(sock:close())", "[1][nil,closed]"),
            (
                "sock:close() show(sock:receive()) show(sock:receiveany(1))",
                "[nil,closed][nil,closed]",
            ),
            (
                "sock:close() show(sock:getreusedtimes()) show(sock:send('x'))",
                "[nil,closed][nil,closed]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_thread_that_is_killed_as_it_receives_or_sends_takes_the_connection_with_it() {
    let peer = peer(|mut stream| async move {
        stream.write_all(b"ab").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    for waits in ["sock:receive(10)", "sock:send(('x'):rep(3e7))"] {
        let source = format!(
            "local thread = ngx.thread.spawn(function() {waits} end)
             ngx.sleep(0.02)
             show(ngx.thread.kill(thread)) show(sock:receive(1)) show(sock:send('x')) show(sock:close())"
        );
        let gone = "[1][nil,closed][nil,closed][nil,closed]";
        assert_prints(peer, &[(&source, gone)]).await;
    }
}

#[tokio::test]
async fn a_read_timeout_leaves_the_socket_open_and_gives_what_came() {
    let peer = peer(|mut stream| async move {
        stream.write_all(b"first").await.unwrap();
        tokio::time::sleep(Duration::from_millis(150)).await;
        stream.write_all(b"second\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    })
    .await;
    assert_prints(
        peer,
        &[
            (
                "sock:settimeout(60) show(sock:receive()) sock:settimeout(5000) show(sock:receive())",
                "[nil,timeout,first][second]",
            ),
            (
                "sock:settimeouts(1000, 1000, 60) show(sock:receive(6)) show(sock:close())",
                "[nil,timeout,first][1]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn receiveany_gives_what_is_there() {
    let peer = peer(|mut stream| async move {
        stream.write_all(b"hello").await.unwrap();
        tokio::time::sleep(Duration::from_millis(80)).await;
        stream.write_all(b"world").await.unwrap();
    })
    .await;
    assert_prints(
        peer,
        &[
            (
                "show(sock:receiveany(100)) show(sock:receiveany(100)) show(sock:receiveany(9))",
                "[hello][world][nil,closed,]",
            ),
            ("show(sock:receiveany(2)) show(sock:receiveany(9))", "[he][llo]"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_no_pattern_is_an_error() {
    let peer = silent().await;
    let errors = [
        ("sock:receive('*b')", "bad argument #1 to 'receive' (bad pattern argument)"),
        ("sock:receive('lines')", "bad argument #1 to 'receive' (bad pattern argument: lines)"),
        ("sock:receive(-1)", "bad argument #1 to 'receive' (bad number argument)"),
        ("sock:receive(true)", "bad argument #1 to 'receive' (bad argument)"),
        ("sock:receive(1, 2)", "expecting 1 or 2 arguments (including the object), but got 3"),
        ("sock:receiveany()", "expecting 2 arguments (including the object), but got 1"),
        ("sock:receiveany('x')", "bad argument #1 to 'receiveany' (bad max argument)"),
        ("sock:receiveany(0)", "bad argument #1 to 'receiveany' (bad max argument)"),
        ("sock.receive(1)", "bad argument #1 to 'receive' (table expected, got number)"),
    ];
    for (source, expected) in errors {
        let source = format!(
            "local sock = ngx.socket.tcp() sock:connect('127.0.0.1', PORT)
             ngx.print(select(2, pcall(function() {source} end)))"
        );
        let error = App::reach(peer, &source).await;
        assert_eq!(error.split_once(": ").map(|(_, message)| message), Some(expected), "{source}");
    }
}

#[tokio::test]
async fn a_server_that_drips_ends_some_time() {
    let peer = peer(|mut stream| async move {
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let app = App::builder()
        .runtime(|runtime| crate::support::reaching(runtime).socket_buffer_size(40))
        .access(
            &"local sock = ngx.socket.connect('127.0.0.1', PORT)
              local _, err, partial = sock:receive()
              ngx.print(err, ' ', #partial)"
                .replace("PORT", &peer.port().to_string()),
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "buffer too small 41");
    assert_eq!(app.get("/").send().await.text(), "buffer too small 41");
}
