//! `debug` and `ffi` for libraries in the operator's directory.

use tower_lua::{Sandbox, UntrustedLua};

use crate::support::App;

/// What `statements` return, outside of the sandbox, where there is a directory of modules.
async fn eval(statements: &str) -> String {
    let source = format!(
        r#"local function join(...)
             local texts = {{}}
             for i = 1, select('#', ...) do texts[i] = tostring((select(i, ...))) end
             return table.concat(texts, ", ")
           end
           local function f(a) local told = debug.getinfo(1, "nSlu") return told end
           kong.response.exit(200, join((function() {statements} end)()))"#
    );
    let sandbox = Sandbox::new(UntrustedLua::On);
    let app = App::builder()
        .runtime(|runtime| runtime.sandbox(sandbox).module_path(std::env::temp_dir()))
        .access(&source)
        .serve()
        .await;
    app.get("/").send().await.text()
}

async fn assert_all(cases: &[(&str, &str)]) {
    for (statements, expected) in cases {
        assert_eq!(eval(statements).await, *expected, "{statements}");
    }
}

#[tokio::test]
async fn who_is_running_is_told() {
    assert_all(&[
        ("return require('debug') == debug", "true"),
        (
            "local told = f() return told.what, told.currentline, told.linedefined, told.name, told.nups",
            "Lua, 6, 6, f, 0",
        ),
        ("local told = debug.getinfo(f) return told.currentline, told.name, told.namewhat", "-1, nil, "),
        ("local told = debug.getinfo(print, 'S') return told.what, told.source, told.currentline", "C, =[C], nil"),
        ("return debug.getinfo(f, 'f').func == f", "true"),
        // What callers have is theirs.
        ("return debug.getinfo(1, 'f').func, debug.getinfo(2).func", "nil, nil"),
        ("return debug.getinfo(1000), debug.getinfo(-1)", "nil, nil"),
        ("return debug.getinfo(coroutine.create(f), 0), debug.getinfo(coroutine.create(f), f, 'S').what", "nil, Lua"),
        ("return debug.gethook()", "external hook, , 0"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    for (call, expected) in [
        ("getinfo, 'x'", "bad argument #1 to 'getinfo' (function or level expected)"),
        ("getinfo", "bad argument #1 to 'getinfo' (function or level expected)"),
        ("getinfo, 1, 'z'", "bad argument #2 to 'getinfo' (invalid option)"),
        ("getinfo, 1, {}", "bad argument #2 to 'getinfo' (string expected, got table)"),
        (
            "getinfo, coroutine.create(f), {}",
            "bad argument #2 to 'getinfo' (function or level expected)",
        ),
    ] {
        let found = eval(&format!("return select(2, pcall(debug.{call}))")).await;
        assert!(found.ends_with(expected), "{call}: {found}");
    }
}

#[tokio::test]
async fn a_stack_is_shown() {
    let own = eval("return debug.traceback('what', 1)").await;
    assert!(own.starts_with("what\nstack traceback:\n") && own.contains("in function"), "{own}");
    let waits =
        "local waits = coroutine.create(function() coroutine.yield() end) coroutine.resume(waits)
                 return debug.traceback(waits, 'that')";
    let theirs = eval(waits).await;
    assert!(theirs.starts_with("that\nstack traceback:") && theirs.contains("yield"), "{theirs}");
    assert_all(&[("local t = {} return debug.traceback(t) == t", "true")]).await;
}

#[tokio::test]
async fn modules_are_made_where_all_globals_have_a_metatable() {
    let strict = "setmetatable(_G, { __index = function(_, name) error('no ' .. name) end })
                  local text = require('cjson.safe').encode({ 1 })
                  setmetatable(_G, nil)
                  return text, require('cjson').encode({ require('resty.cookie') ~= nil })";
    assert_all(&[(strict, "[1], [true]")]).await;
}
