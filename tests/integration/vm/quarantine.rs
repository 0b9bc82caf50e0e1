//! Functions that hold up others, and where they run from their second call on.

use std::time::Duration;

use tower_lua::{Connection, Functions, Phase, Plugin};

use crate::support::{App, AppBuilder, patient};

/// Loops if it is asked to, and else goes on with `rest`.
fn looping(rest: &str) -> AppBuilder {
    let budget = patient().call_time(Duration::from_millis(200));
    let source = format!("if kong.request.get_query_arg('loop') then while true do end end {rest}");
    let here = |_: &tower_lua::HostCall<'_>, ()| {
        Ok(std::thread::current().name().unwrap_or_default().to_owned())
    };
    App::builder()
        .budget(budget)
        .runtime(|builder| builder.function("here", "thread", here))
        .access(&source)
}

async fn loop_once(app: &App) {
    assert_eq!(app.get("/?loop=1").send().await.status, 500);
}

const QUARANTINE: &str = "tower-lua-quarantine";

const EXIT_WITH_THREAD: &str = "return kong.response.exit(200, require('here').thread())";

#[tokio::test]
async fn nobody_waits_for_a_function_that_loops_again() {
    // On the one thread that serves all.
    let app = looping("kong.response.exit(200, 'honest')").serve().await;
    let honest = App::access("kong.response.exit(200, 'honest')").await;
    loop_once(&app).await;
    let again = tokio::spawn(app.get("/?loop=1").send());
    let mut answered = 0;
    while !again.is_finished() {
        assert_eq!(honest.get("/").send().await.text(), "honest");
        answered += 1;
    }
    assert_eq!(again.await.unwrap().status, 500);
    assert!(answered > 3, "{answered}");
}

#[tokio::test]
async fn a_function_is_trusted_again_after_many_calls_that_kept_within_their_time() {
    let app = looping(EXIT_WITH_THREAD).serve().await;
    assert_ne!(app.get("/").send().await.text(), QUARANTINE);
    loop_once(&app).await;
    for _ in 0..32 {
        assert_eq!(app.get("/").send().await.text(), QUARANTINE);
    }
    assert_ne!(app.get("/").send().await.text(), QUARANTINE);
}

#[tokio::test]
async fn a_function_that_takes_most_of_its_time_is_not_refused_and_holds_up_nobody() {
    let work = |_: &tower_lua::HostCall<'_>, ()| {
        std::thread::sleep(Duration::from_millis(600));
        Ok(())
    };
    let app = looping(&format!("require('rust').work() {EXIT_WITH_THREAD}"))
        .budget(patient().call_time(Duration::from_secs(1)))
        .runtime(|builder| builder.function("rust", "work", work));
    let app = app.serve().await;
    assert_ne!(app.get("/").send().await.text(), QUARANTINE);
    for _ in 0..2 {
        assert_eq!(app.get("/").send().await.text(), QUARANTINE);
    }
    assert_eq!(app.runtime.stats().refused_calls, 0);
}

#[tokio::test]
async fn it_receives_and_answers_piece_by_piece_and_goes_on_behind_the_response() {
    let app = looping(
        "local sock = ngx.req.socket()
         for piece in function() return sock:receive(2) end do
           ngx.print(piece, require('here').thread()) ngx.flush(true)
           ngx.sleep(0.001)
         end
         ngx.eof()
         ngx.sleep(0.001)
         require('recorder')(require('here').thread())",
    )
    .body_filter("ngx.arg[1] = ngx.arg[1]:upper()");
    let app = app.serve().await;
    loop_once(&app).await;
    let expected = format!("AB{QUARANTINE}CD{QUARANTINE}").to_uppercase();
    assert_eq!(app.post("/").body("abcd").send().await.text(), expected);
    assert_eq!(app.recorder.wait_for(1).await, [QUARANTINE]);
    let call = app.post("/?loop=1").body("abcd");
    assert_eq!(call.send().await.status, 500);
}

#[tokio::test]
async fn it_waits_reads_bodies_and_keeps_what_it_has_for_later_phases() {
    let app = looping(
        "ngx.ctx.body = kong.request.get_raw_body()
         ngx.sleep(0.001)
         kong.ctx.shared.thread = require('here').thread()",
    );
    let app = app
        .header_filter("kong.response.set_header('x-thread', kong.ctx.shared.thread)")
        .body_filter(
            "ngx.arg[1] = (ngx.ctx.body or '') .. ' ' .. require('here').thread() ngx.arg[2] = true",
        )
        .serve()
        .await;
    loop_once(&app).await;
    let reply = app.post("/").body("read").send().await;
    assert_eq!(reply.header("x-thread"), QUARANTINE);
    assert_eq!(reply.text(), format!("read {QUARANTINE}"));
}

#[tokio::test]
async fn a_request_that_keeps_something_in_a_vm_finds_it_there() {
    let app = looping("kong.response.exit(200, kong.ctx.shared.user .. ' ' .. ngx.worker.id())");
    let app = app.rewrite("kong.ctx.shared.user = 'ann'").serve().await;
    loop_once(&app).await;
    assert_eq!(app.get("/").send().await.text(), "ann 0");
}

#[tokio::test]
async fn log_runs_once_for_a_client_that_goes_away_meanwhile() {
    let note = "require('recorder')('log', ngx.status, require('here').thread())";
    let app = looping("").log(note).serve().await;
    loop_once(&app).await;
    app.recorder.wait_for(1).await;
    let gone = tokio::time::timeout(Duration::from_millis(50), app.get("/?loop=1").send()).await;
    assert!(gone.is_err());
    let entries = app.recorder.wait_for(2).await;
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!(app.get("/").send().await.status, 200);
    assert_eq!(app.recorder.wait_for(3).await.len(), 3);
}

#[tokio::test]
async fn a_timer_that_it_starts_runs_where_it_did() {
    let app = looping(
        "ngx.timer.at(0, function() require('recorder')('timer', require('here').thread()) end)",
    );
    let app = app.serve().await;
    loop_once(&app).await;
    assert_eq!(app.get("/").send().await.status, 200);
    assert_eq!(app.recorder.wait_for(1).await, [format!("timer {QUARANTINE}")]);
}

#[tokio::test]
async fn its_failures_are_logged_as_everywhere() {
    let events = crate::support::Events::capture();
    let app = looping("error('of a function')").serve().await;
    loop_once(&app).await;
    assert_eq!(app.get("/").send().await.status, 500);
    let messages = events.messages();
    assert!(messages.iter().any(|message| message.contains("of a function")), "{messages:?}");
}

#[tokio::test]
async fn a_handshake_whose_function_loops_holds_up_no_other() {
    let app = looping("").serve().await;
    let source = "if kong.client.get_ip() == '192.0.2.7' then while true do end end";
    let functions = Functions::builder("doorkeeper").function(Phase::Certificate, source).build();
    let functions = functions.unwrap();
    let goes_on = |peer: &str| {
        let (runtime, functions) = (app.runtime.clone(), functions.clone());
        let connection = Connection::new(peer.parse().unwrap());
        async move { runtime.certificate(&functions, Plugin::PreFunction, connection, None).await }
    };
    assert!(goes_on("192.0.2.7:1").await.is_err());
    let looping = tokio::spawn(goes_on("192.0.2.7:1"));
    // It has been sent away, and others go on.
    tokio::task::yield_now().await;
    assert_eq!(app.get("/").send().await.status, 200);
    assert!(!looping.is_finished());
    assert!(looping.await.unwrap().is_err());
    assert!(goes_on("192.0.2.8:1").await.unwrap());
}
