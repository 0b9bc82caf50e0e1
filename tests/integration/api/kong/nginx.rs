//! `kong.nginx`, `kong.cluster`, `kong.plugin` and `kong.version`.

use tower_lua::{Phase, ServerStats};

use crate::support::App;

#[tokio::test]
async fn functions_serve_http() {
    assert_eq!(App::eval("kong.nginx.get_subsystem()").await, "http");
}

#[tokio::test]
async fn the_server_tells_its_statistics() {
    let app = App::builder()
        .runtime(|runtime| {
            runtime.server_stats(|| ServerStats {
                connections_active: 1,
                connections_reading: 2,
                connections_writing: 3,
                connections_waiting: 4,
                connections_accepted: 5,
                connections_handled: 6,
                total_requests: 1 << 40,
            })
        })
        .access(
            "local stats, names = kong.nginx.get_statistics(), {}
             for name, count in pairs(stats) do names[#names + 1] = name .. '=' .. count end
             table.sort(names)
             kong.response.exit(200, table.concat(names, ' '))",
        )
        .serve()
        .await;
    assert_eq!(
        app.get("/").send().await.text(),
        "connections_accepted=5 connections_active=1 connections_handled=6 connections_reading=2 \
         connections_waiting=4 connections_writing=3 total_requests=1099511627776"
    );
}

#[tokio::test]
async fn a_server_that_tells_nothing_has_no_statistics() {
    assert_eq!(App::eval("next(kong.nginx.get_statistics())").await, "nil");
}

#[tokio::test]
async fn the_cluster_has_the_id_that_is_configured() {
    assert_eq!(App::eval("kong.cluster.get_id()").await, "nil");
    let app = App::builder()
        .runtime(|runtime| runtime.configuration(serde_json::json!({ "cluster_id": "west" })))
        .access("kong.response.exit(200, kong.cluster.get_id())")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "west");
}

#[tokio::test]
async fn a_plugin_has_the_name_of_its_functions_as_id() {
    let app = App::builder()
        .access("require('recorder')(kong.plugin.get_id(), kong.plugin:get_id())")
        .post_function(Phase::Log, "require('recorder')(kong.plugin.get_id())")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(2).await, ["pre pre", "post"]);
}

#[tokio::test]
async fn the_version_is_that_of_the_kong_whose_functions_these_are() {
    let source = "kong.version, kong.version_num, type(kong.version_num)";
    assert_eq!(App::eval(source).await, "3.10.0, 30010000, number");
}
