//! What the functions of plugins were, and the way back.

use http::Method;
use serde_json::{Value, json};

use crate::cluster::over;
use crate::support::{Call, Gateway, Postgres, Start, answering};

/// A gateway with a route whose function answers `1`: the plugin is called `shop`.
async fn answering_1(gateway: &Gateway) {
    let service = json!({ "name": "shop", "url": "http://127.0.0.1:1" });
    assert_eq!(gateway.post("/services", &service).await.status, 201);
    let route = json!({ "name": "shop", "paths": ["/shop"] });
    assert_eq!(gateway.post("/services/shop/routes", &route).await.status, 201);
    let mut plugin = answering("1");
    plugin["instance_name"] = "shop".into();
    assert_eq!(gateway.post("/routes/shop/plugins", &plugin).await.status, 201);
}

/// What a function says that answers with a text.
fn config(text: &str) -> Value {
    answering(text)["config"].clone()
}

async fn change(gateway: &Gateway, text: &str) {
    let change = json!({ "config": config(text) });
    let reply = gateway.send(Method::PATCH, "/plugins/shop", &change).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

async fn versions(gateway: &Gateway) -> Vec<Value> {
    let reply = gateway.admin("/plugins/shop/versions").send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let list = reply.json();
    assert!(list["next"].is_null());
    list["data"].as_array().unwrap().clone()
}

/// The numbers of versions, and what their functions say.
fn said(versions: &[Value]) -> Vec<(i64, &str)> {
    let said = |version: &Value| version["config"]["access"][0].as_str().unwrap().to_owned();
    let text = |version: &Value| {
        let text = said(version);
        ["0", "1", "2", "3", "4"].into_iter().find(|t| config(t)["access"][0] == text).unwrap()
    };
    versions.iter().map(|version| (version["version"].as_i64().unwrap(), text(version))).collect()
}

async fn roll_back(gateway: &Gateway, body: Value) -> crate::support::Reply {
    gateway.post("/plugins/shop/rollback", &body).await
}

async fn shop(gateway: &Gateway) -> String {
    gateway.get("/shop").send().await.text()
}

#[tokio::test]
async fn each_change_of_functions_is_a_version_with_who_made_it_and_when() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    let call = gateway.admin_call(Method::PATCH, "/plugins/shop");
    let call =
        call.header("content-type", "application/json").header("x-changed-by", " Ann <a@b> ");
    let reply = call.body(json!({ "config": config("2") }).to_string()).send().await;
    assert_eq!(reply.status, 200);
    let versions = versions(&gateway).await;
    assert_eq!(said(&versions), [(2, "2"), (1, "1")]);
    let [newest, first] = &versions[..] else { panic!("{versions:?}") };
    assert_eq!(newest["by"], json!({ "address": "127.0.0.1", "name": "Ann <a@b>" }));
    assert_eq!(first["by"], json!({ "address": "127.0.0.1", "name": null }));
    assert_eq!((&newest["current"], &first["current"]), (&json!(true), &json!(false)));
    assert!(newest["at"].as_f64().unwrap() >= first["at"].as_f64().unwrap());
    assert!(first["at"].as_f64().unwrap() > 1_700_000_000.0, "in seconds: {first}");
    for version in [newest, first] {
        let digest = version["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    assert_ne!(newest["digest"], first["digest"]);
    let alone = gateway.admin("/plugins/shop/versions/1").send().await.json();
    assert_eq!(alone, *first);
    let plugin = gateway.admin("/plugins/shop").send().await.json();
    assert_eq!(plugin["config"], newest["config"], "a version has all that the plugin has");
    assert!(plugin.get("version").is_none() && plugin.get("versions").is_none(), "{plugin}");
}

#[tokio::test]
async fn what_leaves_the_functions_as_they_are_makes_no_version() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    change(&gateway, "1").await;
    let tags = json!({ "tags": ["a"], "enabled": false });
    assert_eq!(gateway.send(Method::PATCH, "/plugins/shop", &tags).await.status, 200);
    let broken = json!({ "config": { "access": ["this is not Lua"] } });
    assert_eq!(gateway.send(Method::PATCH, "/plugins/shop", &broken).await.status, 400);
    assert_eq!(said(&versions(&gateway).await), [(1, "1")]);
}

#[tokio::test]
async fn a_rollback_is_a_change_with_a_version_of_its_own() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    change(&gateway, "2").await;
    let reply = roll_back(&gateway, json!({ "version": 1 })).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["config"], config_of(&gateway).await);
    assert_eq!(shop(&gateway).await, "1", "in force when it is answered");
    assert_eq!(said(&versions(&gateway).await), [(3, "1"), (2, "2"), (1, "1")]);
    // By the version's own path, and to the one before where none is named.
    let reply = gateway.post("/plugins/shop/versions/2/rollback", &json!({})).await;
    assert_eq!((reply.status.as_u16(), shop(&gateway).await.as_str()), (200, "2"));
    assert_eq!(roll_back(&gateway, json!({})).await.status, 200);
    assert_eq!(shop(&gateway).await, "1");
    let reply = gateway.form("/plugins/shop/rollback", &[("version", "4")]).await;
    assert_eq!((reply.status.as_u16(), shop(&gateway).await.as_str()), (200, "2"));
    assert_eq!(roll_back(&gateway, json!({ "version": 6 })).await.status, 200);
    assert_eq!(versions(&gateway).await.len(), 6, "to what is in force: nothing new");
}

