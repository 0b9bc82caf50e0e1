//! Whoever ends the request ends the function, from wherever it is called.

use tower_lua::{Sandbox, UntrustedLua};

use crate::support::App;

/// How a function may try to catch `EXIT`, with nothing but the sandbox.
const CONTEXTS: &[&str] = &[
    "EXIT",
    "pcall(function() EXIT end)",
    "pcall(function() pcall(function() EXIT end) reached() end)",
    "xpcall(function() EXIT end, function() return 'caught' end)",
    "xpcall(function() EXIT end, function() error('again') end)",
    "xpcall(function() error('first') end, function() EXIT end)",
    "coroutine.wrap(function() EXIT end)()",
    "pcall(coroutine.wrap(function() EXIT end))",
    "pcall(coroutine.wrap(function() pcall(function() EXIT end) reached() end))",
    "coroutine.resume(coroutine.create(function() EXIT end))",
    "coroutine.resume(coroutine.create(function() coroutine.wrap(function() EXIT end)() end))",
    "local co = coroutine.create(function() EXIT end) while coroutine.resume(co) do end",
    "pcall(table.sort, {3, 2, 1}, function() EXIT end)",
    "pcall(string.gsub, 'abc', '.', function() EXIT end)",
    "pcall(function() for _ in function() EXIT end do end end)",
    "coroutine.wrap(function() table.sort({2, 1}, function() pcall(function() EXIT end) end) end)()",
    "while true do pcall(function() EXIT end) reached() end",
    "local ok = pcall(function() return (function() EXIT end)() end) return reached(ok)",
];

/// The same where functions see all of Lua.
const OPEN_CONTEXTS: &[&str] = &[
    "pcall(function() return setmetatable({}, {__index = function() EXIT end}).x end)",
    "pcall(function() setmetatable({}, {__newindex = function() EXIT end}).x = 1 end)",
    "pcall(function() return setmetatable({}, {__add = function() EXIT end}) + 1 end)",
    "pcall(tostring, setmetatable({}, {__tostring = function() EXIT end}))",
    "pcall(load, function() EXIT end)",
    "pcall(function() local _ = setmetatable({}, {__lt = function() EXIT end}) < {} end)",
    "pcall(string.gsub, 'a', 'a', setmetatable({}, {__index = function() EXIT end}))",
    "pcall(string.format, '%s', setmetatable({}, {__tostring = function() EXIT end}))",
];

const EXITS: &[&str] = &[
    "kong.response.exit(418, 'out')",
    "kong.response.error(418, 'out')",
    "ngx.exit(418)",
    "pcall(kong.response.exit, 418, 'out')",
    "return kong.response.exit(418, 'out')",
];

async fn ends_in(contexts: &[&str], mode: UntrustedLua) {
    for context in contexts {
        for exit in EXITS {
            let source = context.replace("EXIT", exit);
            let app = App::builder()
                .access(&format!(
                    "local function reached() require('recorder')('went on') end do {source} end reached()"
                ))
                .access("require('recorder')('next function')")
                .log("require('recorder')('log')")
                .runtime(|runtime| runtime.sandbox(Sandbox::new(mode)))
                .serve()
                .await;
            assert_eq!(app.get("/").send().await.status, 418, "{source}");
            assert_eq!(app.recorder.wait_for(1).await, ["log"], "{source}");
        }
    }
}

#[tokio::test]
async fn no_context_in_the_sandbox_catches_an_exit() {
    ends_in(CONTEXTS, UntrustedLua::Sandbox).await;
}

#[tokio::test]
async fn no_context_outside_the_sandbox_catches_an_exit() {
    ends_in(CONTEXTS, UntrustedLua::On).await;
    ends_in(OPEN_CONTEXTS, UntrustedLua::On).await;
}

#[tokio::test]
async fn an_exit_inside_pcall_inside_a_coroutine_inside_pcall_ends_the_request() {
    let app = App::access(
        "pcall(function()
           coroutine.wrap(function()
             pcall(kong.response.exit, 403, 'out')
             kong.response.exit(500, 'went on')
           end)()
           kong.response.exit(500, 'went on')
         end)
         kong.response.exit(500, 'went on')",
    )
    .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (403, "out"));
}

#[tokio::test]
async fn an_exit_after_a_wait_in_a_coroutine_ends_the_request() {
    let app = App::access(
        "coroutine.wrap(function()
           ngx.sleep(0.001)
           pcall(function() ngx.sleep(0.001) ngx.exit(403) end)
         end)()
         kong.response.exit(500, 'went on')",
    )
    .await;
    assert_eq!(app.get("/").send().await.status, 403);
}

#[tokio::test]
async fn the_vm_serves_the_next_request_after_each_kind_of_exit() {
    let app = App::access(
        "local how = kong.request.get_query_arg('how')
         if how == 'plain' then kong.response.exit(200, 'plain') end
         if how == 'tail' then return kong.response.exit(200, 'tail') end
         if how == 'deep' then
           coroutine.wrap(function() table.sort({2, 1}, function() ngx.exit(202) end) end)()
         end",
    )
    .await;
    for round in 0..50 {
        let (how, status) =
            [("plain", 200), ("tail", 200), ("deep", 202), ("none", 200)][round % 4];
        let reply = app.get(&format!("/?how={how}")).send().await;
        assert_eq!(reply.status, status, "{how} in round {round}");
        assert_eq!(reply.headers.contains_key("x-service"), how == "none", "{how}");
    }
}

#[tokio::test]
async fn an_error_that_a_function_catches_is_its_own_text() {
    let text = App::eval(
        r#"pcall(error, "plain"), select(2, pcall(error, {code = 7})).code,
           select(2, pcall(function() local x = nil; return x.y end)):match("attempt.*")"#,
    )
    .await;
    assert_eq!(text, "false, 7, attempt to index local 'x' (a nil value)");
}

#[tokio::test]
async fn the_error_handler_of_xpcall_gets_the_error_and_answers_for_it() {
    let text = App::eval(
        r#"select(2, xpcall(function() error("a", 0) end, function(e) return e .. "!" end)),
           select(2, xpcall(function(n) return n + 1 end, print, 41))"#,
    )
    .await;
    assert_eq!(text, "a!, 42");
}
