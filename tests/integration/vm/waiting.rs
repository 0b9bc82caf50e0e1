//! Functions wait in every phase, and run on when what they wait for is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tower_lua::Phase;
use tower_lua::mlua::{self, IntoLua, Lua, Value};

use crate::support::{App, Events};

/// Waits until nothing does in the runtime of `app`.
async fn settle(app: &App) {
    while app.runtime.stats().suspended > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn functions_wait_in_every_phase_of_a_request() {
    let source = "ngx.sleep(0.001) require('recorder')(ngx.get_phase())";
    let app = App::builder()
        .rewrite(source)
        .access(source)
        .header_filter(source)
        .body_filter(source)
        .log(source)
        .serve()
        .await;
    let reply = app.post("/").body("hello").send().await;
    assert_eq!(reply.status, 200);
    let phases = app.recorder.wait_for(6).await;
    let expected = ["rewrite", "access", "header_filter", "body_filter", "body_filter", "log"];
    assert_eq!(phases, expected);
    settle(&app).await;
}

#[tokio::test]
async fn what_a_filter_does_after_it_has_waited_is_in_the_response() {
    let app = App::builder()
        .header_filter("ngx.sleep(0.001) kong.response.set_header('x-late', 'yes')")
        .body_filter("ngx.sleep(0.001) ngx.arg[1] = ngx.arg[1]:upper() .. (ngx.arg[2] and '!' or '')")
        .post_function(Phase::HeaderFilter, "ngx.sleep(0.001) kong.response.set_header('x-later', kong.response.get_header('x-late'))")
        .post_function(Phase::BodyFilter, "ngx.sleep(0.001) ngx.arg[1] = ngx.arg[1] .. '|'")
        .serve()
        .await;
    let reply = app.post("/").body("hello").send().await;
    assert_eq!((reply.header("x-late"), reply.header("x-later")), ("yes", "yes"));
    // What `pre` adds at the end is a chunk of its own to `post`, before the end.
    assert!(reply.text().ends_with("}|!||"), "{}", reply.text());
}

#[tokio::test]
async fn a_response_of_a_function_passes_filters_that_wait() {
    let app = App::builder()
        .access("kong.response.exit(201, 'made')")
        .header_filter(
            "ngx.sleep(0.001) kong.response.set_header('x-late', kong.response.get_source())",
        )
        .body_filter("ngx.sleep(0.001) ngx.arg[1] = ngx.arg[1]:upper()")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-late")), (201, "exit"));
    assert_eq!(reply.text(), "MADE");
}

#[tokio::test]
async fn a_filter_that_fails_after_it_has_waited_is_a_failure() {
    let app = App::builder().header_filter("ngx.sleep(0.001) error('late')").serve().await;
    assert_eq!(app.get("/").send().await.status, 500);
    settle(&app).await;
}

#[tokio::test]
async fn a_client_that_goes_away_while_a_filter_waits_takes_the_wait_with_it() {
    for phase in [Phase::HeaderFilter, Phase::BodyFilter] {
        let app = App::builder()
            .function(phase, "require('recorder')('waits') ngx.sleep(3600)")
            .log("require('recorder')('log')")
            .serve()
            .await;
        let call = tokio::spawn(app.post("/").body("hello").send());
        app.recorder.wait_for(1).await;
        assert_eq!(app.runtime.stats().suspended, 1);
        call.abort();
        assert_eq!(app.recorder.wait_for(2).await, ["waits", "log"], "{phase}");
        settle(&app).await;
    }
}

#[tokio::test]
async fn log_runs_on_after_the_client_has_its_answer() {
    let app = App::builder()
        .access("kong.ctx.shared.who = 'me'")
        .log("ngx.sleep(0.02) require('recorder')(kong.ctx.shared.who, ngx.status)")
        .post_function(Phase::Log, "ngx.sleep(0.01) require('recorder')('post')")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 200);
    assert!(app.recorder.entries().is_empty());
    app.runtime.drain().await;
    assert_eq!(app.recorder.entries(), ["me 200", "post"]);
}

#[tokio::test(start_paused = true)]
async fn log_is_given_up_after_thirty_seconds() {
    let events = Events::capture();
    let app = App::builder().log("ngx.sleep(3600)").serve().await;
    assert_eq!(app.get("/").send().await.status, 200);
    app.runtime.drain().await;
    assert_eq!(app.runtime.stats().suspended, 0);
    let messages = events.messages();
    let said = "pre: function 1 of log was given up: it took longer than 30s";
    assert!(messages.iter().any(|message| message == said), "{messages:?}");
}

/// A module with a function of mlua's own asynchronous kind: it is ready at once, or a while later.
fn of_mlua(lua: &Lua) -> mlua::Result<Value> {
    let function = lua.create_async_function(|_, milliseconds: u64| async move {
        if milliseconds > 0 {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        Ok(("done", milliseconds))
    })?;
    let table = lua.create_table()?;
    table.set("wait", function)?;
    Ok(Value::Table(table))
}

#[tokio::test]
async fn an_asynchronous_function_of_mlua_s_works_if_it_is_ready_at_once() {
    let app = App::builder()
        .access("kong.response.exit(200, table.concat({ require('app.mlua').wait(0) }, ' '))")
        .runtime(|runtime| runtime.module("app.mlua", of_mlua))
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "done 0");
}

#[tokio::test]
async fn an_asynchronous_function_of_mlua_s_that_is_not_ready_says_so_at_once() {
    for (source, status) in [
        ("require('app.mlua').wait(20)", 500),
        ("coroutine.wrap(function() require('app.mlua').wait(20) end)()", 500),
        ("ngx.thread.wait(ngx.thread.spawn(require('app.mlua').wait, 20))", 200),
        ("ngx.say(pcall(require('app.mlua').wait, 20))", 200),
    ] {
        let events = Events::capture();
        let calls = Arc::new(AtomicUsize::new(0));
        let (count, seen) = (Arc::clone(&calls), Arc::clone(&calls));
        let app = App::builder()
            .access(&format!("require('app.count')() {source}"))
            .header_filter("kong.response.set_header('x-count', require('app.count')())")
            .runtime(move |runtime| {
                runtime.module("app.mlua", of_mlua).module("app.count", move |lua| {
                    let count = Arc::clone(&count);
                    let next = move |_: &Lua, ()| Ok(count.fetch_add(1, Ordering::Relaxed));
                    lua.create_function(next)?.into_lua(lua)
                })
            })
            .serve()
            .await;
        let reply = app.get("/").send().await;
        assert_eq!((reply.status.as_u16(), seen.load(Ordering::Relaxed)), (status, 2), "{source}");
        let said = format!("{} {}", reply.text(), events.messages().join("\n"));
        let why = "an asynchronous function of a Rust module is not ready";
        assert!(said.contains(why), "{source}: {said}");
        assert!(!said.contains("CPU budget"), "{source}: {said}");
    }
}
