//! `ngx.thread`: lua-nginx-module's order of running, and its words.

use std::time::Duration;

use crate::support::{App, Events};

/// What a function says when it runs `source`, in which `say` takes a line.
async fn said(source: &str) -> Vec<String> {
    let app = App::access(&format!("local say = require('recorder') {source}")).await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 200, "{source}: {}", reply.text());
    assert_eq!(app.runtime.stats().suspended, 0);
    app.recorder.entries()
}

#[tokio::test]
async fn a_thread_runs_at_once_until_it_waits() {
    let lines = said(
        "local function f() say('f 1') ngx.sleep(0.002) say('f 2') return 'done', 3 end
         say('before')
         local t = ngx.thread.spawn(f)
         say('after', coroutine.status(t))
         say(ngx.thread.wait(t))
         say(coroutine.status(t))",
    )
    .await;
    assert_eq!(lines, ["before", "f 1", "after running", "f 2", "true done 3", "dead"]);
}

#[tokio::test]
async fn one_that_has_ended_is_a_zombie_until_it_was_waited_for() {
    let lines = said(
        "local t = ngx.thread.spawn(function(a, b) say('hello', a, b) return 'done' end, 1, nil)
         say(coroutine.status(t))
         say(ngx.thread.wait(t))
         say(ngx.thread.wait(t))
         say(ngx.thread.kill(t))",
    )
    .await;
    let gone = "nil already waited or killed";
    assert_eq!(lines, ["hello 1 nil", "zombie", "true done", gone, gone]);
}

#[tokio::test]
async fn one_that_waits_in_a_coroutine_is_normal() {
    let lines = said(
        "local t = ngx.thread.spawn(function()
           coroutine.wrap(function() ngx.sleep(0.002) end)()
           ngx.sleep(0.002)
         end)
         say(coroutine.status(t))
         ngx.thread.spawn(function() ngx.sleep(0.003) say(coroutine.status(t)) end)
         ngx.thread.wait(t)
         say(coroutine.status(t))",
    )
    .await;
    assert_eq!(lines, ["normal", "running", "dead"]);
}

#[tokio::test]
async fn threads_that_yield_take_turns_with_their_parent() {
    let lines = said(
        "local function f(name)
           return function() for i = 1, 3 do say(name, i) coroutine.yield() end end
         end
         ngx.thread.spawn(f('a'))
         say('main')
         ngx.thread.spawn(f('b'))
         for i = 1, 3 do say('main', i) coroutine.yield() end",
    )
    .await;
    let expected = ["a 1", "main", "b 1", "a 2", "main 1", "b 2", "a 3", "main 2", "b 3", "main 3"];
    assert_eq!(lines, expected);
}

#[tokio::test(start_paused = true)]
async fn each_thread_waits_for_its_own() {
    let began = tokio::time::Instant::now();
    let lines = said(
        "local function nap(seconds) return function() ngx.sleep(seconds) say(seconds) return seconds end end
         local slow, fast = ngx.thread.spawn(nap(20)), ngx.thread.spawn(nap(10))
         say(ngx.thread.wait(slow, fast))
         say(coroutine.status(slow), coroutine.status(fast))
         say(ngx.thread.wait(fast, slow))",
    )
    .await;
    assert_eq!(lines, ["10", "true 10", "running dead", "20", "true 20"]);
    assert!(began.elapsed() < Duration::from_secs(25));
}

#[tokio::test]
async fn the_phase_ends_when_all_threads_have() {
    let lines = said(
        "ngx.thread.spawn(function() ngx.sleep(0.005) say('child') end)
         say('parent')",
    )
    .await;
    assert_eq!(lines, ["parent", "child"]);
}

