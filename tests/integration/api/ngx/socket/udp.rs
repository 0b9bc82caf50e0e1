//! `ngx.socket.udp`.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

use crate::support::{App, SHOW};

/// A server that gives each datagram back, but for `silence`.
async fn echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 9000];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            if &buffer[..length] != b"silence" {
                let _ = socket.send_to(&buffer[..length], from).await;
            }
        }
    });
    addr
}

#[tokio::test]
async fn datagrams_go_and_come() {
    let cases = [
        ("sock:send('hello') show(sock:receive())", "[hello]"),
        ("show(sock:send{'a', {1, 'b'}}) show(sock:receive())", "[1][a1b]"),
        ("sock:send('hello') show(sock:receive(3))", "[hel]"),
        (
            "sock:settimeout(50) sock:send('silence') show(sock:receive()) show(sock:close())",
            "[nil,timeout][1]",
        ),
        (
            "show(sock:close()) show(sock:close()) show(sock:send('x')) show(sock:receive())",
            "[1][nil,closed][nil,closed][nil,closed]",
        ),
        ("show(sock:setpeername('127.0.0.1', 70000))", "[nil,bad port number: 70000]"),
        ("show(sock:bind('127.0.0.1')) show(sock:bind('x'))", "[1][nil,bad address]"),
        ("show(sock:setpeername('localhost', PORT)) sock:send('x') show(sock:receive())", "[1][x]"),
    ];
    let peer = echo().await;
    for (source, expected) in cases {
        let source = format!(
            "local sock = ngx.socket.udp()
             assert(sock:setpeername('127.0.0.1', PORT))
             {SHOW}
             {source}"
        );
        assert_eq!(App::reach(peer, &source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn whoever_is_not_there_is_heard_of_before_the_timeout() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = closed.local_addr().unwrap();
    drop(closed);
    let source = "local sock = ngx.socket.udp()
        assert(sock:setpeername('127.0.0.1', PORT))
        assert(sock:send('hello'))
        ngx.print(select(2, sock:receive()), ', ')
        sock:send('again')
        ngx.print(select(2, sock:receive()))";
    assert_eq!(App::reach(addr, source).await, "connection refused, connection refused");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn unix_domain_sockets_are_answered() {
    let path = std::env::temp_dir().join(format!("tower-lua-udp-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let server = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let answering = std::thread::spawn(move || {
        let mut buffer = [0; 100];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        server.send_to_addr(&buffer[..length], &from).unwrap();
    });
    let source = format!(
        "local sock = ngx.socket.udp()
         assert(sock:setpeername('unix:{}'))
         sock:send('hello')
         ngx.print(sock:receive())",
        path.display()
    );
    let nobody = ([127, 0, 0, 1], 1).into();
    assert_eq!(App::reach(nobody, &source).await, "hello");
    answering.join().unwrap();
    std::fs::remove_file(&path).unwrap();
}
