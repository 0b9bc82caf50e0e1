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

const SAFE: [&str; 23] = [
    "bit",
    "cjson",
    "cjson.safe",
    "ngx.base64",
    "ngx.errlog",
    "ngx.req",
    "ngx.resp",
    "resty.aes",
    "resty.hmac",
    "resty.md5",
    "resty.random",
    "resty.sha1",
    "resty.sha224",
    "resty.sha256",
    "resty.sha384",
    "resty.sha512",
    "resty.string",
    "table.clear",
    "table.clone",
    "table.isarray",
    "table.isempty",
    "table.new",
    "table.nkeys",
];

#[tokio::test]
async fn modules_that_touch_nothing_outside_are_allowed_unless_the_operator_says_no() {
    for name in SAFE {
        let expression = format!("pcall(function() return type(require('{name}')) end)");
        let kind = if name.starts_with("table.") { "function" } else { "table" };
        assert_eq!(eval_in(Sandbox::default(), &expression).await, format!("true, {kind}"));
        let strict = Sandbox::default().safe_modules(false);
        let denied = format!("false, require '{name}' not allowed within sandbox");
        assert_eq!(eval_in(strict.clone(), &expression).await, denied);
        let listed = strict.allow_require(name);
        assert_eq!(eval_in(listed, &expression).await, format!("true, {kind}"));
        let open = Sandbox::new(UntrustedLua::On);
        assert_eq!(eval_in(open, &expression).await, format!("true, {kind}"));
    }
}

#[tokio::test]
async fn other_modules_need_permission() {
    for name in ["io", "os", "ffi", "package", "string", "resty.http", "table.nothing", ""] {
        let expression = format!("pcall(require, '{name}')");
        let denied = format!("false, require '{name}' not allowed within sandbox");
        assert_eq!(eval_in(Sandbox::default(), &expression).await, denied);
    }
}
