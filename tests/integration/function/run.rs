//! Functions one after the other: order, failures, and Kong's two stages.

use tower_lua::{Functions, Phase, Runtime, Sandbox, UntrustedLua};

use crate::support::{App, Events};

#[tokio::test]
async fn functions_of_a_phase_run_in_their_order() {
    let app = App::builder()
        .access("require('recorder')('first')")
        .access("require('recorder')('second')")
        .rewrite("require('recorder')('rewrite')")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["rewrite", "first", "second"]);
}

#[tokio::test]
async fn an_upvalue_of_a_two_stage_chunk_counts_requests() {
    let app = App::access(
        "require('recorder')('first stage')
         local count = 0
         return function()
           count = count + 1
           kong.response.exit(200, tostring(count))
         end",
    )
    .await;
    for expected in ["1", "2", "3"] {
        assert_eq!(app.get("/").send().await.text(), expected);
    }
    assert_eq!(app.recorder.entries(), ["first stage"]);
}

#[tokio::test]
async fn a_chunk_that_returns_anything_else_runs_each_time() {
    for returned in ["", "return 1", "return {}", "return nil, function() end"] {
        let app = App::access(&format!("require('recorder')('ran') {returned}")).await;
        app.get("/").send().await;
        app.get("/").send().await;
        assert_eq!(app.recorder.entries().len(), 2, "{returned}");
    }
}

#[tokio::test]
async fn a_chunk_that_does_not_come_to_its_end_the_first_time_has_one_stage_as_in_kong() {
    for cut_short in ["kong.response.exit(202)", "error('not yet')"] {
        let app = App::access(&format!(
            "require('recorder')('ran')
             if kong.request.get_query_arg('cut') then {cut_short} end
             return function() kong.response.exit(200, 'second stage') end"
        ))
        .await;
        app.get("/?cut").send().await;
        for _ in 0..2 {
            assert_eq!(app.get("/").send().await.header("x-service"), "echo", "{cut_short}");
        }
        assert_eq!(app.recorder.entries().len(), 3, "{cut_short}");
    }
}

#[tokio::test]
async fn each_stage_may_wait() {
    let app = App::access(
        "ngx.sleep(0.001)
         local count = 0
         return function()
           ngx.sleep(0.001)
           count = count + 1
           kong.response.exit(200, tostring(count))
         end",
    )
    .await;
    assert_eq!(app.get("/").send().await.text(), "1");
    assert_eq!(app.get("/").send().await.text(), "2");
}

#[tokio::test]
async fn an_error_in_the_first_of_three_keeps_the_others_from_running() {
    let app = App::builder()
        .access("error('boom')")
        .access("require('recorder')('second')")
        .access("require('recorder')('third')")
        .log("require('recorder')('log')")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 500);
    assert_eq!(reply.json()["message"], "An unexpected error occurred");
    assert_eq!(app.recorder.wait_for(1).await, ["log"]);
}

#[tokio::test]
async fn where_a_set_fails_open_the_others_run() {
    let app = App::builder()
        .fail_open()
        .access("error('boom')")
        .access("require('recorder')('second')")
        .access("require('recorder')('third')")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.header("x-service"), "echo");
    assert_eq!(app.recorder.entries(), ["second", "third"]);
}

#[tokio::test]
async fn where_a_set_fails_open_what_a_function_had_set_before_it_failed_stays() {
    let app = App::builder()
        .fail_open()
        .access(
            "kong.service.request.set_header('x-set', 'before') kong.response.set_header('x-set', 'before')
             error('boom') kong.response.set_header('x-late', 'after')",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("x-set"), reply.header("x-late")),
        (200, "before", "")
    );
    assert_eq!(reply.json()["headers"]["x-set"], "before");
}

#[tokio::test]
async fn the_end_of_a_phase_is_not_the_end_of_the_request() {
    let app = App::builder()
        .rewrite("ngx.exit(ngx.OK)")
        .rewrite("require('recorder')('rewrite')")
        .access("require('recorder')('access')")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.header("x-service"), "echo");
    assert_eq!(app.recorder.entries(), ["access"]);
}

#[tokio::test]
async fn output_in_rewrite_is_the_response_when_the_phase_ends() {
    for end in ["", "ngx.exit(ngx.OK)"] {
        let app = App::builder()
            .rewrite(&format!("ngx.say('early') {end}"))
            .access("require('recorder')('access')")
            .header_filter("kong.response.set_header('x-filtered', 'yes')")
            .serve()
            .await;
        let reply = app.get("/").send().await;
        assert_eq!((&*reply.text(), reply.header("x-filtered")), ("early\n", "yes"), "{end}");
        assert!(app.recorder.entries().is_empty(), "{end}");
    }
}

#[tokio::test]
async fn a_failure_is_logged_with_set_phase_chunk_line_and_traceback() {
    let events = Events::capture();
    let app = App::builder()
        .access("local function deep()\n  error('boom')\nend\ndeep() return 1")
        .serve()
        .await;
    app.get("/").send().await;
    let all = events.all();
    let event = all.iter().find(|event| event.target == "tower_lua::function").unwrap();
    assert_eq!((event.level.as_str(), event.field("phase")), ("ERROR", "access"));
    assert_eq!((event.field("functions"), event.field("line")), ("pre", "2"));
    assert!(event.field("chunk").contains("local function deep()"), "{event:?}");
    assert!(event.field("traceback").contains("in function 'deep'"), "{event:?}");
    assert!(event.message().contains("boom"), "{event:?}");
}

#[tokio::test]
async fn an_error_that_is_no_text_is_logged_by_its_type() {
    for (source, expected) in [
        ("error({})", "(error object is a table value)"),
        ("error()", "(error object is a nil value)"),
        ("error(7)", "7"),
    ] {
        let events = Events::capture();
        App::access(source).await.get("/").send().await;
        let messages = events.messages().join("\n");
        assert!(messages.contains(expected), "{source}: {messages}");
    }
}

#[tokio::test]
async fn where_lua_is_off_no_function_runs() {
    let app = App::builder()
        .access("kong.response.exit(200)")
        .runtime(|runtime| runtime.sandbox(Sandbox::new(UntrustedLua::Off)))
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 500);
}

#[tokio::test]
async fn a_runtime_says_beforehand_that_it_would_run_no_function() {
    let off = Runtime::builder().sandbox(Sandbox::new(UntrustedLua::Off)).build().unwrap();
    let functions = Functions::builder("set").function(Phase::Log, "").build().unwrap();
    let message = off.check(&functions).unwrap_err().to_string();
    assert_eq!(
        message,
        "set: loading of untrusted Lua code disabled because 'untrusted_lua' config option is set \
         to 'off'"
    );
    off.check(&Functions::empty()).unwrap();
    Runtime::global().check(&functions).unwrap();
}
