//! `ngx.resp` as a module.

use tower_lua::Phase;

use crate::api::ngx::assert_errors;
use crate::support::App;

#[tokio::test]
async fn it_adds_headers_to_the_response() {
    let app = App::builder()
        .access("require('ngx.resp').add_header('X-A', 'early')")
        .header_filter(
            "local add = require('ngx.resp').add_header
             add('X-A', 'one') add('x_a', {'two', 3}) add('X-B', 4) add('X-C', {})",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    let values: Vec<_> = reply.headers.get_all("x-a").iter().collect();
    assert_eq!(values, ["early", "one", "two", "3"]);
    assert_eq!(reply.header("x-b"), "4");
    assert_eq!(reply.headers.get("x-c"), None);
}

#[tokio::test]
async fn after_the_head_is_sent_it_is_too_late() {
    let app = App::builder()
        .function(
            Phase::BodyFilter,
            "require('recorder')(tostring(pcall(require('ngx.resp').add_header, 'x-a', 'b')))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.headers.get("x-a"), None);
    assert_eq!(app.recorder.wait_for(1).await[0], "true");
}

#[tokio::test]
async fn arguments_are_checked() {
    assert_errors(&[
        ("require('ngx.resp').add_header('a')", "invalid header value"),
        ("require('ngx.resp').add_header('', 'a')", "header name must not be empty"),
    ])
    .await;
}
