//! `resty.redis`, over a real server.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower_lua::{Network, Sandbox};

use crate::support::{App, SHOW, Server, peer, reaching};

const HEAD: &str = "
    local redis = require('resty.redis')
    local function new()
      local red = redis:new()
      red:set_timeouts(5000, 5000, 5000)
      assert(red:connect('SERVER'))
      return red
    end
    local red = new()
";

#[tokio::test]
async fn commands_pipelines_transactions_and_scripts() {
    let Some(server) = Server::redis() else { return };
    let cases = [
        ("show(red:set('dog', 'an animal')) show(red:get('dog'))", "[OK,nil][an animal,nil]"),
        ("show(red:get('none') == ngx.null)", "[true]"),
        ("show(red:incr('n')) show(red:INCR('n'))", "[1,nil][2,nil]"),
        ("show(red:incr('dog'))", "[false,ERR value is not an integer or out of range]"),
        (
            "show(red:mset('a', 1, 'b', 'x\\r\\ny')) show(red:mget('a', 'b', 'none'))",
            r#"[OK,nil][["1","x\r\ny",null],nil]"#,
        ),
        (
            "red:hmset('h', { one = 1 }) red:hmset('h', 'two', 2)
          show(red:array_to_hash(red:hgetall('h')).two)",
            "[2]",
        ),
        ("red:rpush('l', 1, 2) show(red:lrange('l', 0, -1))", r#"[["1","2"],nil]"#),
        (
            "show(red:eval('return {KEYS[1],7,{1,{redis.error_reply(\"no\")}}}', 1, 'k'))",
            r#"[["k",7,[1,[[false,"ERR no"]]]],nil]"#,
        ),
        (
            "red:init_pipeline() red:set('p', 1) red:incr('dog') red:get('p')
          show(red:commit_pipeline())",
            r#"[["OK",[false,"ERR value is not an integer or out of range"],"1"]]"#,
        ),
        (
            "red:init_pipeline() red:set('p', 2) red:cancel_pipeline()
          show(red:commit_pipeline()) show(red:get('p'))",
            "[nil,no pipeline][1,nil]",
        ),
        ("red:multi() show(red:incr('t')) show(red:exec())", "[QUEUED,nil][[1],nil]"),
        ("show(#red:set('big', ('x'):rep(300000))) show(#red:get('big'))", "[2][300000]"),
        ("show(red:nonsense() == false)", "[true]"),
        (
            "show(redis.get({}, 'x')) show(pcall(red.connect, red, 'h', {}))",
            "[nil,not initialized][false,bad argument #2 port: number expected, got table]",
        ),
        (
            "redis.register_module_prefix('ft') show(select(2, red:ft():info('x')):match(\"'(.-)'\"))",
            "[ft.info]",
        ),
        ("show(red:close()) show(red:get('dog'))", "[1][nil,closed]"),
        (
            "red:config('set', 'requirepass', 'secret') local other = new() show(other:get('dog'))
             show(other:auth('wrong') == false) show(other:auth('secret')) show(other:get('dog'))",
            "[false,NOAUTH Authentication required.][true][OK,nil][an animal,nil]",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(server.reach(&format!("{SHOW}{HEAD}{source}")).await, expected, "{source}");
    }
}

#[tokio::test]
async fn subscriptions_over_a_connection_that_waits() {
    let Some(server) = Server::redis() else { return };
    let source = "
        show(red:read_reply()) show(red:subscribe('cat')) show(red:psubscribe('d*'))
        show(red:set_keepalive())
        local other = new()
        local reader = ngx.thread.spawn(function()
          for _ = 1, 2 do show(red:read_reply()) end
        end)
        other:publish('cat', 'one') other:publish('dog', 'two')
        ngx.thread.wait(reader)
        red:set_timeout(20) show(red:read_reply())
        show(red:unsubscribe()) show(red:punsubscribe()) show(red:read_reply())
        show(red:set_keepalive(10000, 5)) show(red:get('x'))
        local again = new() show(again:get_reused_times())";
    let expected = r#"[nil,not subscribed][["subscribe","cat",1],nil][["psubscribe","d*",2],nil][nil,subscribed state][["message","cat","one"],nil][["pmessage","d*","dog","two"],nil][nil,timeout][["unsubscribe","cat",1],nil][["punsubscribe","d*",0],nil][nil,not subscribed][1][nil,closed][1]"#;
    assert_eq!(server.reach(&format!("{SHOW}{HEAD}{source}")).await, expected);
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_an_error() {
    let cases = [
        ("?x\r\n", "unknown reply: \"?x\""),
        ("$x\r\n", "unknown reply: \"$x\""),
        ("!1\r\n", "unknown prefix: \"!\""),
        ("$5\r\nab", "closed"),
        ("*2\r\n:1\r\n", "closed"),
    ];
    for (says, expected) in cases {
        let peer = answers(says.as_bytes().to_vec()).await;
        let source = "local red = require('resty.redis'):new()
            assert(red:connect('127.0.0.1', PORT)) ngx.print(select(2, red:get('x')))";
        assert_eq!(App::reach(peer, source).await, expected, "{says}");
    }
    let deep = answers(b"*1\r\n".repeat(9999)).await;
    let source = "local red = require('resty.redis'):new()
        assert(red:connect('127.0.0.1', PORT)) ngx.print(select(2, red:get('x')))";
    assert_eq!(App::reach(deep, source).await, "reply is nested too deeply");
}

/// A server that reads something, says `reply`, and closes the connection.
async fn answers(reply: Vec<u8>) -> SocketAddr {
    peer(move |mut stream| {
        let reply = reply.clone();
        async move {
            let _ = stream.read(&mut [0; 256]).await;
            let _ = stream.write_all(&reply).await;
        }
    })
    .await
}

#[tokio::test]
async fn it_is_there_where_the_network_is_allowed() {
    for name in ["resty.redis", "resty.memcached"] {
        let source = format!("ngx.print(type(require('{name}')))");
        let app = App::builder().runtime(reaching).access(&source).serve().await;
        assert_eq!(app.get("/").send().await.text(), "table");
        let without = |sandbox: Sandbox| {
            App::builder().runtime(|runtime| runtime.sandbox(sandbox)).access(&source).serve()
        };
        let off = without(Sandbox::default().network(Network::off())).await;
        assert_eq!(off.get("/").send().await.status, 500);
    }
}

#[tokio::test]
async fn libraries_of_the_operators_need_no_permission_where_the_network_is_allowed() {
    let folder = std::env::temp_dir().join(format!("tower-lua-mysql-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("resty")).unwrap();
    std::fs::write(folder.join("resty/mysql.lua"), "return { whose = 'the operator' }").unwrap();
    let source = "ngx.print(require('resty.mysql').whose)";
    let with = |sandbox: Sandbox| {
        let runtime =
            |builder: tower_lua::RuntimeBuilder| builder.sandbox(sandbox).module_path(&folder);
        App::builder().runtime(runtime).access(source).serve()
    };
    let on = with(Sandbox::default().network(Network::any())).await;
    assert_eq!(on.get("/").send().await.text(), "the operator");
    let off = with(Sandbox::default()).await;
    assert_eq!(off.get("/").send().await.status, 500);
    std::fs::remove_dir_all(&folder).unwrap();
}
