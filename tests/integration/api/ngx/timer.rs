//! `ngx.timer`: functions that run later, for no request.

use std::time::Duration;

use tower_lua::{Budget, Functions, Phase, PreFunctionLayer, Runtime};

use super::error_of;
use crate::support::{App, AppBuilder, Events, Recorder, echo, patient, serve};

/// What a function and its timers say by `say`, once it is `count` lines.
async fn said(source: &str, count: usize) -> Vec<String> {
    let app = App::access(&format!("local say = require('recorder') {source}")).await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 200, "{source}: {}", reply.text());
    app.recorder.wait_for(count).await
}

#[tokio::test]
async fn a_timer_runs_after_its_request_with_the_arguments_it_was_given() {
    let lines = said(
        "say('started', ngx.timer.at(0, function(premature, ...)
           say(premature, select('#', ...), ...)
           say(ngx.get_phase(), ngx.timer.pending_count(), ngx.timer.running_count())
         end, 1, nil, 'x', nil))
         say('counted', ngx.timer.pending_count(), ngx.timer.running_count())",
        4,
    )
    .await;
    assert_eq!(lines, ["started 1", "counted 1 0", "false 4 1 nil x nil", "timer 0 1"]);
}

#[tokio::test]
async fn a_timer_is_started_in_every_phase() {
    let source =
        "ngx.timer.at(0, function(_, from) require('recorder')(from) end, ngx.get_phase())";
    let app = App::builder()
        .rewrite(source)
        .access(source)
        .header_filter(source)
        .body_filter(source)
        .log(source)
        .serve()
        .await;
    assert_eq!(app.post("/").body("hello").send().await.status, 200);
    let phases = app.recorder.wait_for(6).await;
    for phase in ["rewrite", "access", "header_filter", "body_filter", "log"] {
        assert!(phases.iter().any(|entry| entry == phase), "{phase}: {phases:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn timers_expire_in_the_order_of_their_delays() {
    let lines = said(
        "local began = ngx.now()
         for _, delay in ipairs { 0.3, 0.1, 0.2, 0 } do
           assert(ngx.timer.at(delay, function() say(delay) end))
         end",
        4,
    )
    .await;
    assert_eq!(lines, ["0", "0.1", "0.2", "0.3"]);
}

#[tokio::test]
async fn timers_start_timers_wait_and_spawn_threads() {
    let lines = said(
        "local function again(premature, count)
           local t = ngx.thread.spawn(function() ngx.sleep(0.001) return count end)
           say(select(2, ngx.thread.wait(t)))
           if count < 3 then assert(ngx.timer.at(0.001, again, count + 1)) end
         end
         ngx.timer.at(0, again, 1)",
        3,
    )
    .await;
    assert_eq!(lines, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn every_runs_again_and_again_until_the_server_ends() {
    let app = App::access(
        "local runs = 0
         assert(ngx.timer.every(1, function(premature, name)
           runs = runs + 1
           require('recorder')(name, runs, premature, ngx.timer.pending_count(), ngx.worker.exiting())
         end, 'tick') == 1)",
    )
    .await;
    app.get("/").send().await;
    app.recorder.wait_for(2).await;
    app.runtime.drain().await;
    let entries = app.recorder.entries();
    assert_eq!(entries[..2], ["tick 1 false 1 false", "tick 2 false 1 false"]);
    let last = entries.last().expect("one at least");
    assert!(last.ends_with("true 0 true"), "{entries:?}");
}

#[tokio::test]
async fn pending_timers_run_before_their_time_when_the_server_ends() {
    let app = App::access(
        "local say = require('recorder')
         ngx.timer.at(3600, function(premature, what)
           say(what, premature)
           say(ngx.timer.at(1, print))
           say(ngx.timer.every(1, print))
           say(ngx.timer.at(0, function(premature) say('at once', premature) end))
         end, 'late')",
    )
    .await;
    app.get("/").send().await;
    app.runtime.drain().await;
    let exiting = "nil process exiting";
    assert_eq!(app.recorder.entries(), ["late true", exiting, exiting, "1", "at once false"]);
    assert_eq!(app.runtime.stats().suspended, 0);
}

#[tokio::test]
async fn arguments_are_checked_in_nginxs_words() {
    for (source, error) in [
        ("ngx.timer.at()", "expecting at least 2 arguments but got 0"),
        ("ngx.timer.every(1)", "expecting at least 2 arguments but got 1"),
        ("ngx.timer.at('x', print)", "bad argument #1 to 'at' (number expected, got string)"),
        ("ngx.timer.every(nil, f)", "bad argument #1 to 'every' (number expected, got nil)"),
        ("ngx.timer.every(0, function() end)", "delay cannot be zero"),
        ("ngx.timer.every(0.0001, function() end)", "delay cannot be zero"),
        ("ngx.timer.at(-1, function() end)", "invalid delay"),
        ("ngx.timer.at(0/0, function() end)", "invalid delay"),
        ("ngx.timer.at(0, 'f')", "bad argument #2 to 'at' (Lua function expected)"),
        ("ngx.timer.at(0, nil)", "bad argument #2 to 'at' (Lua function expected)"),
        ("ngx.timer.every(1, math.floor)", "bad argument #2 to 'every' (Lua function expected)"),
    ] {
        assert_eq!(error_of(source).await, error, "{source}");
    }
}

#[tokio::test]
async fn ten_thousand_timers_are_refused_past_the_limit() {
    let events = Events::capture();
    let app = App::access(
        "if ngx.var.arg_count then
           local started, why = 0
           for _ = 1, 10000 do
             local ok, err = ngx.timer.at(3600, function() end)
             if ok then started = started + 1 else why = err end
           end
           return kong.response.exit(200, started .. ' ' .. why)
         end",
    )
    .await;
    assert_eq!(app.get("/?count=1").send().await.text(), "1024 too many pending timers");
    assert_eq!(app.get("/").send().await.status, 200);
    app.runtime.drain().await;
    // All of them run at last, in the line.
    assert_eq!(events.messages().len(), 0);
}

#[tokio::test]
async fn a_timer_that_expires_while_too_many_run_does_not() {
    let events = Events::capture();
    let app = AppBuilder::timers(1024, 2)
        .access(
            "for _ = 1, 3 do
               ngx.timer.at(0, function() require('recorder')('runs') ngx.sleep(3600) end)
             end",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 200);
    assert_eq!(app.recorder.wait_for(2).await.len(), 2);
    while events.messages().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let said = "lua failed to run timer with function defined at [string \"for _ = 1, 3 do...\"]:2: \
                2 lua_max_running_timers are not enough";
    assert_eq!(events.messages(), [said]);
    assert_eq!(app.recorder.entries().len(), 2);
}

impl AppBuilder {
    /// An application whose VM may have so many timers.
    fn timers(pending: usize, running: usize) -> Self {
        App::builder()
            .runtime(|runtime| runtime.max_pending_timers(pending).max_running_timers(running))
    }
}

#[tokio::test]
async fn a_failure_is_logged_with_its_place() {
    let events = Events::capture();
    let app = App::access("ngx.timer.at(0, function()\n  local x = nil\n  return x.y\nend)").await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 200);
    app.runtime.drain().await;
    let events = events.all();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    let said = "[pre-function] pre: timer[1]: [string \"ngx.timer.at(0, function()...\"]:3: \
                attempt to index local 'x' (a nil value)";
    assert_eq!((event.message(), event.field("phase"), event.field("line")), (said, "timer", "3"));
}

#[tokio::test]
async fn what_needs_a_request_is_refused_in_a_timer() {
    let current = "API disabled in the current context";
    let timer = "API disabled in the context of ngx.timer";
    let kong = "no phase in ngx.ctx.KONG_PHASE, (need one of ";
    for (source, error) in [
        ("local _ = ngx.var.uri", current),
        ("local _ = ngx.status", current),
        ("ngx.status = 200", current),
        ("ngx.req.raw_header()", current),
        ("ngx.req.get_headers()", current),
        ("ngx.req.set_header('foo', 32)", current),
        ("ngx.req.clear_header('foo')", current),
        ("ngx.req.set_uri('/foo')", current),
        ("ngx.req.set_uri_args('foo')", current),
        ("ngx.redirect('/foo')", timer),
        ("ngx.exec('/foo')", timer),
        ("ngx.say('hello')", timer),
        ("ngx.print('hello')", timer),
        ("ngx.flush()", timer),
        ("ngx.send_headers()", timer),
        ("ngx.req.get_uri_args()", current),
        ("ngx.req.read_body()", timer),
        ("ngx.req.discard_body()", current),
        ("ngx.req.init_body()", current),
        ("ngx.header.foo = 3", current),
        ("ngx.on_abort(f)", timer),
        ("ngx.req.get_method()", current),
        ("ngx.req.set_method(ngx.HTTP_POST)", current),
        ("ngx.req.http_version()", current),
        ("ngx.req.get_post_args()", current),
        ("ngx.req.get_body_data()", current),
        ("ngx.req.get_body_file()", current),
        ("ngx.req.set_body_data('foo')", current),
        ("ngx.req.set_body_file('foo')", current),
        ("ngx.req.append_body('foo')", current),
        ("ngx.req.finish_body()", current),
        ("local _ = ngx.headers_sent", current),
        ("ngx.eof()", timer),
        ("ngx.req.socket()", timer),
        ("kong.client.get_ip()", current),
        ("kong.request.get_path()", kong),
        ("kong.response.exit(200)", kong),
        ("kong.service.request.set_header('a', 'b')", kong),
        ("kong.log.serialize()", kong),
    ] {
        let source = format!(
            "ngx.timer.at(0, function()
               local f = function() end
               local ok, err = pcall(function() {source} end)
               say(err)
             end)"
        );
        let lines = said(&source, 1).await;
        assert!(lines[0].contains(error), "{source}: {lines:?}");
    }
}

#[tokio::test]
async fn what_needs_no_request_works_in_a_timer() {
    let app = App::builder()
        .runtime(|runtime| runtime.shared_dict("dict", 1 << 20))
        .access(
            "ngx.ctx.mine, kong.ctx.shared.mine = 'request', 'request'
             ngx.timer.at(0, function()
               local say = require('recorder')
               say(ngx.ctx.mine, kong.ctx.shared.mine)
               ngx.ctx.mine = 'timer'
               say(ngx.ctx.mine, ngx.md5('x'), ngx.re.match('ab', 'a')[0])
               ngx.shared.dict:set('a', 1)
               say((ngx.shared.dict:get('a')), (kong.cache:get('key', nil, function() return 7 end)))
               say(pcall(ngx.sleep, 0), kong.node.get_id() ~= nil, kong.ip.is_trusted('127.0.0.1'))
               kong.log.notice('from a timer')
               ngx.exit(ngx.OK)
               say('not reached')
             end)",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 200);
    app.runtime.drain().await;
    let digest = "9dd4e461268c8034f5c8564e155c67a6";
    let timer = format!("timer {digest} a");
    assert_eq!(app.recorder.entries(), ["nil nil", &*timer, "1 7", "true true false"]);
}

#[tokio::test]
async fn each_has_a_budget_of_its_own() {
    let events = Events::capture();
    let budget = patient().call_time(Duration::from_millis(20));
    let app = App::builder()
        .budget(budget)
        .access(
            "ngx.timer.at(0, function() while true do end end)
             ngx.timer.at(0, function() require('recorder')('the next') end)",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 200);
    assert_eq!(app.recorder.wait_for(1).await, ["the next"]);
    let events = events.all();
    assert!(events[0].message().contains("CPU budget exhausted"), "{events:?}");
}

#[tokio::test]
async fn a_bomb_of_timers_leaves_room_for_requests() {
    let budget = Budget::default().call_time(Duration::from_millis(5));
    let app = App::builder()
        .budget(budget)
        .access(
            "local function bomb()
               ngx.timer.at(0, bomb)
               ngx.timer.at(0, bomb)
               while true do end
             end
             if ngx.var.arg_bomb then bomb() end",
        )
        .serve()
        .await;
    assert_eq!(app.get("/?bomb=1").send().await.status, 500);
    for _ in 0..20 {
        assert_eq!(app.get("/").send().await.status, 200);
    }
}

#[tokio::test]
async fn an_exit_ends_the_function_and_nothing_else() {
    let lines = said(
        "ngx.timer.at(0, function()
           local t = ngx.thread.spawn(function() ngx.sleep(3600) end)
           say('before')
           ngx.exit(500)
           say('after')
         end)
         ngx.timer.at(0.02, function() say('the next') end)",
        2,
    )
    .await;
    assert_eq!(lines, ["before", "the next"]);
}

#[tokio::test]
async fn a_timer_has_the_environment_of_its_function() {
    let app = App::access(
        "count = (count or 0) + 1
         ngx.timer.at(0, function() count = count + 10 require('recorder')(count) end)",
    )
    .await;
    app.get("/").send().await;
    app.recorder.wait_for(1).await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(2).await, ["11", "22"]);
}

/// A server with a function that starts a timer of `kind`, and what replaces it.
async fn reloadable(kind: &str) -> (Recorder, Runtime, impl AsyncFn(bool)) {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder().vms(1).budget(patient()));
    let runtime = runtime.build().expect("a runtime");
    let source = format!(
        "local say = require('recorder')
         local function tick(premature)
           say('tick', premature)
           if '{kind}' == 'at' then say('again', ngx.timer.at(0.01, tick)) end
         end
         ngx.timer.{kind}(0.01, tick)"
    );
    let functions = Functions::builder("old").function(Phase::Access, source).build();
    let (layer, handle) = PreFunctionLayer::reloadable(functions.expect("it compiles"));
    let addr = serve(tower::Layer::layer(&layer.runtime(&runtime), echo())).await;
    let step = async move |replace: bool| {
        if replace {
            handle.reload(Functions::empty());
        } else {
            let reply = crate::support::Call::new(addr, http::Method::GET, "/").send().await;
            assert_eq!(reply.status, 200);
        }
    };
    (recorder, runtime, step)
}

#[tokio::test]
async fn a_chain_of_timers_ends_when_its_functions_are_replaced() {
    let (recorder, runtime, step) = reloadable("at").await;
    step(false).await;
    recorder.wait_for(4).await;
    step(true).await;
    while recorder.entries().last().map(String::as_str) != Some("again nil process exiting") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(recorder.entries().iter().all(|entry| !entry.contains("true")));
    runtime.drain().await;
}

#[tokio::test]
async fn every_ends_when_its_functions_are_replaced() {
    let (recorder, runtime, step) = reloadable("every").await;
    step(false).await;
    recorder.wait_for(2).await;
    step(true).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let count = recorder.entries().len();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(recorder.entries().len(), count);
    // None is left that would have to be told.
    runtime.drain().await;
    assert_eq!(recorder.entries().len(), count);
}

#[tokio::test]
async fn the_lines_of_a_timer_name_the_request_that_started_it() {
    let events = Events::capture();
    let app = App::builder()
        .extension(tower_lua::RequestId::new("the-one"))
        .access("ngx.timer.at(0, function() ngx.log(ngx.ERR, 'late') end)")
        .serve()
        .await;
    app.get("/").send().await;
    app.runtime.drain().await;
    let events = events.all();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.field("request_id"), event.field("phase")), ("the-one", "timer"));
}

#[test]
fn no_function_of_a_set_is_for_the_phase_of_timers() {
    let error = Functions::builder("late").function(Phase::Timer, "return").build().unwrap_err();
    let said = "late: no function is for the phase 'timer': others start timers, with ngx.timer.at";
    assert_eq!(error.to_string(), said);
    assert!(!Phase::ALL.contains(&Phase::Timer));
}
