//! `ngx.req` as a module.

use crate::api::ngx::assert_errors;
use crate::support::App;

#[tokio::test]
async fn it_adds_headers_to_the_request() {
    let app = App::access(
        "local add = require('ngx.req').add_header
         add('X-A', 'one') add('x-a', {'two', 3}) add('X-B', 4) add('X-C', true)",
    )
    .await;
    let seen = app.get("/").header("x-a", "client").send().await.json();
    assert_eq!(seen["headers"]["x-a"], "client|one|two|3");
    assert_eq!(seen["headers"]["x-b"], "4");
    assert_eq!(seen["headers"]["x-c"], "true");
}

#[tokio::test]
async fn a_line_break_starts_no_header() {
    let app = App::access("require('ngx.req').add_header('x-a', 'b\\r\\nx-c: d')").await;
    let seen = app.get("/").send().await.json();
    assert_eq!(seen["headers"]["x-a"], "b%0D%0Ax-c: d");
}

#[tokio::test]
async fn arguments_are_checked() {
    assert_errors(&[
        ("require('ngx.req').add_header()", "bad 'name' argument: string expected, got nil"),
        (
            "require('ngx.req').add_header('a')",
            "bad 'value' argument: string or table expected, got nil",
        ),
        (
            "require('ngx.req').add_header('a', {})",
            "bad 'value' argument: non-empty table expected",
        ),
        ("require('ngx.req').add_header('', 'a')", "header name must not be empty"),
        (
            "require('ngx.req').add_header('a', string.rep('a', 200000))",
            "header value too long: 200000 bytes (limit: 131072)",
        ),
    ])
    .await;
}
