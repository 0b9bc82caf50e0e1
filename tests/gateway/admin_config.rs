//! `/config`: everything at once.

use http::Method;
use serde_json::json;

use crate::support::{Gateway, Start, echo_upstream};

/// A file as people write it for Kong 3.x: nested, with names for references and anchors.
fn kong_yml(upstream: std::net::SocketAddr) -> String {
    format!(
        r#"
_format_version: "3.0"
_transform: true
_comment: what a shop needs
_info:
  select_tags: [shop]

x: &timeouts
services:
  - name: shop
    url: http://{upstream}/base
    connect_timeout: 5000
    tags: [shop]
    routes:
      - name: orders
        paths: [/orders, "~/o/(?<id>\\d+)$"]
        methods: [GET, POST]
        strip_path: false
        plugins:
          - name: rate-limiting
            config: {{ second: 100, policy: local }}
      - name: stock
        hosts: [stock.example]
    plugins:
      - name: key-auth
        enabled: false
        config: {{ key_names: [apikey], keys: [secret] }}
routes:
  - name: by-name
    paths: [/by-name]
    service: shop
consumers: []
plugins:
  - name: pre-function
    config:
      access:
        - kong.service.request.set_header("x-global", "yes")
  - name: post-function
    route: orders
    service: {{ name: shop }}
    config:
      header_filter: ['kong.response.set_header("x-orders", "yes")']
"#
    )
    .replace("x: &timeouts\n", "")
}

#[tokio::test]
async fn a_file_replaces_everything() {
    let gateway = Gateway::empty();
    gateway.post("/services", &json!({ "name": "old", "host": "old.example" })).await;
    let file = kong_yml(echo_upstream().await);
    let call = gateway.admin_call(Method::POST, "/config").header("content-type", "text/yaml");
    let reply = call.body(file.clone()).send().await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.json()["services"].as_object().unwrap().len(), 1);
    assert_eq!(reply.json()["plugins"].as_object().unwrap().len(), 4);
    assert_eq!(gateway.admin("/services/old").send().await.status, 404);
    let reply = gateway.get("/orders/1").send().await;
    assert_eq!(reply.json()["uri"], "/base/orders/1");
    assert_eq!(reply.json()["headers"]["x-global"], "yes");
    assert_eq!(reply.header("x-orders"), "yes");
    assert_eq!(gateway.get("/by-name/a").send().await.json()["uri"], "/base/a");
}

#[tokio::test]
async fn a_file_is_taken_in_every_way_it_is_sent() {
    let gateway = Gateway::empty();
    let yaml = "_format_version: '3.0'\nservices: [{ name: NAME, host: a.example }]\n";
    let json = r#"{"_format_version": "3.0", "services": [{"name": "NAME", "host": "a.example"}]}"#;
    let in_json = json!({ "config": yaml }).to_string();
    let in_multipart = format!(
        "--b\r\nContent-Disposition: form-data; name=\"config\"; filename=\"kong.yml\"\r\n\r\n{yaml}\r\n--b--\r\n"
    );
    let in_form = crate::support::form(&[("config", yaml)]);
    for (position, (content_type, body)) in [
        ("application/yaml", yaml),
        ("text/yaml; charset=utf-8", yaml),
        ("text/yaml", json),
        ("application/json", json),
        ("application/json", &in_json),
        ("multipart/form-data; boundary=b", &in_multipart),
        ("application/x-www-form-urlencoded", &in_form),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("s{position}");
        let call = gateway.admin_call(Method::POST, "/config").header("content-type", content_type);
        let reply = call.body(body.replace("NAME", &name)).send().await;
        assert_eq!(reply.status, 201, "{content_type}: {}", reply.text());
        let services = gateway.admin("/services").send().await.json();
        assert_eq!(services["data"].as_array().unwrap().len(), 1);
        assert_eq!(services["data"][0]["name"], name, "{content_type}");
    }
}

#[tokio::test]
async fn what_is_exported_loads_again() {
    let gateway = Gateway::empty();
    let file = kong_yml(echo_upstream().await);
    gateway.post("/config", &json!({ "config": file })).await;
    let api = json!({ "name": "old", "upstream_url": "http://old.example", "uris": "/old" });
    gateway.post("/apis", &api).await;
    gateway.form("/apis/old/plugins", &[("name", "cors"), ("config.max_age", "1.5")]).await;
    let lists = async |gateway: &Gateway| {
        let mut lists = Vec::new();
        for kind in ["services", "routes", "plugins", "apis"] {
            lists.push(gateway.admin(&format!("/{kind}")).send().await.json());
        }
        lists
    };
    let before = lists(&gateway).await;
    let export = gateway.admin("/config").send().await.json()["config"].clone();
    let reply = gateway.post("/config", &json!({ "config": export })).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    let other = Gateway::of_file(export.as_str().unwrap());
    for mut after in [lists(&gateway).await, lists(&other).await] {
        for list in after.iter_mut().chain([&mut before.clone()[0]]) {
            for entity in list["data"].as_array_mut().unwrap() {
                assert!(entity["updated_at"].is_i64());
            }
        }
        assert_eq!(after, before);
    }
    assert_eq!(other.get("/orders/1").send().await.json()["uri"], "/base/orders/1");
    let again = other.admin("/config").send().await.json()["config"].clone();
    assert_eq!(again, export);
}

