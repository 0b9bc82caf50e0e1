//! `kong.router`: which route a request has matched, and which service it is for.

use serde_json::json;
use tower_lua::{Consumer, Credential, Phase, Route, Service};

use crate::support::{App, AppBuilder};

fn routed() -> AppBuilder {
    App::builder()
        .extension(Route::new(json!({ "name": "users", "paths": ["/users", "/u"] })).unwrap())
        .extension(Service::new(json!({ "name": "directory", "port": 8080 })).unwrap())
}

#[tokio::test]
async fn they_are_the_ones_that_the_application_names() {
    let app = routed()
        .access(
            "local route, service = kong.router.get_route(), kong.router.get_service()
             kong.response.exit(200, table.concat({
               route.name, route.paths[2], service.name, service.port,
               tostring(route == kong.router.get_route()), tostring(route == ngx.ctx.route),
               tostring(service == ngx.ctx.service) }, ' '))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "users /u directory 8080 true true true");
}

#[tokio::test]
async fn there_is_none_unless_the_application_names_one() {
    let source = "kong.router.get_route(), kong.router.get_service()";
    assert_eq!(App::eval(source).await, "nil, nil");
}

#[tokio::test]
async fn all_phases_and_plugins_know_them() {
    let seen = "require('recorder')(ngx.get_phase(), kong.router.get_route().name, \
                                    kong.router.get_service().name)";
    let app = routed()
        .post_function(Phase::Access, seen)
        .header_filter(seen)
        .post_function(Phase::Log, seen)
        .serve()
        .await;
    app.get("/").send().await;
    let expected = ["access", "header_filter", "log"];
    let expected = expected.map(|phase| format!("{phase} users directory"));
    assert_eq!(app.recorder.wait_for(3).await, expected);
}

#[tokio::test]
async fn the_log_tells_of_all_entities() {
    let app = routed()
        .extension(Consumer::new(json!({ "username": "alice" })).unwrap())
        .extension(
            Credential::new(json!({ "id": "c1", "consumer_id": "a1", "key": "secret" })).unwrap(),
        )
        .log(
            "local cjson = require('cjson')
             local log = kong.log.serialize()
             require('recorder')(log.route.name, log.service.port, log.consumer.username,
               log.authenticated_entity.id, log.authenticated_entity.consumer_id,
               tostring(log.authenticated_entity.key), cjson.encode(log):find('secret'))",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["users 8080 alice c1 a1 nil nil"]);
}

#[tokio::test]
async fn the_log_of_a_request_without_entities_has_none() {
    let app = App::builder()
        .log(
            "local log = kong.log.serialize()
             require('recorder')(tostring(log.route), tostring(log.service),
               tostring(log.consumer), tostring(log.authenticated_entity))",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["nil nil nil nil"]);
}

#[tokio::test]
async fn changing_the_log_leaves_the_entities_as_they_are() {
    let app = routed()
        .access("kong.log.set_serialize_value('route.name', 'other')")
        .log(
            "local log = kong.log.serialize()
             log.route.paths[1] = 'changed'
             require('recorder')(log.route.name, kong.router.get_route().name,
               kong.router.get_route().paths[1])",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["other users /users"]);
}

#[tokio::test]
async fn an_entity_that_a_function_has_tangled_up_is_logged_or_refused() {
    for (tangle, expected) in [
        ("route.self = route", "true"),
        (
            "local deep = {} route.deep = deep for i = 1, 1e5 do deep.d = {} deep = deep.d end",
            "stack overflow",
        ),
    ] {
        let app = routed()
            .access(&format!("local route = kong.router.get_route() {tangle}"))
            .log(
                "local ok, log = pcall(kong.log.serialize)
                 require('recorder')(ok and tostring(log.route.self == log.route) or log)",
            )
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(1).await, [expected], "{tangle}");
    }
}
