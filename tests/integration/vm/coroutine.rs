//! Coroutines that functions make, and how waiting passes through them.

use std::time::Duration;

use crate::support::{App, KeepAlive};

#[tokio::test]
async fn a_generator_yields_values_in_turn() {
    let text = App::eval(
        "(function()
            local sum = 0
            for n in coroutine.wrap(function() for i = 1, 4 do coroutine.yield(i) end end) do
              sum = sum + n
            end
            return sum
          end)()",
    )
    .await;
    assert_eq!(text, "10");
}

#[tokio::test]
async fn a_body_is_read_from_within_a_coroutine() {
    let app = App::access(
        "local read = coroutine.wrap(function() coroutine.yield(kong.request.get_raw_body()) end)
         kong.response.exit(200, read())",
    )
    .await;
    assert_eq!(app.post("/").body("from within").send().await.text(), "from within");
}

#[tokio::test]
async fn values_pass_both_ways_around_a_wait() {
    let app = App::access(
        "local co = coroutine.create(function(a)
           ngx.sleep(0.001)
           local b = coroutine.yield(a + 1)
           ngx.sleep(0.001)
           return b * 2
         end)
         local _, first = coroutine.resume(co, 1)
         local _, second = coroutine.resume(co, 10)
         kong.response.exit(200, first .. ' ' .. second .. ' ' .. coroutine.status(co))",
    )
    .await;
    assert_eq!(app.get("/").send().await.text(), "2 20 dead");
}

#[tokio::test]
async fn the_coroutine_that_runs_a_function_cannot_be_resumed_by_another() {
    let app = App::builder()
        .access("kong.ctx.shared.co = coroutine.running() ngx.sleep(0.001)")
        .access(
            "local ok, err = coroutine.resume(kong.ctx.shared.co)
             kong.response.exit(200, tostring(ok) .. ': ' .. err)",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "false: cannot resume running coroutine");
}

#[tokio::test]
async fn a_yield_of_the_function_itself_lets_others_run() {
    let app = App::access(
        "for i = 1, 3 do coroutine.yield() end kong.response.exit(200, 'after three turns')",
    )
    .await;
    assert_eq!(app.get("/").send().await.text(), "after three turns");
}

#[tokio::test]
async fn waiting_where_a_callback_of_c_is_in_the_way_is_an_error_that_can_be_caught() {
    let text = App::eval(
        "select(2, pcall(table.sort, {2, 1}, function() ngx.sleep(0.001) return true end))",
    )
    .await;
    assert_eq!(text, "attempt to yield across C-call boundary");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_that_sleep_share_one_vm() {
    let app = App::access(
        "local id = kong.request.get_query_arg('id')
         kong.ctx.shared.id = id
         ngx.sleep(0.05)
         if kong.ctx.shared.id ~= id then kong.response.exit(500, 'mixed up') end
         kong.response.exit(200, id)",
    )
    .await;
    let (client, addr) = (KeepAlive::new(), app.addr);
    let requests: Vec<_> = (0..1000)
        .map(|id| {
            let client = client.clone();
            tokio::spawn(async move { (id, client.get(addr, &format!("/?id={id}")).await) })
        })
        .collect();
    for request in requests {
        let (id, body) = request.await.unwrap();
        assert_eq!(body, id.to_string());
    }
    assert_eq!((app.runtime.stats().vms, app.runtime.stats().suspended), (1, 0));
}

#[tokio::test]
async fn nothing_is_left_of_a_function_that_waited_for_a_client_that_went_away() {
    let app = App::builder()
        .access("require('recorder')('asleep') ngx.sleep(3600)")
        .log("require('recorder')('log')")
        .serve()
        .await;
    let before = app.runtime.stats().used_memory;
    for round in 1..=20 {
        let call = tokio::spawn(app.get("/").try_send());
        app.recorder.wait_for(round * 2 - 1).await;
        assert_eq!(app.runtime.stats().suspended, 1, "round {round}");
        call.abort();
        let entries = app.recorder.wait_for(round * 2).await;
        assert_eq!(entries[round * 2 - 1], "log", "round {round}");
    }
    wait_until(|| app.runtime.stats().suspended == 0).await;
    let after = app.runtime.stats().used_memory;
    assert!(after < before + (256 << 10), "{before} bytes before, {after} after");
}

async fn wait_until(condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "never so");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn who_resumes_itself_or_whoever_waits_for_it_is_told_so() {
    let source = "(function()
        local outer = coroutine.running()
        local _, self = coroutine.resume(outer)
        local co
        co = coroutine.create(function() return select(2, coroutine.resume(outer)) end)
        local _, waiting = coroutine.resume(co)
        return self, waiting, select(2, coroutine.resume(co))
      end)()";
    let expected = "cannot resume running coroutine, cannot resume normal coroutine, cannot resume dead coroutine";
    assert_eq!(App::eval(source).await, expected);
}

#[tokio::test]
async fn who_waits_for_another_coroutine_cannot_be_resumed_by_it() {
    for make in ["coroutine.create(f)", "coroutine.wrap(f)"] {
        let source = format!(
            "(function()
                local waiting
                waiting = coroutine.create(function()
                  local f = function() return coroutine.status(waiting), coroutine.resume(waiting) end
                  local made = {make}
                  if type(made) == 'function' then return true, made() end
                  return coroutine.resume(made)
                end)
                return coroutine.resume(waiting)
              end)()"
        );
        let expected = "true, true, normal, false, cannot resume normal coroutine";
        assert_eq!(App::eval(&source).await, expected, "{make}");
    }
    // Whoever fails with the same words has said them itself.
    let source = "coroutine.resume(coroutine.create(function() error('cannot resume running coroutine', 0) end))";
    assert_eq!(App::eval(source).await, "false, cannot resume running coroutine");
}
