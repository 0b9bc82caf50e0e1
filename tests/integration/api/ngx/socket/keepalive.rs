//! `setkeepalive`, `getreusedtimes`, and pools.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::assert_prints;
use crate::support::{App, echoes, peer, says};

#[tokio::test]
async fn a_connection_that_is_kept_is_used_again() {
    let peer = echoes().await;
    let source = "
        local sock = ngx.socket.connect('127.0.0.1', PORT)
        local times = sock:getreusedtimes()
        sock:send('hi')
        ngx.print(times, ' ', sock:receive(2), ' ', sock:setkeepalive(1000, 10), ' ',
          tostring(sock:receive()))";
    let app = App::reaching(peer, source).await;
    for times in 0..3 {
        assert_eq!(app.get("/").send().await.text(), format!("{times} hi 1 nil"));
    }
    assert_eq!(app.runtime.stats().sockets, 1);
}

#[tokio::test]
async fn a_connection_with_something_unread_is_not_kept() {
    let chatty = says("unasked").await;
    let echoes = echoes().await;
    assert_prints(
        chatty,
        &[
            ("sock:receive(2) show(sock:setkeepalive())", "[nil,unread data in buffer]"),
            (
                "ngx.sleep(0.05) show(sock:setkeepalive()) show(sock:close())",
                "[nil,connection in dubious state][nil,closed]",
            ),
        ],
    )
    .await;
    assert_prints(
        echoes,
        &[
            ("show(sock:setkeepalive()) show(sock:setkeepalive()) show(sock:close())", "[1][nil,closed][nil,closed]"),
            (
                "show(select(2, pcall(sock.setkeepalive, sock, 'x')) ~= nil)
                 local ok, err = pcall(function() sock:setkeepalive('x') end) show(string.match(err, 'bad.*'))",
                "[true][bad argument #1 to 'setkeepalive' (number expected, got string)]",
            ),
            (
                "local ok, err = pcall(function() sock:setkeepalive(10, 0) end) show(string.match(err, 'bad.*'))",
                "[bad argument #2 to 'setkeepalive' (bad \"pool_size\" option value: 0)]",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn connections_that_wait_too_long_or_are_closed_go() {
    let peer = peer(|mut stream| async move {
        let _ = stream.write_all(b"x").await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    })
    .await;
    let source = "
        local sock = ngx.socket.connect('127.0.0.1', PORT)
        sock:receive(1)
        ngx.print(sock:getreusedtimes(), sock:setkeepalive(tonumber(ngx.var.arg_timeout)))";
    let app = App::reaching(peer, source).await;
    assert_eq!(app.get("/?timeout=60000").send().await.text(), "01");
    wait_for_sockets(&app, 0).await;
    assert_eq!(app.get("/?timeout=20").send().await.text(), "01");
    assert_eq!(app.runtime.stats().sockets, 1);
    wait_for_sockets(&app, 0).await;
    assert_eq!(app.get("/?timeout=0").send().await.text(), "01");
    wait_for_sockets(&app, 0).await;
}

/// Waits until so many sockets are open.
async fn wait_for_sockets(app: &App, count: usize) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while app.runtime.stats().sockets != count && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(app.runtime.stats().sockets, count);
}

#[tokio::test]
async fn a_pool_keeps_as_many_as_it_may_and_has_a_name() {
    let peer = echoes().await;
    let source = "
        local socks = {}
        for i = 1, 4 do
          socks[i] = ngx.socket.tcp()
          socks[i]:connect('127.0.0.1', PORT, { pool = 'two', pool_size = 2 })
        end
        for i = 1, 4 do socks[i]:setkeepalive() end
        local fresh = ngx.socket.connect('127.0.0.1', PORT)
        local kept = ngx.socket.tcp()
        kept:connect('127.0.0.1', PORT, { pool = 'two' })
        ngx.print(fresh:getreusedtimes(), ' ', kept:getreusedtimes())
        kept:setkeepalive()";
    let app = App::reaching(peer, source).await;
    assert_eq!(app.get("/").send().await.text(), "0 1");
    assert_eq!(app.runtime.stats().sockets, 2);
}

#[tokio::test]
async fn a_backlog_waits_for_its_turn() {
    let peer = echoes().await;
    let source = "
        local options = { pool = 'one', pool_size = 1, backlog = 1 }
        local sock = ngx.socket.tcp()
        local ok, err = sock:connect('127.0.0.1', PORT, options)
        if not ok then return ngx.print(err) end
        ngx.sleep(tonumber(ngx.var.arg_hold))
        ngx.print(sock:getreusedtimes())
        if ngx.var.arg_close then sock:close() else sock:setkeepalive() end";
    let app = App::reaching(peer, source).await;
    let (first, second, third) = tokio::join!(
        async { app.get("/?hold=0.2").send().await.text() },
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            app.get("/?hold=0&close=1").send().await.text()
        },
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            app.get("/?hold=0").send().await.text()
        },
    );
    assert_eq!([&*first, &*second, &*third], ["0", "1", "too many waiting connect operations"]);
    let (first, second) =
        tokio::join!(async { app.get("/?hold=0.1&close=1").send().await.text() }, async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            app.get("/?hold=0").send().await.text()
        },);
    assert_eq!([&*first, &*second], ["0", "0"]);
}

#[test]
fn a_pool_ends_with_the_runtime_whose_reactor_it_is_of() {
    let functions = |port: u16| {
        format!(
            "local sock = ngx.socket.connect('127.0.0.1', {port})
             sock:send('hi') ngx.print(sock:getreusedtimes(), sock:receive(2)) sock:setkeepalive()"
        )
    };
    let servers = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let peer = servers.block_on(echoes());
    let runtime = crate::support::reaching(tower_lua::Runtime::builder().vms(1)).build().unwrap();
    let functions = tower_lua::Functions::access("kept", functions(peer.port())).unwrap();
    for round in 0..3 {
        let own = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let printed = own.block_on(async {
            use tower::{Layer, ServiceExt};
            let layer = tower_lua::PreFunctionLayer::new(functions.clone()).runtime(&runtime);
            let mut texts = Vec::new();
            for _ in 0..2 {
                let service = layer.layer(crate::support::echo());
                let request = http::Request::new(http_body_util::Empty::<bytes::Bytes>::new());
                let response = service.oneshot(request).await.unwrap();
                let body = http_body_util::BodyExt::collect(response.into_body()).await;
                texts.push(body.ok().unwrap().to_bytes());
            }
            texts
        });
        assert_eq!(printed, ["0hi", "1hi"], "round {round}");
        assert_eq!(runtime.stats().sockets, 1);
        drop(own);
        assert_eq!(runtime.stats().sockets, 0, "round {round}");
    }
}