#[tokio::test]
async fn of_rollbacks_at_once_each_that_is_answered_has_made_a_version() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    for text in ["2", "3", "4"] {
        change(&gateway, text).await;
    }
    let all = futures_util::future::join_all((0..8).map(|_| roll_back(&gateway, json!({})))).await;
    let done = all.iter().filter(|reply| reply.status == 200).count();
    for reply in all.iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.status, 409, "{}", reply.text());
        assert!(reply.text().contains("have been changed meanwhile"), "{}", reply.text());
    }
    assert!(done > 0);
    assert_eq!(versions(&gateway).await.len(), 4 + done);
}

async fn config_of(gateway: &Gateway) -> Value {
    gateway.admin("/plugins/shop").send().await.json()["config"].clone()
}

#[tokio::test]
async fn a_rollback_to_what_there_is_not_says_so_and_changes_nothing() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    let cors = gateway.post("/plugins", &json!({ "name": "cors" })).await.json();
    let cors = format!("/plugins/{}", cors["id"].as_str().unwrap());
    for (body, status, expected) in [
        (json!({}), 400, "there is no version before the one in force"),
        (json!({ "version": 7 }), 404, "there is no version 7: versions 1 to 1 are kept"),
        (json!({ "version": "first" }), 400, "version: expected an integer"),
        (json!({ "version": 1.5 }), 400, "version: expected an integer"),
        (json!({ "version": 0 }), 400, "version: value must be greater than 0"),
        (json!({ "number": 1 }), 400, "number: unknown field"),
    ] {
        let reply = roll_back(&gateway, body.clone()).await;
        assert_eq!(reply.status, status, "{body}");
        assert!(reply.text().contains(expected), "{body}: {}", reply.text());
    }
    for (path, status, expected) in [
        ("/plugins/nothing/versions", 404, "Not found"),
        ("/plugins/shop/versions/9", 404, "there is no version 9"),
        ("/plugins/shop/versions/first", 404, "Not found"),
        (&format!("{cors}/versions"), 400, "'cors' is no plugin of functions"),
    ] {
        let reply = gateway.admin(path).send().await;
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.text().contains(expected), "{path}: {}", reply.text());
    }
    assert_eq!(gateway.post(&format!("{cors}/rollback"), &json!({})).await.status, 400);
    assert_eq!(gateway.post("/plugins/nothing/rollback", &json!({})).await.status, 404);
    assert_eq!(gateway.post("/plugins/shop/versions", &json!({})).await.status, 405);
    assert_eq!(gateway.admin("/plugins/shop/rollback").send().await.status, 405);
    assert_eq!(said(&versions(&gateway).await), [(1, "1")]);
}

#[tokio::test]
async fn the_last_fifty_are_kept() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    for number in 2..=53 {
        change(&gateway, &format!("number {number}")).await;
    }
    let versions = versions(&gateway).await;
    let numbers: Vec<_> = versions.iter().map(|v| v["version"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (4..=53).rev().collect::<Vec<_>>());
    let reply = roll_back(&gateway, json!({ "version": 3 })).await;
    assert!(reply.text().contains("there is no version 3: versions 4 to 53 are kept"));
    let page = gateway.admin("/plugins/shop/versions?size=20").send().await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 20);
    let rest = gateway.admin(page["next"].as_str().unwrap()).send().await.json();
    assert_eq!(rest["data"][0]["version"], 33, "after 53 to 34");
}

#[tokio::test]
async fn versions_go_with_the_plugin_however_it_goes() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    let id = gateway.admin("/plugins/shop").send().await.json()["id"].clone();
    let path = format!("/plugins/{}", id.as_str().unwrap());
    change(&gateway, "2").await;
    assert_eq!(gateway.admin_call(Method::DELETE, "/routes/shop").send().await.status, 204);
    assert_eq!(gateway.admin(&format!("{path}/versions")).send().await.status, 404);
    let mut plugin = answering("3");
    plugin["instance_name"] = "shop".into();
    assert_eq!(gateway.send(Method::PUT, &path, &plugin).await.status, 200);
    assert_eq!(said(&versions(&gateway).await), [(1, "3")], "another of the same id");
    // It becomes a plugin of another kind.
    assert_eq!(gateway.send(Method::PUT, &path, &json!({ "name": "cors" })).await.status, 200);
    assert_eq!(gateway.send(Method::PUT, &path, &plugin).await.status, 200);
    assert_eq!(said(&versions(&gateway).await), [(1, "3")]);
}

