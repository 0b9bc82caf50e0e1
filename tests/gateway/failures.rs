//! What is told of functions that fail: by the Admin API, and with `--debug` to clients on the machine.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Start, shop, unused_addr, with_plugins};

/// Adds a plugin, and gives its id.
async fn plugin(gateway: &Gateway, name: &str, config: Value) -> String {
    let reply = gateway.post("/plugins", &json!({ "name": name, "config": config })).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["id"].as_str().unwrap().to_owned()
}

async fn failures(gateway: &Gateway, query: &str) -> Value {
    gateway.admin(&format!("/functions/failures{query}")).send().await.json()
}

/// Sends a request of which a function fails, and gives its id.
async fn fail(gateway: &Gateway, path: &str) -> String {
    let reply = gateway.get(path).send().await;
    assert_eq!(reply.status, 500, "{}", reply.text());
    reply.json()["request_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_failure_is_listed_with_its_place_its_message_and_its_request() {
    let gateway = shop().await;
    assert_eq!(failures(&gateway, "").await, json!({ "data": [], "next": null }));
    let access =
        "local user = nil\nlocal function name() return user.name end\nreturn name() .. ''";
    let id = plugin(&gateway, "pre-function", json!({ "access": ["local ok = 1", access] })).await;
    let request = fail(&gateway, "/").await;
    let listed = failures(&gateway, "").await;
    let failure = &listed["data"][0];
    assert_eq!(failure["plugin"], json!({ "id": id }));
    assert_eq!(failure["plugin_name"], "pre-function");
    assert_eq!((&failure["phase"], &failure["function"]), (&json!("access"), &json!(2)));
    assert_eq!(failure["kind"], "runtime");
    let message = failure["message"].as_str().unwrap();
    assert!(message.ends_with(":2: attempt to index upvalue 'user' (a nil value)"), "{message}");
    assert!(failure["traceback"].as_str().unwrap().contains("in function 'name'"), "{failure}");
    assert_eq!(failure["chunk"], "[string \"local user = nil...\"]");
    assert_eq!((&failure["line"], &failure["count"]), (&json!(2), &json!(1)));
    assert_eq!(failure["request_id"], request.as_str());
    assert!(failure["at"].as_f64().unwrap() > 1.7e9, "{failure}");
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn failures_are_the_newest_first_each_with_its_request() {
    let gateway = shop().await;
    plugin(
        &gateway,
        "pre-function",
        json!({ "access": ["error('no ' .. kong.request.get_path())"] }),
    )
    .await;
    let (one, two) = (fail(&gateway, "/one").await, fail(&gateway, "/two").await);
    let again = fail(&gateway, "/one").await;
    let listed = failures(&gateway, "").await;
    let of = |field: &str| -> Vec<Value> {
        listed["data"].as_array().unwrap().iter().map(|failure| failure[field].clone()).collect()
    };
    assert_eq!(of("request_id"), [json!(again), json!(two), json!(one)]);
    assert_eq!(of("count"), [json!(2), json!(1), json!(1)]);
    let page = failures(&gateway, "?size=2").await;
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    let rest = gateway.admin(page["next"].as_str().unwrap()).send().await.json();
    assert_eq!(rest["data"][0]["request_id"], json!(one));
    assert_eq!(rest["next"], Value::Null);
}

#[tokio::test]
async fn a_seldom_failure_is_not_lost_among_many_that_are_alike() {
    let gateway = shop().await;
    let source = "error(kong.request.get_path() .. string.rep('x', 5000))";
    plugin(&gateway, "pre-function", json!({ "access": [source] })).await;
    let seldom = fail(&gateway, "/seldom").await;
    for _ in 0..30 {
        fail(&gateway, "/often").await;
    }
    let listed = failures(&gateway, "").await["data"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 10);
    assert_eq!((&listed[0]["count"], &listed[9]["request_id"]), (&json!(30), &json!(seldom)));
    assert!(listed[0]["message"].as_str().unwrap().len() < 2000);
}

#[tokio::test]
async fn failures_of_all_phases_and_plugins_are_listed_and_can_be_asked_for_by_plugin() {
    let gateway = shop().await;
    let before = json!({ "rewrite": ["kong.ctx.shared.seen = 1"], "header_filter": ["error('head')"],
        "log": ["ngx.timer.at(0, function() error('timer') end)", "error('log')"] });
    let pre = plugin(&gateway, "pre-function", before).await;
    let exit = json!({ "access": ["kong.response.exit(200, 'hello')"] });
    let post = plugin(&gateway, "post-function", exit).await;
    let transform = json!({ "add": { "headers": ["x-a:$(query_params.a.b)"] } });
    let transformer = plugin(&gateway, "request-transformer", transform).await;
    gateway.get("/").send().await;
    gateway.logged("timer[1]");
    let listed = failures(&gateway, &format!("?plugin={pre}")).await;
    let listed = listed["data"].as_array().unwrap();
    let mut phases: Vec<_> =
        listed.iter().map(|failure| failure["phase"].as_str().unwrap()).collect();
    phases.sort_unstable();
    assert_eq!(phases, ["header_filter", "log", "timer"]);
    assert_eq!(failures(&gateway, &format!("?plugin={post}")).await["data"], json!([]));
    let of_transformer = failures(&gateway, &format!("?plugin={transformer}")).await;
    assert_eq!(of_transformer["data"][0]["plugin_name"], "request-transformer");
}

#[tokio::test]
async fn failures_stay_when_a_plugin_is_changed_and_go_when_it_is_deleted() {
    let gateway = shop().await;
    let id = plugin(&gateway, "pre-function", json!({ "access": ["error('one')"] })).await;
    let one = fail(&gateway, "/").await;
    let path = format!("/plugins/{id}");
    let changed = json!({ "config": { "access": ["error('two')"] } });
    gateway.send(Method::PATCH, &path, &changed).await;
    let two = fail(&gateway, "/").await;
    let listed = failures(&gateway, &format!("?plugin={id}")).await;
    assert_eq!(listed["data"][0]["request_id"], json!(two));
    assert_eq!(listed["data"][1]["request_id"], json!(one));
    gateway.admin_call(Method::DELETE, &path).send().await;
    assert_eq!(failures(&gateway, "").await["data"], json!([]));
}

#[tokio::test]
async fn two_plugins_that_the_log_calls_alike_are_told_apart() {
    let gateway = shop().await;
    let mut ids = Vec::new();
    for path in ["/a", "/b"] {
        let route = gateway.post("/services/shop/routes", &json!({ "paths": [path] })).await.json();
        let plugins = format!("/routes/{}/plugins", route["id"].as_str().unwrap());
        let config = json!({ "access": ["error('alike')"] });
        let made =
            gateway.post(&plugins, &json!({ "name": "pre-function", "config": config })).await;
        ids.push(made.json()["id"].as_str().unwrap().to_owned());
    }
    let (a, b) = (fail(&gateway, "/a").await, fail(&gateway, "/b").await);
    for (id, request) in [(&ids[0], a), (&ids[1], b)] {
        let listed = failures(&gateway, &format!("?plugin={id}")).await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 1);
        assert_eq!(listed["data"][0]["request_id"], json!(request));
    }
}

#[tokio::test]
async fn who_is_on_the_machine_is_told_with_debug_what_lua_says() {
    let source = "local function find() error('<no> such \"user\"') end\nfind() return 1";
    let file = with_plugins(unused_addr(), &[("pre-function", json!({ "access": [source] }))]);
    let gateway = Start::of_file(&file).arg("--debug").serving();
    let reply = gateway.get("/").send().await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["message"]),
        (500, &json!("An unexpected error occurred"))
    );
    let error = reply.json()["error"].as_str().unwrap().to_owned();
    assert!(error.ends_with(":1: <no> such \"user\"") && error.contains("access[1]"), "{error}");
    assert!(reply.json()["traceback"].as_str().unwrap().contains("in function 'find'"));
    let html = gateway.get("/").header("accept", "text/html").send().await.text();
    assert!(html.contains("&lt;no&gt; such") && html.contains("in function 'find'"), "{html}");
    let plain = gateway.get("/").header("accept", "text/plain").send().await.text();
    assert!(plain.contains("<no> such \"user\"\nstack traceback:"), "{plain}");
    let local = gateway.get("/").header("x-forwarded-for", "127.0.0.1, ::1").send().await;
    assert!(local.text().contains("traceback"));
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-for", "127.0.0.1, 192.0.2.7"),
        ("x-real-ip", "192.0.2.7"),
        ("forwarded", "for=192.0.2.7"),
    ] {
        let remote = gateway.get("/").header(name, value).send().await;
        assert_eq!(remote.status, 500);
        assert!(!remote.text().contains("such"), "{name}: {}", remote.text());
    }
}

#[tokio::test]
async fn without_debug_nobody_is_told() {
    let config = json!({ "header_filter": ["error('secret')"] });
    let file = with_plugins(unused_addr(), &[("pre-function", config)]);
    let gateway = Gateway::of_file(&file);
    let reply = gateway.get("/").send().await;
    assert_eq!(reply.status, 500);
    assert!(!reply.text().contains("secret") && reply.json()["error"].is_null());
    let gateway = Start::of_file(&file).env("KONG_DEBUG", "on").serving();
    assert!(gateway.get("/").send().await.text().contains("secret"));
    let gateway = Start::of_file(&file).env("KONG_DEBUG", "off").serving();
    assert!(!gateway.get("/").send().await.text().contains("secret"));
}
