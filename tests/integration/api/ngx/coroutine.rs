//! `coroutine`, whose functions let those wait that run in it.

use super::assert_values;
use crate::support::App;

#[tokio::test]
async fn a_coroutine_yields_to_who_has_resumed_it() {
    assert_values(&[
        (
            "(function()
               local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
               local _, first = coroutine.resume(co, 1)
               local _, second = coroutine.resume(co, 21)
               return first, second, coroutine.status(co), coroutine.resume(co) end)()",
            "2, 42, dead, false, cannot resume dead coroutine",
        ),
        (
            "(function() local sum = 0
               for i in coroutine.wrap(function() for i = 1, 4 do coroutine.yield(i) end end) do sum = sum + i end
               return sum end)()",
            "10",
        ),
        ("coroutine.resume(coroutine.create(function() error({}) end)) == false", "true"),
        ("type(coroutine.running()), coroutine.status(coroutine.running())", "thread, running"),
    ])
    .await;
}

#[tokio::test]
async fn what_runs_in_a_coroutine_may_wait() {
    let app = App::access(
        "local steps = {}
         local function worker(name)
           return coroutine.wrap(function()
             for i = 1, 2 do
               ngx.sleep(0.001)
               steps[#steps + 1] = name .. i
               coroutine.yield()
             end
           end)
         end
         local a, b = worker('a'), worker('b')
         a() b() a() b()
         local body = coroutine.wrap(function()
           return (coroutine.wrap(function() ngx.req.read_body() return ngx.req.get_body_data() end))()
         end)()
         kong.response.exit(200, table.concat(steps, ' ') .. ' ' .. body)",
    )
    .await;
    assert_eq!(app.post("/").body("hello").send().await.text(), "a1 b1 a2 b2 hello");
}

#[tokio::test]
async fn what_waits_in_a_pcall_in_a_coroutine_is_resumed_there() {
    let source = "(function()
        local co = coroutine.create(function()
          local ok, why = pcall(function() ngx.sleep(0.001) error('after', 0) end)
          coroutine.yield(why)
          ngx.sleep(0.001)
          return 'end'
        end)
        local _, first = coroutine.resume(co)
        local _, second = coroutine.resume(co)
        return first, second, coroutine.status(co) end)()";
    assert_eq!(App::eval(source).await, "after, end, dead");
}

#[tokio::test]
async fn a_function_that_yields_to_nobody_lets_others_run() {
    let source = "(function() for _ = 1, 3 do coroutine.yield() end return 'done' end)()";
    assert_eq!(App::eval(source).await, "done");
}

#[tokio::test]
async fn an_exit_leaves_all_coroutines() {
    for source in [
        "coroutine.wrap(function() ngx.redirect('/login') end)()",
        "coroutine.wrap(function() return ngx.redirect('/login') end)()",
        "coroutine.resume(coroutine.create(function() ngx.redirect('/login') end))",
        "coroutine.wrap(function() ngx.sleep(0.001) ngx.redirect('/login') end)()",
        "coroutine.wrap(function()
           coroutine.wrap(function() ngx.sleep(0.001) ngx.redirect('/login') end)()
         end)()",
        "pcall(coroutine.wrap(function()
           pcall(coroutine.wrap(function() ngx.sleep(0.001) ngx.redirect('/login') end))
         end))",
    ] {
        let app = App::access(&format!("{source} error('never')")).await;
        assert_eq!(app.get("/").send().await.status, 302, "{source}");
    }
}
