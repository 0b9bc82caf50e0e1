//! How many sockets there may be, and what becomes of them.

use std::time::Duration;

use tower_lua::Budget;

use crate::support::{App, echoes, peer, reaching, silent};

#[tokio::test]
async fn a_request_has_32_sockets_and_no_more() {
    let peer = echoes().await;
    let source = "
        local socks, err = {}
        for i = 1, 100 do
          socks[i] = ngx.socket.tcp()
          local ok
          ok, err = socks[i]:connect('127.0.0.1', PORT)
          if not ok then ngx.print(i - 1, ' ', err) break end
        end
        socks[1]:close()
        ngx.print(' ', socks[33]:connect('127.0.0.1', PORT))";
    let app = App::reaching(peer, source).await;
    for _ in 0..2 {
        let text = app.get("/").send().await.text();
        assert_eq!(text, "32 too many open sockets in this request 1");
        assert_eq!(app.runtime.stats().sockets, 0);
    }
}

#[tokio::test]
async fn a_vm_has_1024_sockets_and_no_more() {
    let peer = echoes().await;
    let source = "
        local socks = {}
        for i = 1, 32 do
          socks[i] = ngx.socket.tcp()
          local ok, err = socks[i]:connect('127.0.0.1', PORT)
          if not ok then return kong.response.exit(200, err) end
        end
        ngx.sleep(60)";
    let app = App::reaching(peer, source).await;
    let call = || {
        let call = app.get("/");
        tokio::spawn(async move { call.try_send().await })
    };
    let holding: Vec<_> = (0..32).map(|_| call()).collect();
    while app.runtime.stats().sockets < 1024 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(app.get("/").send().await.text(), "too many open sockets");
    holding[0].abort();
    while app.runtime.stats().sockets > 1024 - 32 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let next = call();
    while app.runtime.stats().sockets < 1024 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(!next.is_finished(), "it has found room");
    holding.iter().for_each(tokio::task::JoinHandle::abort);
    next.abort();
}

#[tokio::test]
async fn what_waits_in_pools_makes_room() {
    let peer = echoes().await;
    let source = "
        for i = 1, 32 do
          local sock = ngx.socket.tcp()
          assert(sock:connect('127.0.0.1', PORT, { pool = ngx.var.request_id .. i }))
          assert(sock:setkeepalive(0))
        end
        ngx.print('kept')";
    let app = App::reaching(peer, source).await;
    for _ in 0..36 {
        assert_eq!(app.get("/").send().await.text(), "kept");
    }
    assert_eq!(app.runtime.stats().sockets, 1024);
}

#[tokio::test]
async fn a_client_that_goes_away_takes_the_sockets_with_it() {
    let peer = silent().await;
    let source = "ngx.socket.connect('127.0.0.1', PORT):receive()";
    let app = App::reaching(peer, source).await;
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let call = app.get("/");
            tokio::spawn(async move { call.try_send().await.is_ok() })
        })
        .collect();
    while app.runtime.stats().sockets < 20 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    while app.runtime.stats().sockets > 0 || app.runtime.stats().suspended > 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn what_sockets_gather_counts_towards_the_memory_of_the_vm() {
    let peer = peer(|mut stream| async move {
        let data = vec![b'x'; 1 << 20];
        while tokio::io::AsyncWriteExt::write_all(&mut stream, &data).await.is_ok() {}
    })
    .await;
    let source = "
        local sock = ngx.socket.connect('127.0.0.1', PORT)
        local data, err, partial = sock:receive(ngx.var.arg_size)
        ngx.print(data and #data or err)"
        .replace("PORT", &peer.port().to_string());
    let budget = Budget::unlimited().memory(16 << 20);
    let runtime = |builder: tower_lua::RuntimeBuilder| reaching(builder.budget(budget));
    let app = App::builder().runtime(runtime).access(&source).serve().await;
    assert_eq!(app.get("/?size=99999999999").send().await.text(), "no memory");
    assert_eq!(app.get("/?size=*l").send().await.text(), "buffer too small");
    assert_eq!(app.get("/?size=2000000").send().await.text(), "2000000");
    assert_eq!(app.runtime.stats().sockets, 0);
}
