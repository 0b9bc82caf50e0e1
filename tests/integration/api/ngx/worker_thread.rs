//! `ngx.run_worker_thread`: functions of modules, on threads and in VMs of their own.

use std::fs;
use std::time::Duration;

use tower_lua::Sandbox;

use crate::support::{App, AppBuilder, patient};

const MODULE: &str = r##"
local calls = 0
return {
  sum = function(a, b) calls = calls + 1 return a + b, calls end,
  echo = function(...) return select("#", ...), ... end,
  digest = function(text) return ngx.md5(text) end,
  fail = function() error("no luck") end,
  sleep = function() ngx.sleep(1) end,
  uri = function() return ngx.var.uri end,
  spin = function() while true do end end,
  f = function() return print end,
  number = 7,
}
"##;

/// An application with the module `work`, and one that is no table.
fn working(name: &str) -> AppBuilder {
    let directory = std::env::temp_dir().join(format!("tower-lua-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("work.lua"), MODULE).unwrap();
    fs::write(directory.join("seven.lua"), "return 7").unwrap();
    let sandbox = Sandbox::default().allow_require("work").allow_require("seven");
    App::builder().runtime(|runtime| runtime.module_path(directory).sandbox(sandbox))
}

/// What calls come to, one a line.
async fn said(name: &str, calls: &[&str]) -> Vec<String> {
    let calls = calls.iter().map(|call| format!("say({call})"));
    let source = format!(
        "local say, run = require('recorder'), ngx.run_worker_thread {}",
        calls.collect::<Vec<_>>().join(" ")
    );
    let app = working(name).access(&source).serve().await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 200);
    app.recorder.entries()
}

#[tokio::test]
async fn values_go_and_come_back_as_copies() {
    let lines = said(
        "values",
        &[
            "run('pool', 'work', 'sum', 1, 2)",
            "run('pool', 'work', 'sum', 3, 4)",
            "run('pool', 'work', 'digest', 'x')",
            "run('pool', 'work', 'echo', nil, true, 'a\\0b', nil)",
            "select(3, run('pool', 'work', 'echo', { a = { 1, 2, b = ngx.null } }))",
            "(select(3, run('pool', 'work', 'echo', { a = { 1, 2 } }))).a[2]",
        ],
    )
    .await;
    // Each has a VM of its own: nobody has called before.
    assert_eq!(lines[0], "true 3 1");
    assert_eq!(lines[1], "true 7 1");
    assert_eq!(lines[2], "true 9dd4e461268c8034f5c8564e155c67a6");
    assert_eq!(lines[3], "true 4 nil true a\0b nil");
    assert_eq!(lines[5], "2");
}

#[tokio::test]
async fn what_goes_wrong_is_said_in_nginxs_words() {
    let lines = said(
        "wrong",
        &[
            "run('pool', 'work')",
            "run({}, 'work', 'sum')",
            "run('pool', {}, 'sum')",
            "run('pool', 'work', {})",
            "run('pool', 'work', 'sum', print)",
            "run('pool', 'work', 'sum', coroutine.create(print))",
            "run('pool', 'work', 'number')",
            "run('pool', 'seven', 'number')",
            "run('pool', 'work', 'f')",
            "(function() local t = {} t.t = t return run('pool', 'work', 'echo', t) end)()",
        ],
    )
    .await;
    let expected = [
        "false expecting at least 3 arguments",
        "false threadpool should be a string",
        "false module name should be a string",
        "false function name should be a string",
        "false unsupported Lua type: LUA_TFUNCTION in the argument",
        "false unsupported Lua type: LUA_TTHREAD in the argument",
        "false invalid function",
        "false invalid lua module",
        "false unsupported Lua type: LUA_TFUNCTION in the return value",
        "false suspicious circular references, table depth exceed max depth: 100 in the argument",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_function_that_fails_says_why() {
    let lines = said(
        "fails",
        &[
            "run('pool', 'work', 'fail')",
            "run('pool', 'work', 'sleep')",
            "run('pool', 'work', 'uri')",
            "run('pool', 'os', 'time')",
            "run('pool', 'missing', 'f')",
        ],
    )
    .await;
    assert!(
        lines[0].starts_with("false ") && lines[0].ends_with("work.lua:7: no luck"),
        "{lines:?}"
    );
    assert_eq!(lines[1], "false a function cannot wait in a worker thread");
    assert!(lines[2].ends_with("API disabled in the current context"), "{lines:?}");
    for (line, name) in lines[3..].iter().zip(["os", "missing"]) {
        assert_eq!(*line, format!("false require '{name}' not allowed within sandbox"));
    }
}

#[tokio::test]
async fn it_has_the_budget_of_a_call_and_holds_up_nobody() {
    let budget = patient().call_time(Duration::from_millis(50));
    let app = working("budget")
        .budget(budget)
        .access(
            "if ngx.var.arg_spin then
               require('recorder')(ngx.run_worker_thread('pool', 'work', 'spin'))
             end",
        )
        .serve()
        .await;
    let spinning = tokio::spawn(app.get("/?spin=1").send());
    assert_eq!(app.get("/").send().await.status, 200);
    assert_eq!(spinning.await.unwrap().status, 200);
    let lines = app.recorder.entries();
    assert!(
        lines[0].starts_with("false ") && lines[0].contains("CPU budget exhausted"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_table_that_holds_another_a_thousand_million_times_is_not_copied_for_ever() {
    let app = working("nested")
        .budget(patient().call_time(Duration::from_millis(100)))
        .access(
            "local t = {}
             for i = 1, 30 do t = { t, t } end
             ngx.run_worker_thread('pool', 'work', 'echo', t)",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 500);
    assert_eq!(app.get("/").send().await.status, 500, "and goes on serving");
}
