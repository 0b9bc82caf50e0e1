//! `ngx.sleep`.

use tokio::time::Instant;

use super::{assert_errors, assert_values};
use crate::support::App;

/// Sends `count` requests at once to a function that returns when all of them have arrived.
async fn meet(count: usize, pause: &str) {
    let app = App::access(&format!(
        "arrived = (arrived or 0) + 1
         while arrived < {count} do {pause} end
         kong.response.exit(200, 'met')"
    ))
    .await;
    let calls = (0..count).map(|_| app.get("/").send());
    for reply in futures_util::future::join_all(calls).await {
        assert_eq!(reply.text(), "met");
    }
}

#[tokio::test]
async fn while_one_request_sleeps_the_others_run() {
    meet(20, "ngx.sleep(0.001)").await;
}

#[tokio::test]
async fn sleeping_for_no_time_gives_the_others_a_turn() {
    meet(5, "ngx.sleep(0)").await;
    meet(5, "ngx.sleep(0.0001)").await;
}

#[tokio::test]
async fn a_function_goes_on_where_it_slept() {
    assert_values(&[
        (
            "(function() local a = 1 ngx.sleep(0.001) return a, ngx.req.get_method() end)()",
            "1, GET",
        ),
        ("(pcall(ngx.sleep, '0.001'))", "true"),
        ("coroutine.wrap(function() ngx.sleep(0.001) return 'done' end)()", "done"),
        ("pcall(function() ngx.sleep(0.001) error('boom', 0) end)", "false, boom"),
    ])
    .await;
}

// The clock is paused: it jumps when there is nothing to do but to wait for it.
#[tokio::test(start_paused = true)]
async fn it_sleeps_for_as_long_as_it_was_told() {
    let before = Instant::now();
    assert_eq!(App::eval("(function() ngx.sleep(3600.25) return 'awake' end)()").await, "awake");
    assert_eq!(before.elapsed().as_millis() / 10, 360_025);
}

#[tokio::test]
async fn what_is_no_duration_is_refused() {
    assert_errors(&[
        ("ngx.sleep()", "bad argument #1 to 'sleep' (number expected, got nil)"),
        ("ngx.sleep('a')", "bad argument #1 to 'sleep' (number expected, got string)"),
        ("ngx.sleep({})", "bad argument #1 to 'sleep' (number expected, got table)"),
        ("ngx.sleep(-1)", "invalid sleep duration \"-1000\""),
        ("ngx.sleep(-0.001)", "invalid sleep duration \"-1\""),
        ("ngx.sleep(math.huge)", "invalid sleep duration \"inf\""),
        ("ngx.sleep(0/0)", "invalid sleep duration \"NaN\""),
    ])
    .await;
}
