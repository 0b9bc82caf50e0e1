//! What services are told of clients, and clients of the gateway.

use axum::Router;
use axum::routing::any;
use http::{HeaderMap, Method};
use serde_json::json;

use crate::support::{
    Gateway, KeptHead, Start, echo_upstream, kong_yml, serve, unused_addr, with_plugins,
};

#[tokio::test]
async fn a_forwarded_response_says_so() {
    let app = Router::new().fallback(any(|| async { ([("server", "the service")], "body") }));
    let file = kong_yml(serve(app).await, &json!({}), &json!({}));
    let reply = Gateway::of_file(&file).get("/").send().await;
    assert!(reply.header("via").starts_with("1.1 tower-lua/"), "{:?}", reply.headers);
    assert_eq!(reply.header("server"), "the service");
    assert_eq!(reply.header("x-kong-request-id").len(), 32);
    for name in ["x-kong-upstream-latency", "x-kong-proxy-latency"] {
        assert!(reply.header(name).parse::<u64>().is_ok(), "{name}");
    }
    assert!(!reply.headers.contains_key("x-kong-response-latency"));
}

#[tokio::test]
async fn a_response_of_the_gateway_itself_says_so() {
    let exit = json!({ "access": ["kong.response.exit(200, 'hello')"] });
    let file = with_plugins(unused_addr(), &[("pre-function", exit)]);
    let gateway = Gateway::of_file(&file);
    let reply = gateway.get("/").send().await;
    assert!(reply.header("server").starts_with("tower-lua/"));
    assert_eq!(reply.header("x-kong-request-id").len(), 32);
    assert!(reply.header("x-kong-response-latency").parse::<u64>().is_ok());
    for name in ["via", "x-kong-upstream-latency", "x-kong-proxy-latency"] {
        assert!(!reply.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn functions_service_and_client_know_a_request_by_one_id() {
    let id = json!({ "access": ["kong.response.set_header('x-lua-id', ngx.var.kong_request_id)"] });
    let file = with_plugins(echo_upstream().await, &[("pre-function", id)]);
    let reply = Gateway::of_file(&file).get("/").send().await;
    let id = reply.header("x-kong-request-id");
    assert_eq!(reply.header("x-lua-id"), id);
    assert_eq!(reply.json()["headers"]["x-kong-request-id"], id);
}

#[tokio::test]
async fn a_proxy_that_is_trusted_speaks_for_its_client() {
    let file = kong_yml(echo_upstream().await, &json!({}), &json!({ "paths": ["/api"] }));
    let sent = [
        ("x-forwarded-for", "10.1.1.1, 10.2.2.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.test"),
        ("x-forwarded-port", "4443"),
        ("x-forwarded-path", "/outer"),
        ("x-forwarded-prefix", "/outer"),
        ("x-real-ip", "10.1.1.1"),
    ];
    let trusting = Start::of_file(&file).arg("--trusted-ips").arg("127.0.0.0/8").serving();
    let strict = Gateway::of_file(&file);
    for (gateway, is_trusted) in [(&trusting, true), (&strict, false)] {
        let mut call = gateway.get("/api/x");
        for (name, value) in sent {
            call = call.header(name, value);
        }
        let seen = call.send().await.json();
        let headers = &seen["headers"];
        assert_eq!(headers["x-forwarded-for"], "10.1.1.1, 10.2.2.2, 127.0.0.1");
        let port = gateway.proxy.port().to_string();
        for (name, own) in [
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "127.0.0.1"),
            ("x-forwarded-port", port.as_str()),
            ("x-forwarded-path", "/api/x"),
            ("x-forwarded-prefix", "/api"),
            ("x-real-ip", "127.0.0.1"),
        ] {
            let said = sent.iter().find(|(sent, _)| *sent == name).unwrap().1;
            assert_eq!(headers[name], if is_trusted { said } else { own }, "{name}");
        }
    }
}

#[tokio::test]
async fn a_prefix_that_is_kept_is_not_told() {
    let route = json!({ "paths": ["/api"], "strip_path": false });
    let file = kong_yml(echo_upstream().await, &json!({}), &route);
    let gateway = Gateway::of_file(&file);
    let seen = gateway.get("/api/x").header("x-forwarded-prefix", "/forged").send().await.json();
    assert!(seen["headers"].get("x-forwarded-prefix").is_none());
}

#[tokio::test]
async fn connection_names_what_is_dropped_but_nothing_that_matters() {
    let file = kong_yml(echo_upstream().await, &json!({}), &json!({}));
    let gateway = Gateway::of_file(&file);
    let reply = gateway
        .call(Method::POST, "/")
        .header("connection", "x-hop, x-forwarded-for, content-length, authorization")
        .header("x-hop", "1")
        .header("keep-alive", "timeout=5")
        .header("proxy-connection", "keep-alive")
        .header("authorization", "Basic eDp5")
        .body("body")
        .send()
        .await;
    let seen = reply.json();
    assert_eq!(seen["body"], "body");
    assert_eq!(seen["headers"]["content-length"], "4");
    assert_eq!(seen["headers"]["authorization"], "Basic eDp5");
    assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1");
    for name in ["x-hop", "keep-alive", "proxy-connection", "connection"] {
        assert!(seen["headers"].get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn hop_by_hop_headers_of_a_service_stay_behind() {
    let app = Router::new().fallback(any(|| async {
        let headers: [(&str, &str); 4] = [
            ("connection", "x-private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("x-public", "1"),
        ];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        (map, "body")
    }));
    let file = kong_yml(serve(app).await, &json!({}), &json!({}));
    let reply = Gateway::of_file(&file).get("/").send().await;
    assert_eq!(reply.header("x-public"), "1");
    assert!(!reply.headers.contains_key("x-private") && !reply.headers.contains_key("keep-alive"));
}

#[tokio::test]
async fn a_redirect_of_the_service_is_the_clients_to_follow() {
    let app = Router::new().fallback(any(|| async {
        (http::StatusCode::FOUND, [("location", "http://elsewhere.test/")])
    }));
    let file = kong_yml(serve(app).await, &json!({}), &json!({}));
    let reply = Gateway::of_file(&file).get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (302, "http://elsewhere.test/"));
}

#[tokio::test]
async fn functions_see_what_the_expression_of_the_route_caught() {
    let function = json!({ "access": [
        "local found = kong.request.get_uri_captures()
         kong.response.exit(200, found.named.id .. ' ' .. found.unnamed[1])",
    ] });
    let route = json!({
        "paths": [r"~/users/(?<id>\d+)"],
        "plugins": [{ "name": "pre-function", "config": function }],
    });
    let file = kong_yml(unused_addr(), &json!({}), &route);
    assert_eq!(Gateway::of_file(&file).get("/users/42/x").send().await.text(), "42 42");
}

#[tokio::test]
async fn functions_know_route_and_service() {
    let function = json!({ "access": [
        "kong.response.exit(200, kong.router.get_route().name .. ' of ' .. kong.router.get_service().name)",
    ] });
    let file = with_plugins(unused_addr(), &[("pre-function", function)]);
    assert_eq!(Gateway::of_file(&file).get("/").send().await.text(), "route of service");
}

#[tokio::test]
async fn no_function_says_what_is_between_gateway_and_service() {
    let set = json!({ "access": [
        "local h = ngx.req.get_headers()
         local setters = {
           ngx = ngx.req.set_header, add = require('ngx.req').add_header,
           kong = kong.service.request.set_header, more = kong.service.request.add_header,
           all = function(name, value) kong.service.request.set_headers({ [name] = value }) end,
         }
         setters[h['x-setter']](h['x-name'], h['x-value'])",
    ] });
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let service = KeptHead::answering(answer.to_owned()).await;
    let gateway = Gateway::of_file(&with_plugins(service.addr, &[("pre-function", set)]));
    for setter in ["ngx", "add", "kong", "more", "all"] {
        for (name, value) in [
            ("Transfer-Encoding", "chunked"),
            ("Transfer-Encoding", "gzip"),
            ("Content-Length", "300"),
            ("Connection", "x-real-ip, upgrade"),
            ("Upgrade", "websocket"),
            ("TE", "gzip"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "keep-alive"),
            ("Expect", "100-continue"),
        ] {
            for call in [gateway.get("/"), gateway.get("/").http2()] {
                let call = call.header("x-setter", setter).header("x-name", name);
                let reply = call.header("x-value", value).send().await;
                assert_eq!(reply.status, 200, "{setter} {name}");
                let asked = service.asked().await.to_ascii_lowercase();
                let line = format!("\n{}: {value}", name.to_ascii_lowercase());
                assert!(!asked.contains(&line), "{setter} {name}: {asked}");
                assert!(asked.contains("\nx-real-ip: 127.0.0.1"), "{setter} {name}: {asked}");
            }
        }
    }
}
