//! `kong.cache`: one loader at a time, and what becomes of those that never come back.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tower_lua::Budget;

use crate::support::App;

/// Gives the value of the key, its level and the VM; the loader says that it runs, and sleeps for as
/// long as the header `sleep` says.
const GET: &str = "
    local sleep = tonumber(kong.request.get_header('sleep') or 0)
    local value, err, level = kong.cache:get('key', nil, function()
      require('recorder')('loading')
      if sleep > 0 then ngx.sleep(sleep) end
      return 'value'
    end)
    kong.response.exit(200, tostring(value or err) .. ' ' .. tostring(level) .. ' ' .. ngx.worker.id())";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_on_two_vms_load_a_value_once() {
    let app = App::builder().runtime(|runtime| runtime.vms(2)).access(GET).serve().await;
    let calls = (0..1000).map(|_| {
        let call = app.get("/").header("sleep", "0.3");
        tokio::spawn(call.send())
    });
    let mut levels = BTreeMap::<String, usize>::new();
    let mut vms = BTreeMap::<String, usize>::new();
    for reply in futures_util::future::join_all(calls).await {
        let text = reply.unwrap().text();
        let [value, level, vm] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert_eq!(value, "value");
        *levels.entry(level.to_owned()).or_default() += 1;
        *vms.entry(vm.to_owned()).or_default() += 1;
    }
    assert_eq!(app.recorder.entries(), ["loading"]);
    assert_eq!(levels["3"], 1);
    // Whoever gets the value in the other VM first gets it from what they share.
    assert_eq!(levels.get("2").copied().unwrap_or_default(), vms.len() - 1);
}

/// Sends a request whose loader sleeps for an hour, and waits until it does.
async fn begin_to_load(app: &App) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nsleep: 3600\r\n\r\n").await.unwrap();
    assert_eq!(app.recorder.wait_for(1).await, ["loading"]);
    stream
}

#[tokio::test]
async fn when_a_client_goes_away_the_next_one_loads() {
    let app = App::access(GET).await;
    let stream = begin_to_load(&app).await;
    let next = tokio::spawn(app.get("/").send());
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!next.is_finished());
    let before = Instant::now();
    drop(stream);
    assert_eq!(next.await.unwrap().text(), "value 3 0");
    assert!(before.elapsed() < Duration::from_secs(3));
    assert_eq!(app.recorder.entries(), ["loading", "loading"]);
}

#[tokio::test]
async fn when_a_client_that_waits_goes_away_the_others_get_the_value() {
    let app = App::access(GET).await;
    let first = tokio::spawn(app.get("/").header("sleep", "0.2").send());
    app.recorder.wait_for(1).await;
    let mut stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let third = tokio::spawn(app.get("/").send());
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(stream);
    assert_eq!(first.await.unwrap().text(), "value 3 0");
    assert_eq!(third.await.unwrap().text(), "value 1 0");
    assert_eq!(app.recorder.entries(), ["loading"]);
}

#[tokio::test]
async fn a_loader_that_fails_leaves_its_turn_to_the_next() {
    let app = App::access(
        "local fails = kong.request.get_header('fails')
         local value, err = kong.cache:get('key', nil, function()
           require('recorder')('loading')
           ngx.sleep(0.05)
           if fails then return nil, 'failed' end
           return 'value'
         end)
         kong.response.exit(200, value or err)",
    )
    .await;
    let failing = tokio::spawn(app.get("/").header("fails", "1").send());
    app.recorder.wait_for(1).await;
    let others: Vec<_> = (0..20).map(|_| tokio::spawn(app.get("/").send())).collect();
    assert_eq!(failing.await.unwrap().text(), "failed to get from node cache: failed");
    for other in others {
        assert_eq!(other.await.unwrap().text(), "value");
    }
    assert_eq!(app.recorder.entries(), ["loading", "loading"]);
}

/// Asserts that a request whose loader does `loader` leaves the key free for the next.
async fn assert_freed(function: &str) {
    let app = App::builder()
        .budget(Budget::default().memory(32 << 20))
        .access(&format!("if kong.request.get_path() == '/bad' then {function} end"))
        .access(
            "local value, err, level = kong.cache:get('key', nil, function() return 'value' end)
             kong.response.exit(200, tostring(value or err) .. level)",
        )
        .serve()
        .await;
    app.get("/bad").send().await;
    let before = Instant::now();
    let text = app.get("/").send().await.text();
    assert!(text.starts_with("value"), "{function}: {text}");
    assert!(before.elapsed() < Duration::from_secs(3), "{function}");
}