#[tokio::test]
async fn a_thread_that_fails_is_logged_and_its_parent_is_told() {
    let events = Events::capture();
    let lines = said(
        "local function f() error('bad bad!', 0) end
         local t = ngx.thread.spawn(f)
         say(coroutine.status(t))
         say(ngx.thread.wait(t))
         t = ngx.thread.spawn(function() ngx.sleep(0.001) error({ code = 7 }) end)
         local ok, err = ngx.thread.wait(t)
         say(ok, err.code)",
    )
    .await;
    assert_eq!(lines, ["zombie", "false bad bad!", "false 7"]);
    let messages = events.messages();
    let aborted = "lua user thread aborted: runtime error: ";
    assert!(
        messages.iter().any(|m| m.starts_with(&format!("{aborted}bad bad!\n"))),
        "{messages:?}"
    );
    assert!(messages.iter().any(|m| m.starts_with(&format!("{aborted}unknown reason\n"))));
}

#[tokio::test]
async fn who_waits_for_a_thread_is_told_what_error_was_called_with() {
    for (raise, told) in [
        ("error('too late')", "false too late @ too late"),
        ("ngx.sleep(0.001) error('too late')", "false too late @ too late"),
        ("(function() error('of the caller', 2) end)()", "false of the caller @ of the caller"),
        ("error('bare', 0)", "false bare"),
        ("error(select(2, pcall(error, 'caught')))", "false caught @ caught"),
        (
            "local nothing = nothing.field",
            "false @ attempt to index global 'nothing' (a nil value)",
        ),
        ("assert(false, 'asserted')", "false @ asserted"),
    ] {
        let source = format!("say(ngx.thread.wait(ngx.thread.spawn(function() {raise} end)))");
        let place = "[string \"local say = require('recorder') say(ngx.threa...\"]:1:";
        assert_eq!(said(&source).await, [told.replace('@', place)], "{raise}");
    }
}

