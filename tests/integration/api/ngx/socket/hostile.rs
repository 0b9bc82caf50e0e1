//! Functions and servers that mean no good, and clients that go away. Each time an honest request is served
//! next.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_lua::{Budget, RuntimeBuilder};

use crate::support::{App, echoes, peer, reaching, silent};

/// An application whose function does what `attacks` says for the path `/attack`, and talks to an honest
/// server for any other, within a budget as it is by default.
async fn app(hostile: SocketAddr, attack: &str) -> App {
    let honest = echoes().await.port();
    let source = format!(
        "local function attack() {attack} end
         if kong.request.get_path() == '/attack' then return attack() end
         local sock = assert(ngx.socket.connect('127.0.0.1', {honest}))
         assert(sock:send('hello\\n'))
         ngx.print(sock:receive())
         sock:close()"
    );
    let source = source.replace("PORT", &hostile.port().to_string());
    let runtime = |builder: RuntimeBuilder| reaching(builder.budget(Budget::default()));
    App::builder().runtime(runtime).access(&source).serve().await
}

/// Waits until nothing is left of the attack, and asks for what is honest.
async fn assert_honest(app: &App, attack: &str) {
    while app.runtime.stats().sockets > 0 || app.runtime.stats().suspended > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let text = app.get("/").send().await.text();
    assert_eq!(text, "hello", "{attack}");
}

/// A server that sends without end.
async fn talkative() -> SocketAddr {
    peer(|mut stream| async move { while stream.write_all(&[b'x'; 1 << 16]).await.is_ok() {} })
        .await
}

#[tokio::test]
async fn what_never_ends_is_bounded() {
    let peer = talkative().await;
    let attacks = [
        // 64 MiB are less than the VM has, but may be more than it has left.
        ("return sock:receive('*a')", "buffer too small or not enough memory"),
        ("return sock:receive()", "buffer too small"),
        ("return sock:receiveuntil('y')()", "buffer too small"),
        ("local t = {} while true do t[#t + 1] = sock:receive(100000) end", "not enough memory"),
        ("while true do sock:receiveany(10) end", "stopped"),
        ("local next = sock:receiveuntil('xy') while true do next(10) end", "stopped"),
    ];
    for (attack, comes_to) in attacks {
        let connected = format!(
            "local sock = ngx.socket.connect('127.0.0.1', PORT)
             ngx.print((select(2, (function() {attack} end)())))"
        );
        let app = app(peer, &connected).await;
        let reply = app.get("/attack").send().await;
        if reply.status == 200 {
            assert!(comes_to.starts_with(&reply.text()), "{attack}: {}", reply.text());
        } else {
            assert_eq!(reply.status, 500, "{attack}");
            assert_ne!(comes_to, "buffer too small", "{attack}");
        }
        assert_honest(&app, attack).await;
    }
}