#[tokio::test]
async fn whatever_becomes_of_a_loader_its_key_is_free() {
    for loader in [
        "kong.response.exit(403)",
        "pcall(kong.response.exit, 403)",
        "ngx.exit(403)",
        "ngx.exit(ngx.OK)",
        "error('boom')",
        "while true do end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end",
        "coroutine.wrap(function() kong.response.exit(403) end)()",
        "table.sort({2, 1}, function() kong.response.exit(403) end)",
        "ngx.sleep(0.001) kong.response.exit(403)",
        "ngx.sleep(0.001) error('boom')",
    ] {
        assert_freed(&format!("kong.cache:get('key', nil, function() {loader} end)")).await;
        assert_freed(&format!("kong.cache:renew('key', nil, function() {loader} end)")).await;
    }
    // The coroutine is never resumed.
    assert_freed(
        "coroutine.wrap(function()
           kong.cache:get('key', nil, function() coroutine.yield() end)
         end)()",
    )
    .await;
}

// The clock is paused: it jumps when there is nothing to do but to wait for it.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_loader_without_end() {
    let app = App::access(GET).await;
    let _stream = begin_to_load(&app).await;
    let before = Instant::now();
    let expected = "failed to get from node cache: could not acquire callback lock: timeout nil 0";
    assert_eq!(app.get("/").send().await.text(), expected);
    assert_eq!(before.elapsed().as_millis() / 100, 50);
    // After ten seconds the loader is given up.
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(app.get("/").send().await.text(), "value 3 0");
}

#[tokio::test(start_paused = true)]
async fn an_old_value_is_better_than_to_wait_without_end() {
    let app = App::access(
        "local sleep = tonumber(kong.request.get_header('sleep') or 0)
         local value, err, level = kong.cache:get('key', {ttl = 1}, function()
           require('recorder')('loading')
           if sleep > 0 then ngx.sleep(sleep) end
           return 'value'
         end)
         kong.response.exit(200, tostring(value or err) .. ' ' .. tostring(level))",
    )
    .await;
    assert_eq!(app.get("/").send().await.text(), "value 3");
    tokio::time::advance(Duration::from_secs(2)).await;
    let loading = tokio::spawn(app.get("/").header("sleep", "8").send());
    app.recorder.wait_for(2).await;
    assert_eq!(app.get("/").send().await.text(), "value 4");
    assert_eq!(loading.await.unwrap().text(), "value 3");
}

#[tokio::test]
async fn a_loader_that_asks_for_its_own_value_is_told_at_once() {
    let text = App::eval(
        "kong.cache:get('k', nil, function()
           return select(2, kong.cache:get('k', nil, function() return 'inner' end))
         end)",
    )
    .await;
    let message = "failed to get from node cache: could not acquire callback lock: timeout";
    assert_eq!(text, format!("{message}, nil, 3"));
}

#[tokio::test]
async fn loaders_may_load_other_values() {
    let text = App::eval(
        "kong.cache:get('a', nil, function()
           ngx.sleep(0.001)
           return kong.cache:get('b', nil, function() ngx.sleep(0.001) return 'inner' end) .. '!'
         end), (kong.cache:get('b'))",
    )
    .await;
    assert_eq!(text, "inner!, inner");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_renew_a_value_one_loads_it() {
    let app = App::access(
        "local value, err, ttl = kong.cache:renew('key', {ttl = 60}, function()
           require('recorder')('loading')
           ngx.sleep(1)
           return 'value'
         end)
         kong.response.exit(200, tostring(value or err) .. ' ' .. math.ceil(ttl))",
    )
    .await;
    let (first, second) = tokio::join!(app.get("/").send(), app.get("/").send());
    assert_eq!((first.text(), second.text()), ("value 60".to_owned(), "value 60".to_owned()));
    assert_eq!(app.recorder.entries(), ["loading"]);
}

#[tokio::test]
async fn a_loader_works_in_every_phase() {
    let get = "local ok, value, err = pcall(kong.cache.get, kong.cache, 'key', nil, function() return 'value' end)
               require('recorder')(tostring(value))";
    let app = App::builder()
        .access(
            "if kong.request.get_path() == '/slow' then
               kong.cache:get('key', nil, function() require('recorder')('loading') ngx.sleep(3600) end)
             end",
        )
        .header_filter(get)
        .log(get)
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(2).await, ["value", "value"]);
}
