//! `ngx.ctx`: a table for each request.

use tower_lua::Phase;

use super::assert_errors;
use crate::support::App;

#[tokio::test]
async fn it_lives_through_all_phases_of_both_plugins() {
    let app = App::builder()
        .rewrite("ngx.ctx.trail = 'rewrite'")
        .access("ngx.ctx.trail = ngx.ctx.trail .. ' access'")
        .header_filter("ngx.ctx.trail = ngx.ctx.trail .. ' header_filter'")
        .post_function(Phase::BodyFilter, "ngx.ctx.body = true")
        .log("require('recorder')(ngx.ctx.trail, ngx.ctx.body)")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["rewrite access header_filter true"]);
}

#[tokio::test]
async fn each_request_has_its_own() {
    let app =
        App::access("ngx.ctx.count = (ngx.ctx.count or 0) + 1 kong.response.exit(200, ngx.ctx)")
            .await;
    for _ in 0..2 {
        assert_eq!(app.get("/").send().await.text(), r#"{"count":1}"#);
    }
}

#[tokio::test]
async fn it_can_be_replaced() {
    let app = App::builder()
        .access("ngx.ctx.old = true local own = {new = true} ngx.ctx = own own.later = true")
        .access("kong.response.exit(200, {ngx.ctx.old == nil, ngx.ctx.new, ngx.ctx.later})")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "[true,true,true]");
}

#[tokio::test]
async fn only_a_table_can_take_its_place() {
    assert_errors(&[
        ("ngx.ctx = nil", "ctx should be a table while getting a nil"),
        ("ngx.ctx = 'x'", "ctx should be a table while getting a string"),
    ])
    .await;
}
