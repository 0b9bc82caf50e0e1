//! Versions of functions that some requests get before all do.

use http::Method;
use serde_json::{Value, json};

use crate::cluster::{eventually, over};
use crate::support::{Gateway, Postgres, Reply, Start, answering, form};

/// A service and a route whose function answers `old`: the plugin is called `shop`.
async fn fill(gateway: &Gateway) {
    let service = json!({ "name": "shop", "url": "http://127.0.0.1:1" });
    assert_eq!(gateway.post("/services", &service).await.status, 201);
    let route = json!({ "name": "shop", "paths": ["/"] });
    assert_eq!(gateway.post("/services/shop/routes", &route).await.status, 201);
    let mut plugin = answering("old");
    plugin["instance_name"] = "shop".into();
    assert_eq!(gateway.post("/routes/shop/plugins", &plugin).await.status, 201);
}

/// A gateway with that.
pub(crate) async fn shop() -> Gateway {
    let gateway = Gateway::empty();
    fill(&gateway).await;
    gateway
}

/// What a function says that answers `new`.
fn new() -> Value {
    answering("new")["config"].clone()
}

async fn begin(gateway: &Gateway, canary: &Value) -> Reply {
    gateway.post("/plugins/shop/canary", canary).await
}

pub(crate) async fn begun(gateway: &Gateway, canary: &Value) -> Value {
    let reply = begin(gateway, canary).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

pub(crate) async fn canary(gateway: &Gateway) -> Value {
    let reply = gateway.admin("/plugins/shop/canary").send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn call(gateway: &Gateway, method: Method, path: &str) -> u16 {
    gateway.admin_call(method, path).send().await.status.as_u16()
}

async fn answer(gateway: &Gateway) -> String {
    gateway.get("/").send().await.text()
}

/// How many of so many requests are answered `new`.
pub(crate) async fn new_of(gateway: &Gateway, requests: usize) -> usize {
    let mut count = 0;
    for _ in 0..requests {
        count += usize::from(answer(gateway).await == "new");
    }
    count
}

#[tokio::test]
async fn so_many_of_a_hundred_requests_get_the_new_version() {
    let gateway = shop().await;
    let made = begun(&gateway, &json!({ "config": new(), "percent": 10 })).await;
    assert_eq!((&made["percent"], &made["header"]), (&json!(10), &Value::Null));
    assert_eq!(made["by"], json!({ "address": "127.0.0.1", "name": null }));
    assert_eq!(answer(&gateway).await, "new", "the first is one of them");
    assert_eq!(new_of(&gateway, 199).await, 19);
    let shown = canary(&gateway).await;
    assert_eq!(shown["stable"]["requests"], 180);
    assert_eq!(shown["canary"]["requests"], 20);
    assert_eq!(shown["canary"]["config"]["access"], new()["access"]);
    assert_eq!(shown["stable"]["config"]["access"], answering("old")["config"]["access"]);
    assert_ne!(shown["stable"]["digest"], shown["canary"]["digest"]);
    let change = json!({ "percent": 50 });
    let reply = gateway.send(Method::PATCH, "/plugins/shop/canary", &change).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["percent"]), (200, &json!(50)));
    assert_eq!(new_of(&gateway, 100).await, 50);
    assert_eq!(canary(&gateway).await["canary"]["requests"], 70, "it is counted on");
}

