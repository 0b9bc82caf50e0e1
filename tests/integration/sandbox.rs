//! `sandbox`: what a function may reach.

use tower_lua::{Sandbox, UntrustedLua};

use crate::support::App;

/// What `expression` is worth in `sandbox`.
async fn eval_in(sandbox: Sandbox, expression: &str) -> String {
    let source = format!(
        "local function join(...)
           local texts = {{}}
           for i = 1, select('#', ...) do texts[i] = tostring((select(i, ...))) end
           return table.concat(texts, ', ')
         end
         return kong.response.exit(200, join((function() return {expression} end)()))"
    );
    let app = App::builder().runtime(|runtime| runtime.sandbox(sandbox)).access(&source);
    app.serve().await.get("/").send().await.text()
}

// Cargo sets it for whatever it runs.
const VARIABLE: &str = "CARGO_PKG_NAME";

#[tokio::test]
async fn without_permission_there_is_no_getenv() {
    assert_eq!(eval_in(Sandbox::default(), "os.getenv").await, "nil");
}

#[tokio::test]
async fn getenv_gives_the_variables_that_the_operator_names() {
    let sandbox = Sandbox::default().allow_env(VARIABLE).allow_env("NOBODY_SETS_THIS");
    let read = "os.getenv('CARGO_PKG_NAME'), os.getenv('PATH'), os.getenv('NOBODY_SETS_THIS')";
    assert_eq!(eval_in(sandbox.clone(), read).await, "tower-lua, nil, nil");
    let odd =
        "os.getenv(''), os.getenv('A=B'), os.getenv('A\\0B'), os.getenv('\\255'), os.getenv(1)";
    assert_eq!(eval_in(sandbox, odd).await, "nil, nil, nil, nil, nil");
}

#[tokio::test]
async fn getenv_checks_its_argument() {
    let sandbox = Sandbox::default().allow_env(VARIABLE);
    for (argument, kind) in [("", "nil"), ("{}", "table"), ("true", "boolean")] {
        let call = format!("select(2, pcall(function() os.getenv({argument}) end))");
        let error = eval_in(sandbox.clone(), &call).await;
        let expected = format!(":6: bad argument #1 to 'getenv' (string expected, got {kind})");
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn outside_the_sandbox_getenv_reads_all() {
    let sandbox = Sandbox::new(UntrustedLua::On);
    let read = "os.getenv('CARGO_PKG_NAME'), os.getenv('PATH') ~= nil";
    assert_eq!(eval_in(sandbox, read).await, "tower-lua, true");
}

#[tokio::test]
async fn allowing_the_global_getenv_allows_all_of_it() {
    let sandbox = Sandbox::default().allow_env("NOBODY_SETS_THIS").allow_global("os.getenv");
    assert_eq!(eval_in(sandbox, "os.getenv('CARGO_PKG_NAME')").await, "tower-lua");
}
