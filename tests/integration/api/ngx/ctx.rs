//! `ngx.ctx`: a table for each request.

use serde_json::json;
use tower_lua::{Consumer, Phase, Route, Service, UriCaptures};

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
async fn a_request_that_is_led_elsewhere_has_a_new_one() {
    let app = App::builder()
        .access("ngx.ctx.seen = true kong.ctx.shared.seen = true ngx.exec('/elsewhere')")
        .post_function(
            Phase::Access,
            "require('recorder')(ngx.ctx.seen, kong.ctx.shared.seen) ngx.ctx.new = true",
        )
        .log("require('recorder')(ngx.ctx.seen, ngx.ctx.new)")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.json()["uri"], "/elsewhere");
    assert_eq!(app.recorder.wait_for(2).await, ["nil true", "nil true"]);
    let app = App::builder()
        .rewrite("ngx.ctx.seen = true ngx.req.set_uri('/elsewhere', true)")
        .access("kong.response.exit(200, tostring(ngx.ctx.seen))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "nil");
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

#[tokio::test]
async fn it_has_the_notes_that_kong_makes() {
    let app = App::builder()
        .extension(Service::new(json!({ "name": "directory", "host": "a.example" })).unwrap())
        .extension(Route::new(json!({ "name": "users" })).unwrap())
        .extension(Consumer::new(json!({ "username": "ada" })).unwrap())
        .extension(UriCaptures::default().with_unnamed("7").with_named("id", "7"))
        .access(
            "local ctx = ngx.ctx
             require('recorder')(ctx.service.name, ctx.route.name,
               ctx.authenticated_consumer.username, ctx.router_matches.uri_captures[1],
               ctx.router_matches.uri_captures.id, ctx.KONG_PROXY_LATENCY,
               ctx.KONG_PROCESSING_START == ngx.req.start_time() * 1000, ctx.nothing, ctx[1])",
        )
        .log(
            "require('recorder')(type(ngx.ctx.KONG_PROXY_LATENCY), type(ngx.ctx.KONG_WAITING_TIME),
               ngx.ctx.KONG_PROXIED)",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(
        app.recorder.wait_for(2).await,
        ["directory users ada 7 7 nil true nil nil", "number number true"]
    );
}

#[tokio::test]
async fn a_field_of_kong_s_may_be_written_over() {
    let app = App::access(
        "ngx.ctx.route = 7 ngx.ctx.KONG_PROXIED = 'mine' kong.response.exit(200, ngx.ctx)",
    )
    .await;
    assert_eq!(app.get("/").send().await.json(), json!({ "route": 7, "KONG_PROXIED": "mine" }));
}