#[tokio::test]
async fn a_file_with_a_mistake_changes_nothing() {
    let gateway = Gateway::empty();
    gateway.post("/services", &json!({ "name": "old", "host": "old.example" })).await;
    let file = json!({
        "_format_version": "3.0",
        "services": [
            { "name": "good", "host": "good.example" },
            {
                "name": "bad", "url": "http://bad.example",
                "routes": [{ "paths": ["/"] }, { "paths": ["no"] }],
                "plugins": [
                    { "name": "oidc", "config": { "issuer": "x" } },
                    { "name": "pre-function", "config": { "access": ["return 1", "if"] } },
                ],
            },
            { "name": "worse", "port": 1e9, "routes": [{ "paths": ["/"] }] },
        ],
        "routes": [{ "paths": ["/"], "service": "nothing" }],
        "vaults": [{ "name": "env" }],
        "colour": 1,
    });
    let reply = gateway.post("/config", &file).await;
    assert_eq!(reply.status, 400);
    let error = reply.json();
    assert_eq!(error["code"], 14);
    assert_eq!(error["name"], "invalid declarative configuration");
    let fields = &error["fields"];
    assert_eq!(fields["services"][0], json!(null));
    let bad = &fields["services"][1];
    let path = "should start with: / (fixed path) or ~/ (regex path)";
    assert_eq!(bad["routes"], json!([null, { "paths": [path] }]));
    let plugins = &bad["plugins"];
    assert!(plugins[0]["name"].as_str().unwrap().starts_with("plugin 'oidc' not enabled"));
    assert!(plugins[0].get("config").is_none());
    assert!(plugins[1]["config"]["access"][1].as_str().unwrap().contains("error parsing"));
    assert_eq!(fields["services"][2]["port"], "value should be between 0 and 65535");
    assert!(fields["services"][2].get("routes").is_none(), "{fields}");
    assert_eq!(fields["vaults"], "this gateway has none of these");
    assert_eq!(fields["colour"], "unknown field");
    let services = gateway.admin("/services").send().await.json();
    assert_eq!(services["data"].as_array().unwrap().len(), 1);
    assert_eq!(services["data"][0]["name"], "old");
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let gateway = Gateway::empty();
    for (body, wanted) in [
        (json!({}), "expected a declarative configuration"),
        (json!({ "config": 1 }), "expected a declarative configuration"),
        (json!({ "config": "[" }), "failed parsing declarative configuration"),
        (json!({ "config": "text" }), "expected an object"),
        (json!({ "config": "services: []" }), "required field missing"),
        (json!({ "_format_version": "9.0" }), "expected one of: 1.1, 2.1, 3.0"),
        (json!({ "_format_version": "3.0", "services": {} }), "expected an array"),
        (json!({ "_format_version": "3.0", "services": [1] }), "expected a record"),
    ] {
        let reply = gateway.post("/config", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text().contains(wanted), "{body}: {}", reply.text());
    }
    let bomb = format!(
        "a0: &a0 [x]\n{}",
        (1..30)
            .map(|n| {
                let before = format!("*a{}", n - 1);
                format!("a{n}: &a{n} [{}]\n", [before.as_str(); 9].join(", "))
            })
            .collect::<String>()
    );
    let reply = gateway.post("/config", &json!({ "config": bomb })).await;
    assert_eq!(reply.status, 400);
    let call = gateway.admin_call(Method::POST, "/config").header("content-type", "text/plain");
    assert_eq!(call.body("_format_version: '3.0'").send().await.status, 415);
}

#[tokio::test]
async fn a_name_that_is_there_twice_is_told() {
    let gateway = Gateway::empty();
    let service = json!({ "name": "shop", "host": "a.example" });
    let file = json!({ "_format_version": "3.0", "services": [service, service] });
    let reply = gateway.post("/config", &file).await;
    assert_eq!(reply.status, 400);
    assert!(reply.json()["fields"]["services"][1]["@entity"][0].is_string(), "{}", reply.text());
}

#[tokio::test]
async fn without_a_database_a_file_is_taken_all_the_same() {
    let file = |name: &str| {
        format!(
            "{{\"_format_version\": \"3.0\", \"services\": [{{\"name\": \"{name}\", \"host\": \"a.example\"}}]}}"
        )
    };
    let gateway = Gateway::of_file(&file("one"));
    let ids = gateway.admin("/services/one").send().await.json()["id"].clone();
    let reply = gateway.post("/config", &json!({ "config": file("two") })).await;
    assert_eq!(reply.status, 201);
    assert_eq!(gateway.admin("/services/one").send().await.status, 404);
    gateway.post("/config", &json!({ "config": file("one") })).await;
    // A name has the same id whenever it is loaded.
    assert_eq!(gateway.admin("/services/one").send().await.json()["id"], ids);
}

#[tokio::test]
async fn merge_keys_and_old_formats_are_understood() {
    let upstream = echo_upstream().await;
    let gateway = Start::of_file(&format!(
        r"
_format_version: '1.1'
_base: &base
  host: 127.0.0.1
  port: {}
services:
  - <<: *base
    name: shop
    routes:
      - paths: ['/a/\d+', /plain-path]
",
        upstream.port()
    ))
    .serving();
    let services = gateway.admin("/services").send().await.json();
    assert_eq!(services["data"][0]["port"], upstream.port());
    let routes = gateway.admin("/routes").send().await.json();
    assert_eq!(routes["data"][0]["paths"], json!([r"~/a/\d+", "/plain-path"]));
}