#[tokio::test]
async fn bombs_of_sockets_go_off_in_their_request() {
    let peer = silent().await;
    let attacks = [
        "for _ = 1, 1000 do
           ngx.thread.spawn(function() ngx.socket.connect('127.0.0.1', PORT) end)
         end
         ngx.exit(200)",
        "local socks = {}
         for i = 1, 100000 do socks[i] = ngx.socket.tcp() socks[i]:connect('127.0.0.1', PORT) end",
        "for _ = 1, 1000 do
           coroutine.wrap(function() ngx.socket.tcp():connect('127.0.0.1', PORT) end)()
         end",
        "for _ = 1, 1000 do ngx.socket.udp():setpeername('127.0.0.1', PORT) end",
        "while true do ngx.socket.tcp() end",
        "local function spawn() ngx.thread.spawn(spawn) ngx.socket.connect('127.0.0.1', PORT) end
         spawn()",
        "local sock = ngx.socket.tcp() while true do sock:connect('127.0.0.1', PORT) sock:close() end",
        "local data = ('x'):rep(1000000)
         for _ = 1, 1000 do
           ngx.thread.spawn(function() ngx.socket.connect('127.0.0.1', PORT):send(data) end)
         end
         ngx.exit(200)",
    ];
    for attack in attacks {
        let app = app(peer, attack).await;
        let attacking = app.get("/attack");
        let attacking = tokio::spawn(async move { attacking.try_send().await.is_ok() });
        let patience = Duration::from_secs(60);
        assert!(tokio::time::timeout(patience, attacking).await.is_ok(), "{attack}");
        assert_honest(&app, attack).await;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind_whatever_its_function_waits_for() {
    let peer = silent().await;
    let waits = [
        "ngx.socket.connect('127.0.0.1', PORT):receive('*a')",
        "ngx.socket.connect('127.0.0.1', PORT):receiveuntil('x')()",
        "local sock = ngx.socket.connect('127.0.0.1', PORT)
         while sock:send(('x'):rep(1000000)) do ngx.sleep(0) end",
        "local sock = ngx.socket.udp() sock:setpeername('127.0.0.1', PORT) sock:receive()",
        "ngx.socket.connect('127.0.0.1', PORT):sslhandshake()",
        "local one, two = ngx.socket.tcp(), ngx.socket.tcp()
         one:connect('127.0.0.1', PORT, { pool_size = 1, backlog = 5 })
         two:connect('127.0.0.1', PORT, { pool_size = 1, backlog = 5 })",
        "local threads = {}
         for i = 1, 5 do
           threads[i] = ngx.thread.spawn(function() ngx.socket.connect('127.0.0.1', PORT):receive() end)
         end
         ngx.thread.wait(unpack(threads))",
        "require('resty.http').new():request_uri('http://127.0.0.1:PORT/')",
        "local red = require('resty.redis'):new() red:connect('127.0.0.1', PORT) red:get('x')",
    ];
    for wait in waits {
        let app = app(peer, wait).await;
        let call = app.get("/attack");
        let waiting = tokio::spawn(async move { call.try_send().await.is_ok() });
        while app.runtime.stats().sockets == 0 || app.runtime.stats().suspended == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        waiting.abort();
        assert_honest(&app, wait).await;
    }
}

#[tokio::test]
async fn one_thread_sends_and_another_receives_on_one_socket() {
    let peer = peer(|mut stream| async move {
        let mut buffer = [0; 1000];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            if stream.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    });
    let source = "
        local sock = ngx.socket.connect('127.0.0.1', PORT)
        local received = ngx.thread.spawn(function()
          local sum = 0
          for i = 1, 1000 do sum = sum + assert(sock:receive()) end
          return sum
        end)
        local sent = ngx.thread.spawn(function()
          for i = 1, 1000 do
            assert(sock:send(i .. '\\n'))
            if i % 100 == 0 then ngx.sleep(0) end
          end
          return 'sent'
        end)
        -- Two may not do the same.
        ngx.print(select(2, sock:receive()), ' ')
        ngx.print(select(2, ngx.thread.wait(received)), ' ', select(2, ngx.thread.wait(sent)))";
    assert_eq!(App::reach(peer.await, source).await, "socket busy reading 500500 sent");
}

#[tokio::test]
async fn what_waits_to_be_sent_counts_as_the_requests_memory() {
    let attack = "
        local long, refused = ('x'):rep(1e7), 0
        local threads = {}
        for i = 1, 12 do
          threads[i] = ngx.thread.spawn(function()
            local sock = assert(ngx.socket.connect('127.0.0.1', PORT))
            sock:settimeout(50)
            local ok, err = pcall(sock.send, sock, long)
            if not ok and err == 'not enough memory' then refused = refused + 1 end
          end)
        end
        for i = 1, 12 do ngx.thread.wait(threads[i]) end
        ngx.print(tostring(refused > 0 and refused < 12))";
    let app = app(silent().await, attack).await;
    let text = app.get("/attack").send().await.text();
    assert_eq!(text, "true");
    assert_honest(&app, attack).await;
}

#[tokio::test]
async fn heads_of_responses_whose_bodies_do_not_come_count_as_the_requests_memory() {
    let server = peer(|mut stream| async move {
        let field = format!("X-Long: {}\r\n", "a".repeat(10_000)).repeat(60);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n{field}\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let source = format!(
        "local refused, silent, threads = 0, 0, {{}}
         for i = 1, 12 do
           threads[i] = ngx.thread.spawn(function()
             local httpc = require('resty.http').new()
             httpc:set_timeout(1000)
             local _, err = httpc:request_uri('http://127.0.0.1:{}/')
             if err == 'no memory' then refused = refused + 1 else silent = silent + 1 end
           end)
         end
         for i = 1, 12 do ngx.thread.wait(threads[i]) end
         ngx.print(tostring(refused > 0 and silent > 0))",
        server.port()
    );
    let budget = Budget::default().request_memory(4 << 20);
    let runtime = |builder: RuntimeBuilder| reaching(builder.budget(budget));
    let app = App::builder().runtime(runtime).access(&source).serve().await;
    assert_eq!(app.get("/").send().await.text(), "true");
}