#[tokio::test]
async fn requests_with_a_header_get_the_new_version() {
    let gateway = shop().await;
    let header = json!({ "name": "X-Canary", "value": "1" });
    let made = begun(&gateway, &json!({ "config": new(), "header": header })).await;
    assert_eq!((&made["percent"], &made["header"]), (&Value::Null, &header));
    let asked = async |value: &str| gateway.get("/").header("x-canary", value).send().await.text();
    assert_eq!(asked("1").await, "new");
    assert_eq!(asked("2").await, "old");
    assert_eq!(answer(&gateway).await, "old");
    let shown = canary(&gateway).await;
    assert_eq!(
        (&shown["stable"]["requests"], &shown["canary"]["requests"]),
        (&json!(2), &json!(1))
    );
    // Without a value, any will do; and from a header to a part of all requests.
    let change = async |change: Value| {
        let reply = gateway.send(Method::PATCH, "/plugins/shop/canary", &change).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    change(json!({ "header": { "value": null } })).await;
    assert_eq!(asked("2").await, "new");
    assert_eq!(answer(&gateway).await, "old");
    // Blanks around a value are none of it.
    change(json!({ "header": { "value": " 3 " } })).await;
    assert_eq!(asked("3").await, "new");
    assert_eq!(asked("2").await, "old");
    change(json!({ "percent": 100 })).await;
    assert_eq!(answer(&gateway).await, "new");
    assert_eq!(canary(&gateway).await["header"], Value::Null);
    change(json!({ "header": { "name": "x-other" } })).await;
    assert_eq!(asked("1").await, "old");
}

/// Functions of all phases of a request that say of which version they are.
fn in_all_phases(version: &str) -> Value {
    let note = format!("kong.ctx.shared.seen = (kong.ctx.shared.seen or '') .. '{version}'");
    let header = format!("{note} kong.response.set_header('x-seen', kong.ctx.shared.seen)");
    json!({
        "rewrite": [format!("{note} kong.service.request.set_header('x-canary', '1')")],
        "access": [note],
        "header_filter": [header],
        "body_filter": [format!("{note} ngx.arg[1] = ngx.arg[2] and kong.ctx.shared.seen or ''")],
    })
}

#[tokio::test]
async fn all_phases_of_a_request_get_the_same_version() {
    let gateway = Gateway::empty();
    let plugin =
        |name: &str| json!({ "name": name, "instance_name": "shop", "config": in_all_phases("1") });
    gateway.post("/services", &json!({ "name": "shop", "url": "http://127.0.0.1:1" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/route"] })).await;
    for name in ["pre-function", "post-function"] {
        assert_eq!(gateway.post("/plugins", &plugin(name)).await.status, 201);
        for (choice, expected) in [
            (json!({ "percent": 50 }), 10),
            // What a function makes of the headers changes nothing.
            (json!({ "header": { "name": "x-canary" } }), 0),
        ] {
            let mut canary = choice.clone();
            canary["config"] = in_all_phases("2");
            begun(&gateway, &canary).await;
            let mut new = 0;
            for _ in 0..20 {
                let reply = gateway.get("/route").send().await;
                let seen = reply.header("x-seen").to_owned();
                assert!(["111", "222"].contains(&seen.as_str()), "{seen}");
                new += usize::from(seen == "222");
                let refused = gateway.get("/nowhere").send().await.header("x-seen").to_owned();
                assert!(["11", "22"].contains(&refused.as_str()), "without a route: {refused}");
            }
            assert!(new.abs_diff(expected) <= 5, "{new} with {choice}");
            assert_eq!(call(&gateway, Method::DELETE, "/plugins/shop/canary").await, 204);
        }
        assert_eq!(call(&gateway, Method::DELETE, "/plugins/shop").await, 204);
    }
}

#[tokio::test]
async fn what_is_no_canary_is_refused_and_nothing_changes() {
    let gateway = shop().await;
    let cors = gateway.post("/plugins", &json!({ "name": "cors" })).await.json();
    let cors = format!("/plugins/{}/canary", cors["id"].as_str().unwrap());
    let one = "exactly one of these fields must be non-empty: 'percent', 'header.name'";
    for (body, expected) in [
        (json!({ "config": new(), "percent": 0 }), "percent: value should be between 1 and 100"),
        (json!({ "config": new(), "percent": 101 }), "percent: value should be between 1 and 100"),
        (json!({ "config": new(), "percent": "ten" }), "percent: expected an integer"),
        (json!({ "config": new(), "percent": 0.5 }), "percent: expected an integer"),
        (json!({ "config": new(), "percent": 1, "header": { "name": "a" } }), one),
        (json!({ "config": new() }), one),
        (json!({ "config": new(), "header": {} }), one),
        (json!({ "config": new(), "header": { "name": "a b" } }), "bad header name 'a b'"),
        (json!({ "config": new(), "header": "a" }), "header: expected a record"),
        (
            json!({ "config": new(), "percent": 1, "header": { "value": "1" } }),
            "'header.value' needs a 'header.name'",
        ),
        (
            json!({ "config": new(), "header": { "name": "a", "value": "b\nc" } }),
            "header.value: no value of a header",
        ),
        (json!({ "config": "new", "percent": 1 }), "config: expected a record"),
        (json!({ "config": { "acess": ["x()"] }, "percent": 1 }), "config.acess: unknown field"),
        (json!({ "config": { "access": [] }, "percent": 1 }), "must be non-empty: 'config.cert"),
        (json!({ "config": new(), "percent": 1, "share": 1 }), "share: unknown field"),
    ] {
        let reply = begin(&gateway, &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text().contains(expected), "{body}: {}", reply.text());
    }
    let broken = json!({ "config": { "access": ["this is not Lua"] }, "percent": 1 });
    let reply = begin(&gateway, &broken).await;
    let config = json!({ "config": broken["config"] });
    let of_plugin = gateway.send(Method::PATCH, "/plugins/shop", &config).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (400, of_plugin.json()));
    for (method, path, status) in [
        (Method::GET, "/plugins/shop/canary", 404),
        (Method::POST, "/plugins/shop/canary/promote", 404),
        (Method::DELETE, "/plugins/shop/canary", 204),
        (Method::PUT, "/plugins/shop/canary", 405),
        (Method::GET, "/plugins/shop/canary/promote", 405),
        (Method::GET, "/plugins/nothing/canary", 404),
        (Method::DELETE, "/plugins/nothing/canary", 404),
        (Method::GET, cors.as_str(), 400),
        (Method::GET, "/canaries", 404),
        (Method::GET, "/plugins/shop/canaries", 404),
        (Method::GET, "/schemas/canaries", 404),
    ] {
        assert_eq!(call(&gateway, method.clone(), path).await, status, "{method} {path}");
    }
    let change =
        gateway.send(Method::PATCH, "/plugins/shop/canary", &json!({ "percent": 1 })).await;
    assert_eq!(change.status, 404);
    assert!(change.text().contains("there is no canary of this plugin"), "{}", change.text());
    assert_eq!(gateway.post(&cors, &json!({ "config": new(), "percent": 1 })).await.status, 400);
    assert_eq!(new_of(&gateway, 3).await, 0);
}

#[tokio::test]
async fn a_plugin_has_one_canary_at_a_time() {
    let gateway = shop().await;
    let first = begun(&gateway, &json!({ "config": new(), "percent": 1 })).await;
    let second = begin(&gateway, &json!({ "config": new(), "percent": 2 })).await;
    assert_eq!(second.status, 409);
    let expected =
        "there is a canary of this plugin already: change it with PATCH, promote it or withdraw it";
    assert_eq!(second.json()["message"], expected);
    assert_eq!(canary(&gateway).await["id"], first["id"]);
    let wrong = json!({ "percent": 101 });
    let wrong = gateway.send(Method::PATCH, "/plugins/shop/canary", &wrong).await;
    assert_eq!((wrong.status.as_u16(), &canary(&gateway).await["percent"]), (400, &json!(1)));
    assert_eq!(call(&gateway, Method::DELETE, "/plugins/shop/canary").await, 204);
    let third = begun(&gateway, &json!({ "config": new(), "percent": 3 })).await;
    assert_ne!(third["id"], first["id"]);
    assert_eq!(third["canary"]["requests"], 0);
}

#[tokio::test]
async fn a_canary_is_promoted_for_all_requests_or_withdrawn_for_all() {
    let gateway = shop().await;
    begun(&gateway, &json!({ "config": new(), "percent": 1 })).await;
    assert_eq!(call(&gateway, Method::DELETE, "/plugins/shop/canary").await, 204);
    assert_eq!(new_of(&gateway, 5).await, 0);
    begun(&gateway, &json!({ "config": new(), "percent": 1 })).await;
    let call_it = gateway.admin_call(Method::POST, "/plugins/shop/canary/promote");
    let promoted = call_it.header("x-changed-by", "Ann").send().await;
    assert_eq!(promoted.status, 200, "{}", promoted.text());
    assert_eq!(promoted.json()["config"]["access"], new()["access"]);
    assert_eq!(new_of(&gateway, 5).await, 5);
    assert_eq!(call(&gateway, Method::GET, "/plugins/shop/canary").await, 404);
    let versions = gateway.admin("/plugins/shop/versions").send().await.json();
    assert_eq!(versions["data"].as_array().unwrap().len(), 2, "the canary was none before");
    assert_eq!(versions["data"][0]["config"]["access"], new()["access"]);
    assert_eq!(versions["data"][0]["by"]["name"], "Ann");
    assert_eq!(gateway.post("/plugins/shop/rollback", &json!({})).await.status, 200);
    assert_eq!(new_of(&gateway, 5).await, 0);
}

#[tokio::test]
async fn functions_that_a_canary_says_nothing_of_are_the_plugins() {
    let gateway = shop().await;
    let log = json!({ "config": { "log": ["kong.log.notice('logged')"] } });
    assert_eq!(gateway.send(Method::PATCH, "/plugins/shop", &log).await.status, 200);
    let call = gateway.admin_call(Method::POST, "/plugins/shop/canary");
    let call = call.header("content-type", "application/x-www-form-urlencoded");
    let new = new();
    let access = ("config.access", new["access"][0].as_str().unwrap());
    let reply = call.body(form(&[("percent", "20"), access])).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let config = &reply.json()["canary"]["config"];
    assert_eq!((&config["log"], &config["access"]), (&log["config"]["log"], &new["access"]));
}

#[tokio::test]
async fn functions_are_told_what_is_probably_wrong_with_a_canary() {
    let gateway = shop().await;
    let config = json!({ "access": ["kong.request.get_heder('a')"] });
    let reply = begin(&gateway, &json!({ "config": config, "percent": 1 })).await;
    assert_eq!(reply.status, 201);
    assert!(reply.header("warning").contains("get_heder"), "{}", reply.header("warning"));
}

#[tokio::test]
async fn a_canary_keeps_the_state_of_its_functions_while_it_is_for_more_requests() {
    let gateway = Start::new().arg("--workers").arg("1").serving();
    fill(&gateway).await;
    let counting =
        json!({ "access": ["n = (n or 0) + 1 return kong.response.exit(200, tostring(n))"] });
    begun(&gateway, &json!({ "config": counting, "percent": 100 })).await;
    assert_eq!(answer(&gateway).await, "1");
    let change = json!({ "header": { "name": "x-canary" } });
    assert_eq!(gateway.send(Method::PATCH, "/plugins/shop/canary", &change).await.status, 200);
    assert_eq!(answer(&gateway).await, "old");
    assert_eq!(gateway.get("/").header("x-canary", "1").send().await.text(), "2");
    let tags = json!({ "tags": ["a"] });
    assert_eq!(gateway.send(Method::PATCH, "/plugins/shop", &tags).await.status, 200);
    assert_eq!(gateway.get("/").header("x-canary", "1").send().await.text(), "3");
}

#[tokio::test]
async fn plugins_and_files_are_as_kong_has_them_while_there_is_a_canary() {
    let gateway = shop().await;
    let shown = async || {
        let plugin = gateway.admin("/plugins/shop").send().await.json();
        let list = gateway.admin("/plugins").send().await.json();
        let file = gateway.admin("/config").send().await.json();
        (plugin, list, file)
    };
    let before = shown().await;
    begun(&gateway, &json!({ "config": new(), "percent": 100 })).await;
    assert_eq!(shown().await, before);
    assert_eq!(answer(&gateway).await, "new");
    // A file says nothing of canaries, and takes none away whose plugins it has.
    let file = before.2["config"].as_str().unwrap();
    let post = async |file: &str| {
        let call = gateway.admin_call(Method::POST, "/config").header("content-type", "text/yaml");
        call.body(file.to_owned()).send().await.status.as_u16()
    };
    assert_eq!(post(file).await, 201);
    assert_eq!(answer(&gateway).await, "new");
    let with_canaries = format!("{file}canaries:\n- percent: 1\n");
    assert_eq!(post(&with_canaries).await, 400);
    assert_eq!(post("_format_version: '3.0'").await, 201);
    assert_eq!(post(file).await, 201);
    assert_eq!(call(&gateway, Method::GET, "/plugins/shop/canary").await, 404);
    assert_eq!(answer(&gateway).await, "old");
}

#[tokio::test]
async fn a_canary_goes_with_its_plugin() {
    let gateway = shop().await;
    let id = gateway.admin("/plugins/shop").send().await.json()["id"].clone();
    let path = format!("/plugins/{}", id.as_str().unwrap());
    let mut plugin = answering("old");
    plugin["instance_name"] = "shop".into();
    plugin["route"] = json!({ "name": "shop" });
    let put = async |plugin: &Value| gateway.send(Method::PUT, &path, plugin).await.status.as_u16();
    for ends in ["deleted", "cors", "post-function"] {
        begun(&gateway, &json!({ "config": new(), "percent": 100 })).await;
        assert_eq!(answer(&gateway).await, "new");
        match ends {
            "deleted" => assert_eq!(call(&gateway, Method::DELETE, &path).await, 204),
            "cors" => assert_eq!(put(&json!({ "name": "cors" })).await, 200),
            name => {
                let mut other = plugin.clone();
                other["name"] = name.into();
                assert_eq!(put(&other).await, 200);
            }
        }
        assert_eq!(put(&plugin).await, 200);
        assert_eq!(call(&gateway, Method::GET, "/plugins/shop/canary").await, 404, "{ends}");
        assert_eq!(answer(&gateway).await, "old");
    }
    begun(&gateway, &json!({ "config": new(), "percent": 100 })).await;
    let disabled = gateway.send(Method::PATCH, &path, &json!({ "enabled": false })).await;
    assert_eq!(disabled.status, 200);
    assert_ne!(answer(&gateway).await, "new", "what is not enabled has no requests");
}

#[tokio::test]
async fn a_declarative_file_has_no_canaries() {
    let mut plugin = answering("old");
    plugin["instance_name"] = "shop".into();
    let route = json!({ "paths": ["/"], "plugins": [plugin] });
    let service = json!({ "name": "shop", "url": "http://127.0.0.1:1", "routes": [route] });
    let file = json!({ "_format_version": "3.0", "services": [service] });
    let gateway = Gateway::of_file(&file.to_string());
    let reply = begin(&gateway, &json!({ "config": new(), "percent": 1 })).await;
    assert_eq!(reply.status, 405);
    assert!(reply.text().contains("when not using a database"), "{}", reply.text());
    assert_eq!(call(&gateway, Method::GET, "/plugins/shop/canary").await, 404);
}

#[tokio::test]
async fn a_canary_is_there_after_a_restart() {
    let directory = std::env::temp_dir().join(format!("tower-lua-canaries-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let url = format!("sqlite:{}", directory.join("gateway.db").display());
    let mut gateway = over(&url).serving();
    fill(&gateway).await;
    let made = begun(&gateway, &json!({ "config": new(), "percent": 50 })).await;
    gateway.kill();
    let gateway = over(&url).serving();
    assert_eq!(canary(&gateway).await["id"], made["id"]);
    assert_eq!(new_of(&gateway, 100).await, 50);
    drop(gateway);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn a_canary_is_in_force_on_all_gateways_of_a_database() {
    let Some(postgres) = Postgres::start() else { return };
    let mut gateways: Vec<_> = (0..2).map(|_| over(&postgres.url()).serving()).collect();
    fill(&gateways[0]).await;
    begun(&gateways[0], &json!({ "config": new(), "percent": 100 })).await;
    eventually(async || answer(&gateways[1]).await, |text| text == "new").await;
    gateways[1].kill();
    gateways[1] = over(&postgres.url()).serving();
    assert_eq!(answer(&gateways[1]).await, "new");
    // The other has it, too, and may take it back.
    assert_eq!(call(&gateways[1], Method::DELETE, "/plugins/shop/canary").await, 204);
    eventually(async || answer(&gateways[0]).await, |text| text == "old").await;
    begun(&gateways[1], &json!({ "config": new(), "header": { "name": "x-canary" } })).await;
    let asked = async || gateways[0].get("/").header("x-canary", "1").send().await.text();
    eventually(asked, |text| text == "new").await;
    assert_eq!(call(&gateways[1], Method::POST, "/plugins/shop/canary/promote").await, 200);
    eventually(async || answer(&gateways[0]).await, |text| text == "new").await;
}
