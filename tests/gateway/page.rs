//! The page for browsers: where it is served, and to whom.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Call, Gateway, Start};

/// Where a gateway serves its page.
pub(crate) fn page_of(gateway: &Gateway) -> SocketAddr {
    let line = gateway.logged("page listens on ");
    let (_, addr) = line.split_once("page listens on ").unwrap();
    addr.trim().parse().unwrap()
}

/// A command line that starts a gateway with a page.
pub(crate) fn with_page() -> Start {
    Start::new().env("KONG_ADMIN_GUI_LISTEN", "127.0.0.1:0")
}

fn get(addr: SocketAddr, path: &str) -> Call {
    Call::new(addr, Method::GET, path)
}

#[tokio::test]
async fn its_files_may_load_nothing_from_elsewhere() {
    let gateway = with_page().serving();
    let page = page_of(&gateway);
    let index = get(page, "/").send().await;
    assert_eq!(index.status, 200);
    let text = index.text();
    let quoted = text.split('"').filter(|text| text.starts_with('/') && text.contains('.'));
    let files: Vec<_> = quoted.collect();
    assert!(files.len() > 3, "{files:?}");
    for path in files.into_iter().chain(["/", "/completions.json"]) {
        let reply = get(page, path).send().await;
        assert_eq!(reply.status, 200, "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(!reply.text().contains("://cdn") && !reply.text().contains("innerHTML"), "{path}");
    }
    for missing in ["/nothing", "/../Cargo.toml", "/index.html/", "/api.js/x"] {
        assert_eq!(get(page, missing).send().await.status, 404, "{missing}");
    }
    let posted = Call::new(page, Method::POST, "/").send().await;
    assert_eq!((posted.status.as_u16(), posted.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn a_browser_that_has_a_file_gets_it_once() {
    let gateway = with_page().serving();
    let page = page_of(&gateway);
    let first = get(page, "/main.js").send().await;
    assert_eq!(first.header("content-type"), "text/javascript; charset=utf-8");
    let again = get(page, "/main.js").header("if-none-match", first.header("etag")).send().await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let other = get(page, "/main.js").header("if-none-match", "\"other\"").send().await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn the_admin_api_is_below_it_for_its_own_browser_alone() {
    let gateway = with_page().serving();
    let page = page_of(&gateway);
    let service = json!({ "name": "shop", "url": "http://127.0.0.1:1" }).to_string();
    let create = || {
        let call = Call::new(page, Method::POST, "/api/services").body(service.clone());
        call.header("content-type", "application/json").header("sec-fetch-site", "same-origin")
    };
    let created = create().header("origin", format!("http://{page}")).send().await;
    assert_eq!(created.status, 201, "{}", created.text());
    let list = get(page, "/api/services").header("sec-fetch-site", "same-origin").send().await;
    assert_eq!(list.json()["data"][0]["name"], "shop");
    assert!(!list.headers.contains_key("access-control-allow-origin"));
    assert_eq!(gateway.admin("/services/shop").send().await.status, 200);
    assert_eq!(get(page, "/api/").send().await.json()["version"], env!("CARGO_PKG_VERSION"));

    assert_eq!(create().header("origin", "http://evil.example").send().await.status, 403);
    let elsewhere = get(page, "/api/services").header("sec-fetch-site", "cross-site");
    assert_eq!(elsewhere.send().await.status, 403);
    let rebound = get(page, "/api/services").header("host", "evil.example");
    assert_eq!(rebound.header("sec-fetch-site", "same-origin").send().await.status, 403);
}

#[tokio::test]
async fn the_key_of_the_admin_api_is_wanted_there_too() {
    let gateway = with_page().env("KONG_ADMIN_KEY", "secret").serving();
    let page = page_of(&gateway);
    assert_eq!(get(page, "/").send().await.status, 200);
    assert_eq!(get(page, "/api/services").send().await.status, 401);
    let call = get(page, "/api/services").header("kong-admin-token", "secret");
    assert_eq!(call.send().await.status, 200);
}

#[tokio::test]
async fn functions_do_not_reach_it() {
    let gateway = with_page().serving();
    let page = page_of(&gateway);
    let reach = format!(
        "local ok, err = ngx.socket.tcp():connect('127.0.0.1', {})
         kong.response.exit(200, ok and 'connected' or err)",
        page.port()
    );
    let plugin = json!({ "name": "pre-function", "config": { "access": [reach] } });
    gateway.post("/services", &json!({ "name": "shop", "url": "http://127.0.0.1:1" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/"] })).await;
    assert_eq!(gateway.post("/plugins", &plugin).await.status, 201);
    let said = gateway.get("/").send().await.text();
    assert!(!said.contains("connected"), "{said}");
}

#[tokio::test]
async fn names_are_offered_with_what_the_types_say_of_them() {
    let gateway = with_page().serving();
    let names = get(page_of(&gateway), "/completions.json").send().await.json();
    let request = &names["classes"]["kong.request"]["members"];
    let header = &request["get_header"];
    assert!(header["arguments"].as_str().unwrap().starts_with("name: string"), "{header}");
    assert!(header["results"].as_str().unwrap().starts_with("string?"), "{header}");
    assert!(header["phases"].as_str().unwrap().contains("access"), "{header}");
    assert!(header["summary"].as_str().unwrap().ends_with('.'), "{header}");
    assert_eq!(names["modules"]["resty.http"], "resty.http");
    assert_eq!(
        names["classes"]["resty.http"]["members"]["request_uri"]["gives"],
        "resty.http.response"
    );
    assert_eq!(names["classes"]["kong"]["members"]["request"]["of"], "kong.request");
    let without =
        |of: &Value| of.as_object().unwrap().values().any(|one| one.get("summary").is_none());
    assert!(!without(request));
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, said) = Start::new().arg("--gui-listen").arg(&addr).ending();
    assert_ne!(code, 0);
    assert!(said.contains(&format!("cannot listen on '{addr}'")), "{said}");
}

#[tokio::test]
async fn a_gateway_without_an_admin_api_has_no_page() {
    let start = with_page().env("KONG_ADMIN_LISTEN", "off").arg("--log-file").arg("gateway.log");
    let log = start.directory().join("gateway.log");
    let mut process = start.spawned();
    let said = process.reads(&log, "leaves the page of --gui-listen nothing to show");
    assert!(said.contains("--admin-listen off"), "{said}");
}
