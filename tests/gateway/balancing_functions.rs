//! Functions that choose an upstream or a target, and what they learn of where a request went.

use serde_json::{Value, json};

use crate::support::{Gateway, Start, balanced, named, unused_addr};

/// A gateway with the upstream `shop.upstream`, and these functions in front of and behind all plugins.
async fn with_functions(
    targets: &[(std::net::SocketAddr, u16)],
    access: &str,
    log: &str,
) -> Gateway {
    let mut file: Value = serde_json::from_str(&balanced(&json!({}), targets)).unwrap();
    file["upstreams"].as_array_mut().unwrap().push(json!({
        "name": "other.upstream",
        "targets": [{ "target": named("other").await }],
    }));
    file["plugins"] = json!([
        { "name": "pre-function", "config": { "access": [access] } },
        { "name": "post-function", "config": { "log": [log] } },
    ]);
    Start::of_file(&file.to_string()).serving()
}

#[tokio::test]
async fn a_function_chooses_an_upstream() {
    let access = "local ok, err = kong.service.set_upstream(kong.request.get_header('x-upstream'))
                  kong.response.set_header('x-said', tostring(ok) .. ' ' .. tostring(err))";
    let gateway = with_functions(&[(named("a").await, 1)], access, "return").await;
    let reply = gateway.get("/").header("x-upstream", "other.upstream").send().await;
    assert_eq!((reply.text().as_str(), reply.header("x-said")), ("other", "true nil"));
    let reply = gateway.get("/").header("x-upstream", "no.upstream").send().await;
    let said = "nil could not find an Upstream named 'no.upstream'";
    assert_eq!((reply.text().as_str(), reply.header("x-said")), ("a", said));
}

#[tokio::test]
async fn an_upstream_that_a_function_found_is_gone_with_it() {
    let gateway = Gateway::empty();
    let access = "local ok = kong.service.set_upstream('shop.upstream')
                  if not ok then return kong.response.exit(200, 'none') end";
    let addr = named("a").await;
    gateway.post("/services", &json!({ "name": "shop", "url": "http://127.0.0.1:1" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/"] })).await;
    let plugin = json!({ "name": "pre-function", "config": { "access": [access] } });
    assert_eq!(gateway.post("/plugins", &plugin).await.status, 201);
    assert_eq!(gateway.get("/").send().await.text(), "none");
    gateway.post("/upstreams", &json!({ "name": "shop.upstream" })).await;
    gateway.post("/upstreams/shop.upstream/targets", &json!({ "target": addr })).await;
    assert_eq!(gateway.get("/").send().await.text(), "a");
    gateway.admin_call(http::Method::DELETE, "/upstreams/shop.upstream").send().await;
    assert_eq!(gateway.get("/").send().await.text(), "none");
}

#[tokio::test]
async fn a_target_that_a_function_sets_is_none_of_the_upstreams() {
    let elsewhere = named("elsewhere").await;
    let access = format!("kong.service.set_target('127.0.0.1', {})", elsewhere.port());
    let gateway = with_functions(&[(named("a").await, 1)], &access, "return").await;
    assert_eq!(gateway.get("/").send().await.text(), "elsewhere");
}

#[tokio::test]
async fn a_callback_says_where_to_go_after_the_first_target() {
    let elsewhere = named("elsewhere").await;
    let access = format!(
        "kong.service.set_target_retry_callback(function() return '127.0.0.1', {} end)",
        elsewhere.port()
    );
    let gateway = with_functions(&[(unused_addr(), 1)], &access, "return").await;
    assert_eq!(gateway.get("/").send().await.text(), "elsewhere");
}

#[tokio::test]
async fn the_log_tells_where_a_request_was_tried() {
    let log = "local log, told = kong.log.serialize(), {}
               for n, try in ipairs(log.tries) do
                 told[n] = try.ip .. ':' .. try.port .. ' ' .. tostring(try.state) .. ' ' .. tostring(try.code)
               end
               kong.log.notice('tried ', table.concat(told, ', '), '; ', ngx.var.upstream_addr)";
    let (gone, there) = (unused_addr(), named("a").await);
    let gateway = with_functions(&[(gone, 1000), (there, 1)], "return", log).await;
    assert_eq!(gateway.get("/").send().await.text(), "a");
    let said = gateway.logged("tried ");
    let wanted = format!("tried {gone} failed 502, {there} nil nil; {gone}, {there}");
    assert!(said.contains(&wanted), "{said}");
    let gateway = with_functions(&[(gone, 1)], "kong.service.set_retries(1)", log).await;
    assert_eq!(gateway.get("/").send().await.status, 502);
    let said = gateway.logged("tried ");
    let wanted = format!("tried {gone} failed 502, {gone} failed 502; {gone}, {gone}");
    assert!(said.contains(&wanted), "{said}");
}

#[tokio::test]
async fn the_log_tells_where_a_service_without_an_upstream_is() {
    let there = named("a").await;
    for host in ["127.0.0.1", "localhost"] {
        let log =
            "kong.log.notice('tried ', #kong.log.serialize().tries, ' ', ngx.var.upstream_addr)";
        let file = json!({
            "_format_version": "3.0",
            "services": [{ "name": "a", "host": host, "port": there.port(), "routes": [{ "paths": ["/"] }] }],
            "plugins": [{ "name": "post-function", "config": { "log": [log] } }],
        });
        let gateway = Gateway::of_file(&file.to_string());
        for _ in 0..2 {
            assert_eq!(gateway.get("/").send().await.text(), "a");
            let said = gateway.logged("tried ");
            assert!(said.contains(&format!("tried 1 {there}")), "{said}");
        }
    }
}
