//! Functions wait in every phase, and run on when what they wait for is there.

use std::time::Duration;

use tower_lua::Phase;

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

#[tokio::test]
async fn an_asynchronous_function_of_mlua_s_that_is_not_ready_says_so() {
    let events = crate::support::Events::capture();
    // What such a function yields: an address.
    let app = App::builder()
        .access("coroutine.yield(require('app.pending'))")
        .runtime(|runtime| {
            runtime.module("app.pending", |_| {
                let address = std::ptr::from_ref(&MARK).cast_mut().cast();
                Ok(tower_lua::mlua::Value::LightUserData(tower_lua::mlua::LightUserData(address)))
            })
        })
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 500);
    let messages = events.messages().join("\n");
    assert!(
        messages.contains("an asynchronous function of a Rust module is not ready"),
        "{messages}"
    );
}

static MARK: u8 = 0;
