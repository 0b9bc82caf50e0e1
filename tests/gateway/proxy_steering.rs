//! Functions that say where a request goes, and how long it may take.

use serde_json::json;

use crate::support::{Gateway, echo_upstream, serve, unused_addr, with_plugins};

fn steered(upstream: std::net::SocketAddr, function: &str) -> Gateway {
    let function = json!({ "access": [function] });
    Gateway::of_file(&with_plugins(upstream, &[("pre-function", function)]))
}

#[tokio::test]
async fn a_function_sends_a_request_elsewhere() {
    let elsewhere = echo_upstream().await;
    let gateway = steered(
        unused_addr(),
        &format!("kong.service.set_target('127.0.0.1', {})", elsewhere.port()),
    );
    let seen = gateway.get("/x?y=1").send().await.json();
    assert_eq!(seen["uri"], "/x?y=1");
    assert_eq!(seen["headers"]["host"], elsewhere.to_string());
}

#[tokio::test]
async fn no_function_finds_a_group_of_targets() {
    let gateway = steered(
        echo_upstream().await,
        "local ok, err = kong.service.set_upstream('nobody')
         kong.service.request.set_header('x-told', tostring(ok) .. ', ' .. err)",
    );
    let seen = gateway.get("/").send().await.json();
    assert_eq!(seen["headers"]["x-told"], "nil, could not find an Upstream named 'nobody'");
}

#[tokio::test]
async fn a_table_of_a_functions_own_says_where_a_request_goes() {
    let elsewhere = echo_upstream().await;
    let gateway = steered(
        unused_addr(),
        &format!(
            "ngx.ctx.balancer_data = {{ host = '127.0.0.1', port = {}, retries = 0 }}",
            elsewhere.port()
        ),
    );
    assert_eq!(gateway.get("/x").send().await.json()["headers"]["host"], elsewhere.to_string());
}

#[tokio::test]
async fn a_function_says_where_to_try_again() {
    let elsewhere = echo_upstream().await;
    let gateway = steered(
        unused_addr(),
        &format!(
            "kong.service.set_target_retry_callback(function() return '127.0.0.1', {} end)",
            elsewhere.port()
        ),
    );
    let seen = gateway.call(http::Method::POST, "/x").body("kept").send().await.json();
    assert_eq!((&seen["uri"], &seen["body"]), (&json!("/x"), &json!("kept")));
    assert_eq!(seen["headers"]["host"], elsewhere.to_string());
}

#[tokio::test]
async fn a_function_that_knows_of_nothing_else_gives_a_503() {
    let gateway = steered(
        unused_addr(),
        "kong.service.set_target_retry_callback(function() return nil, 'none left' end)",
    );
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.json()["message"], "failure to get a peer from retry handler");
    gateway.logged("retry handler failed: none left");
}

#[tokio::test]
async fn a_function_says_which_host_the_service_is_asked_for() {
    let gateway =
        steered(echo_upstream().await, "kong.service.request.set_header('host', 'shop.test')");
    assert_eq!(gateway.get("/").send().await.json()["headers"]["host"], "shop.test");
}

#[tokio::test]
async fn a_function_sets_timeouts_and_retries() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = steered(
        silent.local_addr().unwrap(),
        "kong.service.set_timeouts(1000, 1000, 50) kong.service.set_retries(0)",
    );
    assert_eq!(gateway.get("/").send().await.status, 504);
}

#[tokio::test]
async fn a_function_chooses_tls() {
    // The service does not speak it.
    let gateway = steered(
        serve(axum::Router::new()).await,
        "kong.service.request.set_scheme('https') kong.service.set_retries(0)",
    );
    assert_eq!(gateway.get("/").send().await.status, 502);
    gateway.logged("cannot connect");
}

#[tokio::test]
async fn a_service_whose_function_always_answers_is_never_connected_to() {
    let service = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = steered(service.local_addr().unwrap(), "return kong.response.exit(200, 'fake')");
    for _ in 0..10 {
        assert_eq!(gateway.get("/").send().await.text(), "fake");
    }
    let connected = tokio::time::timeout(std::time::Duration::from_millis(50), service.accept());
    assert!(connected.await.is_err());
}

#[tokio::test]
async fn a_function_leads_a_request_to_another_route() {
    let (first, second) = (unused_addr(), echo_upstream().await);
    let exec = json!({ "access": ["return ngx.exec('/new/x', 'from=old')"] });
    let file = json!({ "_format_version": "3.0", "services": [
        { "name": "old", "url": format!("http://{first}"), "routes": [
            { "paths": ["/old"], "plugins": [{ "name": "pre-function", "config": exec }] },
        ]},
        { "name": "new", "url": format!("http://{second}"), "routes": [{ "paths": ["/new"] }] },
    ]});
    let gateway = Gateway::of_file(&file.to_string());
    assert_eq!(gateway.get("/old").send().await.json()["uri"], "/x?from=old");
}

#[tokio::test]
async fn such_a_request_may_get_a_path_for_its_service_then() {
    let plugins = json!([
        { "name": "pre-function", "config": { "access": ["return ngx.exec('/new/x', 'from=old')"] } },
        {
            "name": "post-function",
            "config": { "access": ["kong.service.request.set_path('/old/set')"] },
        },
    ]);
    let file = json!({ "_format_version": "3.0", "services": [
        {
            "name": "old", "url": format!("http://{}", unused_addr()),
            "routes": [{ "paths": ["/old"], "plugins": plugins }],
        },
        {
            "name": "new", "url": format!("http://{}", echo_upstream().await),
            "routes": [{ "paths": ["/new"] }],
        },
    ]});
    let gateway = Gateway::of_file(&file.to_string());
    assert_eq!(gateway.get("/old").send().await.json()["uri"], "/old/set?from=old");
}