#[tokio::test]
async fn a_whole_file_makes_versions_of_the_plugins_whose_functions_it_changes() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    let export = gateway.admin("/config").send().await.json();
    let file = export["config"].as_str().unwrap();
    let post = async |file: &str| {
        let call = gateway.admin_call(Method::POST, "/config").header("content-type", "text/yaml");
        let reply = call.header("x-changed-by", "deck").body(file.to_owned()).send().await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    };
    post(file).await;
    assert_eq!(said(&versions(&gateway).await), [(1, "1")], "as it was");
    post(&file.replace("200, '1'", "200, '2'").replace("200, \"1\"", "200, \"2\"")).await;
    assert_eq!(shop(&gateway).await, "2");
    let listed = versions(&gateway).await;
    assert_eq!(said(&listed), [(2, "2"), (1, "1")]);
    assert_eq!(listed[0]["by"]["name"], "deck");
    assert_eq!(roll_back(&gateway, json!({ "version": 1 })).await.status, 200);
    assert_eq!(shop(&gateway).await, "1");
    post("_format_version: '3.0'").await;
    post(file).await;
    assert_eq!(said(&versions(&gateway).await), [(1, "1")], "it was gone meanwhile");
}

#[tokio::test]
async fn a_declarative_file_has_the_version_in_force_and_no_way_back() {
    let mut plugin = answering("1");
    plugin["instance_name"] = "shop".into();
    let service = json!({ "name": "shop", "url": "http://127.0.0.1:1", "routes": [
        { "name": "shop", "paths": ["/shop"], "plugins": [plugin] },
    ] });
    let file = json!({ "_format_version": "3.0", "services": [service] });
    let gateway = Gateway::of_file(&file.to_string());
    let listed = versions(&gateway).await;
    assert_eq!(said(&listed), [(1, "1")]);
    assert_eq!(listed[0]["current"], true);
    assert_eq!(listed[0]["by"], json!({ "address": null, "name": null }));
    let reply = roll_back(&gateway, json!({ "version": 1 })).await;
    assert_eq!(reply.status, 405);
    assert!(reply.text().contains("when not using a database"), "{}", reply.text());
}

#[tokio::test]
async fn names_of_authors_are_cut_and_never_break_anything() {
    let gateway = Gateway::empty();
    answering_1(&gateway).await;
    let change = async |name: &[u8], text: &str| {
        let call: Call = gateway.admin_call(Method::PATCH, "/plugins/shop");
        let call = call.header("content-type", "application/json").header("x-changed-by", name);
        let reply = call.body(json!({ "config": config(text) }).to_string()).send().await;
        assert_eq!(reply.status, 200);
        versions(&gateway).await[0]["by"]["name"].clone()
    };
    assert_eq!(change("ü".repeat(300).as_bytes(), "2").await, "ü".repeat(256));
    assert_eq!(change(b"\xff\xfe", "3").await, "\u{fffd}\u{fffd}");
    assert_eq!(change(b"  ", "4").await, Value::Null);
}

#[tokio::test]
async fn versions_are_there_after_a_restart_and_on_all_gateways_of_a_database() {
    let Some(postgres) = Postgres::start() else { return };
    let mut gateways: Vec<_> = (0..2).map(|_| over(&postgres.url()).serving()).collect();
    answering_1(&gateways[0]).await;
    change(&gateways[0], "2").await;
    gateways[1].kill();
    gateways[1] = over(&postgres.url()).serving();
    assert_eq!(said(&versions(&gateways[1]).await), [(2, "2"), (1, "1")]);
    assert_eq!(roll_back(&gateways[1], json!({ "version": 1 })).await.status, 200);
    assert_eq!(said(&versions(&gateways[0]).await), [(3, "1"), (2, "2"), (1, "1")]);
    let answer = async || shop(&gateways[0]).await;
    crate::cluster::eventually(answer, |text| text == "1").await;
    assert_eq!(gateways[0].admin_call(Method::DELETE, "/plugins/shop").send().await.status, 204);
    let status = async || gateways[1].admin("/plugins/shop/versions").send().await.status;
    crate::cluster::eventually(status, |status| *status == 404).await;
}

#[tokio::test]
async fn functions_from_before_there_were_versions_are_the_first() {
    let directory = std::env::temp_dir().join(format!("tower-lua-versions-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("gateway.db");
    let start = || Start::new().arg("--database").arg(format!("sqlite:{}", path.display()));
    let mut gateway = start().serving();
    answering_1(&gateway).await;
    gateway.terminate();
    assert!(gateway.ended().success());
    // As the version before left it.
    crate::store::run_sql(
        &path,
        &["DROP TABLE versions", "UPDATE gateway SET value = '2' WHERE name = 'format'"],
    )
    .await;
    let gateway = start().serving();
    assert_eq!(said(&versions(&gateway).await), [(1, "1")]);
    change(&gateway, "2").await;
    let listed = versions(&gateway).await;
    assert_eq!(said(&listed), [(2, "2"), (1, "1")]);
    assert_eq!(listed[1]["by"], json!({ "address": null, "name": null }));
    assert_eq!(roll_back(&gateway, json!({ "version": 1 })).await.status, 200);
    assert_eq!(shop(&gateway).await, "1");
    drop(gateway);
    std::fs::remove_dir_all(&directory).unwrap();
}
