//! Environment variables: `os.getenv`.

use tower_lua::{Sandbox, UntrustedLua};

use crate::support::App;

/// What `expression` is worth where functions may read the variables `names`.
async fn eval_in(names: &[&str], sandbox: Sandbox, expression: &str) -> String {
    let app = App::builder()
        .access(&format!(
            "local function join(...)
               local texts = {{}}
               for i = 1, select('#', ...) do texts[i] = tostring((select(i, ...))) end
               return table.concat(texts, ', ')
             end
             kong.response.exit(200, join((function() return {expression} end)()))"
        ))
        .runtime(|runtime| runtime.sandbox(sandbox).environment(names.iter().copied()));
    app.serve().await.get("/").send().await.text()
}

async fn eval(names: &[&str], expression: &str) -> String {
    eval_in(names, Sandbox::default(), expression).await
}

// Cargo sets it for whatever it runs.
const VARIABLE: &str = "CARGO_PKG_NAME";

#[tokio::test]
async fn without_permission_there_is_no_getenv() {
    assert_eq!(eval(&[], "os.getenv").await, "nil");
}

#[tokio::test]
async fn getenv_gives_the_variables_that_the_operator_names() {
    let read = "os.getenv('CARGO_PKG_NAME'), os.getenv('PATH'), os.getenv('NOBODY_SETS_THIS')";
    assert_eq!(eval(&[VARIABLE, "NOBODY_SETS_THIS"], read).await, "tower-lua, nil, nil");
    assert_eq!(eval(&["NOBODY_SETS_THIS", "A=B", ""], read).await, "nil, nil, nil");
    let odd =
        "os.getenv(''), os.getenv('A=B'), os.getenv('A\\0B'), os.getenv('\\255'), os.getenv(1)";
    assert_eq!(eval(&[VARIABLE], odd).await, "nil, nil, nil, nil, nil");
}

#[tokio::test]
async fn getenv_checks_its_argument() {
    for (argument, kind) in [("", "nil"), ("{}", "table"), ("true", "boolean")] {
        let call = format!("select(2, pcall(function() os.getenv({argument}) end))");
        let error = eval(&[VARIABLE], &call).await;
        let expected = format!(":6: bad argument #1 to 'getenv' (string expected, got {kind})");
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn outside_the_sandbox_getenv_reads_all() {
    let read = "os.getenv('CARGO_PKG_NAME'), os.getenv('PATH') ~= nil";
    assert_eq!(eval_in(&[], Sandbox::new(UntrustedLua::On), read).await, "tower-lua, true");
}

#[tokio::test]
async fn allowing_the_global_getenv_allows_all_of_it() {
    let sandbox = Sandbox::default().allow_global("os.getenv");
    assert_eq!(eval_in(&["A"], sandbox, "os.getenv('CARGO_PKG_NAME')").await, "tower-lua");
}