#[tokio::test]
async fn a_thread_can_be_killed_by_its_parent() {
    let lines = said(
        "local t = ngx.thread.spawn(function() ngx.sleep(3600) say('never') end)
         say(ngx.thread.kill(t))
         say(coroutine.status(t))
         say(ngx.thread.kill(t))
         say(ngx.thread.wait(t))
         t = ngx.thread.spawn(function() end)
         say(ngx.thread.kill(t))
         say(ngx.thread.kill(coroutine.create(function() end)))",
    )
    .await;
    let gone = "nil already waited or killed";
    let expected = ["1", "dead", gone, gone, "nil already terminated", "nil not user thread"];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn only_the_parent_waits_and_kills() {
    let lines = said(
        "local t = ngx.thread.spawn(function() ngx.sleep(0.01) end)
         local other = ngx.thread.spawn(function()
           say(pcall(ngx.thread.wait, t))
           say(ngx.thread.kill(t))
         end)
         say(pcall(ngx.thread.wait))
         say(pcall(ngx.thread.wait, 1))
         say(pcall(ngx.thread.wait, coroutine.create(function() end)))
         say(pcall(ngx.thread.spawn))
         say(pcall(ngx.thread.kill))",
    )
    .await;
    let ends = [
        "only the parent coroutine can wait on the thread",
        "nil killer not parent",
        "at least one coroutine should be specified",
        "bad argument #1 to 'wait' (lua thread expected)",
        "attempt to wait on a coroutine that is not a user thread",
        "bad argument #1 to 'spawn' (Lua function expected)",
        "bad argument #1 to 'kill' (lua thread expected)",
    ];
    assert_eq!(lines.len(), ends.len());
    for (line, end) in lines.iter().zip(ends) {
        assert!(line.ends_with(end), "{line}");
    }
}

#[tokio::test]
async fn an_exit_of_any_thread_ends_all() {
    for exit in
        ["ngx.sleep(0.001) kong.response.exit(418, 'teapot')", "kong.response.exit(418, 'teapot')"]
    {
        let app = App::builder()
            .access(&format!(
                "ngx.thread.spawn(function() ngx.sleep(3600) end)
                 ngx.thread.spawn(function() {exit} end)
                 ngx.sleep(3600)"
            ))
            .access("require('recorder')('second')")
            .serve()
            .await;
        let reply = app.get("/").send().await;
        assert_eq!((reply.status.as_u16(), reply.text()), (418, "teapot".to_owned()));
        assert_eq!((app.recorder.entries().len(), app.runtime.stats().suspended), (0, 0));
    }
}

#[tokio::test]
async fn a_function_that_fails_takes_its_threads_with_it() {
    let app = App::access("ngx.thread.spawn(function() ngx.sleep(3600) end) error('gone')").await;
    assert_eq!(app.get("/").send().await.status, 500);
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn coroutines_of_threads_wait_and_have_threads_of_their_own() {
    let lines = said(
        "local co = coroutine.wrap(function()
           local t = ngx.thread.spawn(function() ngx.sleep(0.002) return 'inner' end)
           say('in', coroutine.status(t))
           say(ngx.thread.wait(t))
           coroutine.yield('yielded')
           ngx.sleep(0.001)
           return 'returned'
         end)
         say(co())
         say(co())",
    )
    .await;
    assert_eq!(lines, ["in running", "true inner", "yielded", "returned"]);
}

#[tokio::test]
async fn two_threads_read_the_body() {
    let app = App::access(
        "local function read() return kong.request.get_raw_body() end
         local a, b = ngx.thread.spawn(read), ngx.thread.spawn(read)
         local _, one = ngx.thread.wait(a)
         local _, two = ngx.thread.wait(b)
         kong.response.exit(200, one .. two)",
    )
    .await;
    assert_eq!(app.post("/").body("hi").send().await.text(), "hihi");
}

#[tokio::test]
async fn threads_work_in_every_phase() {
    let source =
        "local t = ngx.thread.spawn(function() ngx.sleep(0.001) return ngx.get_phase() end)
                  require('recorder')(select(2, ngx.thread.wait(t)))";
    let app = App::builder()
        .rewrite(source)
        .access(source)
        .header_filter(source)
        .body_filter(source)
        .log(source)
        .serve()
        .await;
    app.get("/").send().await;
    app.runtime.drain().await;
    let phases = app.recorder.wait_for(6).await;
    assert_eq!(phases.first().map(String::as_str), Some("rewrite"));
    assert_eq!(phases.last().map(String::as_str), Some("log"));
}

#[tokio::test]
async fn a_function_of_c_is_no_thread() {
    let lines = said("say(select(2, pcall(function() ngx.thread.spawn(math.floor, 1) end)))").await;
    assert!(
        lines[0].ends_with(": bad argument #1 to 'spawn' (Lua function expected)"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn two_threads_that_want_a_value_load_it_once() {
    let lines = said(
        "local loads = 0
         local function value()
           return kong.cache:get('key', nil, function()
             loads = loads + 1
             ngx.sleep(0.01)
             return 'value ' .. loads
           end)
         end
         local a, b = ngx.thread.spawn(value), ngx.thread.spawn(value)
         say(select(2, ngx.thread.wait(a)))
         say(select(2, ngx.thread.wait(b)))",
    )
    .await;
    assert!(lines.iter().all(|line| line.starts_with("value 1")), "{lines:?}");
}

#[tokio::test]
async fn a_thousand_threads_sleep() {
    let lines = said(
        "local threads, sum = {}, 0
         for i = 1, 1000 do
           threads[i] = ngx.thread.spawn(function() ngx.sleep(0.01) return i end)
         end
         for i = 1, 1000 do sum = sum + select(2, ngx.thread.wait(threads[i])) end
         say(sum)",
    )
    .await;
    assert_eq!(lines, ["500500"]);
}

#[tokio::test]
async fn a_bomb_of_threads_is_bounded_and_the_next_request_is_served() {
    let app = App::access(
        "if kong.request.get_path() == '/bomb' then
           while true do ngx.thread.spawn(function() ngx.sleep(3600) end) end
         end
         kong.response.exit(200, 'honest')",
    )
    .await;
    assert_eq!(app.get("/bomb").send().await.status, 500);
    assert_eq!(app.runtime.stats().suspended, 0);
    assert_eq!(app.get("/").send().await.text(), "honest");
}

#[tokio::test]
async fn a_client_that_goes_away_takes_the_threads_with_it() {
    let app = App::access(
        "for _ = 1, 10 do ngx.thread.spawn(function() ngx.sleep(3600) end) end
         require('recorder')('waits')",
    )
    .await;
    let call = tokio::spawn(app.get("/").send());
    app.recorder.wait_for(1).await;
    call.abort();
    while app.runtime.stats().suspended > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
