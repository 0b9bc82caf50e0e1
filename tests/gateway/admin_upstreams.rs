//! Upstreams and their targets, over the Admin API and in files.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Postgres, Start};

async fn made(gateway: &Gateway, path: &str, entity: Value) -> Value {
    let reply = gateway.post(path, &entity).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

async fn got(gateway: &Gateway, path: &str) -> Value {
    gateway.admin(path).send().await.json()
}

#[tokio::test]
async fn an_upstream_has_kongs_defaults() {
    let gateway = Gateway::empty();
    let upstream = made(&gateway, "/upstreams", json!({ "name": "shop.upstream" })).await;
    for (field, expected) in [
        ("algorithm", json!("round-robin")),
        ("hash_on", json!("none")),
        ("hash_fallback", json!("none")),
        ("hash_on_header", json!(null)),
        ("hash_on_cookie_path", json!("/")),
        ("slots", json!(10000)),
        ("host_header", json!(null)),
        ("use_srv_name", json!(false)),
        ("client_certificate", json!(null)),
        ("tags", json!(null)),
    ] {
        assert_eq!(upstream[field], expected, "{field}");
    }
    assert_eq!(
        upstream["healthchecks"],
        json!({
            "active": {
                "type": "http",
                "timeout": 1,
                "concurrency": 10,
                "http_path": "/",
                "https_sni": null,
                "https_verify_certificate": true,
                "headers": null,
                "healthy": { "interval": 0, "http_statuses": [200, 302], "successes": 0 },
                "unhealthy": {
                    "interval": 0,
                    "http_statuses": [429, 404, 500, 501, 502, 503, 504, 505],
                    "tcp_failures": 0,
                    "timeouts": 0,
                    "http_failures": 0,
                },
            },
            "passive": {
                "type": "http",
                "healthy": {
                    "http_statuses": [
                        200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304,
                        305, 306, 307, 308,
                    ],
                    "successes": 0,
                },
                "unhealthy": {
                    "http_statuses": [429, 500, 503],
                    "tcp_failures": 0,
                    "timeouts": 0,
                    "http_failures": 0,
                },
            },
            "threshold": 0,
        })
    );
    assert_eq!(got(&gateway, "/upstreams/shop.upstream").await, upstream);
    let schema = got(&gateway, "/schemas/upstreams").await;
    assert!(schema.to_string().contains(r#""distinct":["hash_on_header","hash_fallback_header"]"#));
}

#[tokio::test]
async fn an_upstream_is_changed_in_part_put_and_deleted_with_its_targets() {
    let gateway = Gateway::empty();
    let first = made(&gateway, "/upstreams", json!({ "name": "shop", "tags": ["a"] })).await;
    made(&gateway, "/upstreams/shop/targets", json!({ "target": "127.0.0.1:1" })).await;
    let change = json!({ "healthchecks": { "passive": { "unhealthy": { "tcp_failures": 2 } } } });
    let patched = gateway.send(Method::PATCH, "/upstreams/shop", &change).await.json();
    let checks = &patched["healthchecks"];
    assert_eq!(checks["passive"]["unhealthy"]["tcp_failures"], 2);
    assert_eq!(checks["active"], first["healthchecks"]["active"]);
    let put = gateway.send(Method::PUT, "/upstreams/shop", &json!({ "slots": 10 })).await.json();
    assert_eq!((&put["id"], &put["slots"]), (&first["id"], &json!(10)));
    assert_eq!(put["healthchecks"], first["healthchecks"]);
    let again = gateway.post("/upstreams", &json!({ "name": "shop" })).await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains(r#"UNIQUE violation detected on '{name=\"shop\"}'"#));
    assert_eq!(gateway.admin_call(Method::DELETE, "/upstreams/shop").send().await.status, 204);
    assert_eq!(got(&gateway, "/tags").await["data"], json!([]));
    made(&gateway, "/upstreams", json!({ "name": "shop" })).await;
    assert_eq!(got(&gateway, "/upstreams/shop/targets").await["data"], json!([]));
}

#[tokio::test]
async fn what_is_hashed_says_which_algorithm_there_is() {
    let gateway = Gateway::empty();
    for (number, (given, algorithm, hash_on)) in [
        (json!({ "hash_on": "ip" }), "consistent-hashing", "ip"),
        (json!({ "hash_on": "none" }), "round-robin", "none"),
        (json!({ "algorithm": "consistent-hashing" }), "consistent-hashing", "none"),
        (json!({ "algorithm": "least-connections", "hash_on": "ip" }), "least-connections", "none"),
        (json!({ "algorithm": "latency" }), "latency", "none"),
        (json!({ "algorithm": "round-robin", "hash_on": "path" }), "consistent-hashing", "path"),
        (json!({ "hash_on": null }), "round-robin", "none"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut upstream = given.clone();
        upstream["name"] = format!("u{number}").into();
        let made = made(&gateway, "/upstreams", upstream).await;
        assert_eq!((&made["algorithm"], &made["hash_on"]), (&algorithm.into(), &hash_on.into()));
    }
    let change = json!({ "hash_on": "header", "hash_on_header": "x-user" });
    let changed = gateway.send(Method::PATCH, "/upstreams/u1", &change).await.json();
    assert_eq!(changed["algorithm"], "consistent-hashing");
}

#[tokio::test]
async fn what_is_wrong_with_an_upstream_is_told_in_kongs_words() {
    const OF_CONSUMER: &str =
        "expected one of: none, ip, header, cookie, path, query_arg, uri_capture";
    let gateway = Gateway::empty();
    let of_hash_on = "failed conditional validation given value of field 'hash_on'";
    let of_fallback = "failed conditional validation given value of field 'hash_fallback'";
    let characters = "contains one or more invalid characters. ASCII control characters (0-31;127), \
                      space, tab and the characters ()<>@,;:\\\"/?={}[] are not allowed.";
    for (given, fields) in [
        (json!({ "name": null }), json!({ "name": "required field missing" })),
        (
            json!({ "name": "some invalid host name" }),
            json!({ "name": "Invalid name ('some invalid host name'); must be a valid hostname" }),
        ),
        (
            json!({ "name": "127.0.0.1" }),
            json!({ "name": "Invalid name ('127.0.0.1'); no ip addresses allowed" }),
        ),
        (json!({ "name": "a:80" }), json!({ "name": "Invalid name ('a:80'); no port allowed" })),
        (json!({ "slots": 9 }), json!({ "slots": "value should be between 10 and 65536" })),
        (
            json!({ "hash_on": "colour" }),
            json!({ "hash_on": "expected one of: none, consumer, ip, header, cookie, path, query_arg, uri_capture" }),
        ),
        (
            json!({ "hash_on": "consumer", "hash_fallback": "consumer" }),
            json!({ "@entity": [of_hash_on], "hash_fallback": OF_CONSUMER }),
        ),
        (
            json!({ "hash_on": "header", "hash_fallback": "ip" }),
            json!({ "@entity": [of_hash_on], "hash_on_header": "required field missing" }),
        ),
        (
            json!({ "hash_on": "ip", "hash_fallback": "query_arg" }),
            json!({ "@entity": [of_fallback], "hash_fallback_query_arg": "required field missing" }),
        ),
        (
            json!({ "hash_on": "uri_capture" }),
            json!({ "@entity": [of_hash_on], "hash_on_uri_capture": "required field missing" }),
        ),
        (
            json!({
                "hash_on": "header",
                "hash_fallback": "header",
                "hash_on_header": "x-user",
                "hash_fallback_header": "x-user",
            }),
            json!({ "@entity": [
                "values of these fields must be distinct: 'hash_on_header', 'hash_fallback_header'"
            ]}),
        ),
        (
            json!({ "hash_on": "cookie", "hash_on_cookie": "c", "hash_fallback": "ip" }),
            json!({ "@entity": [of_hash_on], "hash_fallback": "expected one of: none" }),
        ),
        (
            json!({ "hash_on": "cookie", "hash_on_cookie": "not a <> name" }),
            json!({ "hash_on_cookie": characters }),
        ),
        (
            json!({ "hash_on": "cookie", "hash_on_cookie": "c", "hash_on_cookie_path": "x" }),
            json!({ "hash_on_cookie_path": "should start with: /" }),
        ),
        (
            json!({ "healthchecks": { "threshold": 101 } }),
            json!({ "healthchecks": { "threshold": "value should be between 0 and 100" } }),
        ),
        (
            json!({ "healthchecks": { "active": { "type": "udp" } } }),
            json!({ "healthchecks": { "active": {
                "type": "expected one of: tcp, http, https, grpc, grpcs"
            }}}),
        ),
        (
            json!({ "healthchecks": { "passive": { "unhealthy": { "timeouts": 256 } } } }),
            json!({ "healthchecks": { "passive": { "unhealthy": {
                "timeouts": "value should be between 0 and 255"
            }}}}),
        ),
        (json!({ "host_header": "a b" }), json!({ "host_header": "invalid hostname: a b" })),
        (
            json!({ "healthchecks": { "active": { "https_sni": "127.0.0.1" } } }),
            json!({ "healthchecks": { "active": { "https_sni": "must not be an IP" } } }),
        ),
    ] {
        let mut upstream = json!({ "name": "shop" });
        upstream.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        let reply = gateway.post("/upstreams", &upstream).await;
        assert_eq!(reply.status, 400, "{given}");
        assert_eq!(reply.json()["fields"], fields, "{given}");
    }
}

#[tokio::test]
async fn nothing_in_the_place_of_a_setting_is_its_default() {
    let gateway = Gateway::empty();
    let checks = json!({ "active": { "timeout": null, "healthy": { "http_statuses": null } } });
    made(&gateway, "/upstreams", json!({ "name": "a", "healthchecks": checks })).await;
    made(&gateway, "/upstreams", json!({ "name": "b", "healthchecks": null })).await;
}

#[tokio::test]
async fn a_target_has_a_port_and_a_weight() {
    let gateway = Gateway::empty();
    let upstream = made(&gateway, "/upstreams", json!({ "name": "shop" })).await;
    let target = made(&gateway, "/upstreams/shop/targets", json!({ "target": "127.0.0.1" })).await;
    assert_eq!((&target["target"], &target["weight"]), (&json!("127.0.0.1:8000"), &json!(100)));
    assert_eq!(target["upstream"], json!({ "id": upstream["id"] }));
    assert!(target["created_at"].is_f64() && target["updated_at"].is_f64(), "{target}");
    let id = target["id"].as_str().unwrap();
    for key in ["127.0.0.1:8000", id] {
        assert_eq!(got(&gateway, &format!("/upstreams/shop/targets/{key}")).await, target);
    }
    // Both may be made in one millisecond, and then neither is newer.
    let later = target["created_at"].as_f64().unwrap() + 1.0;
    let ipv6 = json!({ "target": "[::1]:80", "weight": 0, "created_at": later });
    let ipv6 = made(&gateway, "/upstreams/shop/targets", ipv6).await;
    assert_eq!(ipv6["target"], "[0000:0000:0000:0000:0000:0000:0000:0001]:80");
    let all = got(&gateway, "/upstreams/shop/targets").await;
    assert_eq!(all["data"], json!([ipv6, target]), "the newest comes first");
    assert_eq!(got(&gateway, "/upstreams/shop/targets/all").await["data"], all["data"]);
    let page = got(&gateway, "/upstreams/shop/targets?size=1").await;
    let next = got(&gateway, page["next"].as_str().unwrap()).await;
    assert_eq!((&next["data"], &next["next"]), (&json!([target]), &json!(null)));
    let tagged = json!({ "target": "a.example:80", "tags": ["x"] });
    made(&gateway, "/upstreams/shop/targets", tagged).await;
    assert_eq!(got(&gateway, "/tags/x").await["data"][0]["entity_name"], "targets");
    let found = got(&gateway, "/upstreams/shop/targets?tags=x").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_target_is_changed_and_deleted_by_its_name_or_id() {
    let gateway = Gateway::empty();
    made(&gateway, "/upstreams", json!({ "name": "shop" })).await;
    made(&gateway, "/upstreams", json!({ "name": "other" })).await;
    let target =
        made(&gateway, "/upstreams/shop/targets", json!({ "target": "127.0.0.1:1" })).await;
    let path = "/upstreams/shop/targets/127.0.0.1:1";
    for (method, weight) in [(Method::PATCH, 7), (Method::PUT, 8)] {
        let changed = gateway.send(method, path, &json!({ "weight": weight })).await;
        assert_eq!((changed.status.as_u16(), &changed.json()["weight"]), (200, &json!(weight)));
        assert_eq!(changed.json()["id"], target["id"]);
    }
    let again = gateway.post("/upstreams/shop/targets", &json!({ "target": "127.0.0.1:1" })).await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains(r#"target=\"127.0.0.1:1\""#), "{}", again.text());
    made(&gateway, "/upstreams/other/targets", json!({ "target": "127.0.0.1:1" })).await;
    let elsewhere = format!("/upstreams/other/targets/{}", target["id"].as_str().unwrap());
    assert_eq!(gateway.admin(&elsewhere).send().await.status, 404);
    let missing = "/upstreams/shop/targets/127.0.0.1:2";
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let reply = gateway.send(method.clone(), missing, &json!({})).await;
        assert_eq!(reply.status, 404, "{method}");
    }
    assert_eq!(gateway.admin_call(Method::DELETE, path).send().await.status, 204);
    assert_eq!(gateway.admin(path).send().await.status, 404);
    for path in ["/targets", "/targets/127.0.0.1:1", "/targets/127.0.0.1:1/upstream"] {
        let reply = gateway.admin(path).send().await;
        assert_eq!((reply.status.as_u16(), &reply.json()["message"]), (404, &"Not found".into()));
    }
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let reply = gateway.send(method, "/upstreams/shop/targets", &json!({})).await;
        assert_eq!(reply.status, 405);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_target_is_told() {
    let gateway = Gateway::empty();
    made(&gateway, "/upstreams", json!({ "name": "shop" })).await;
    for (given, fields) in [
        (json!({ "weight": 0 }), json!({ "target": "required field missing" })),
        (
            json!({ "target": "some invalid host name" }),
            json!({ "target": "Invalid target ('some invalid host name'); not a valid hostname or ip address" }),
        ),
        (
            json!({ "target": "a:65536" }),
            json!({ "target": "Invalid target ('a:65536'); not a valid hostname or ip address" }),
        ),
        (
            json!({ "target": "a.example", "weight": 65536 }),
            json!({ "weight": "value should be between 0 and 65535" }),
        ),
    ] {
        let reply = gateway.post("/upstreams/shop/targets", &given).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["fields"]), (400, &fields));
    }
    let form = gateway.form("/upstreams/shop/targets", &[("target", "a.example"), ("weight", "5")]);
    assert_eq!(form.await.json()["weight"], 5);
    let missing = gateway.post("/upstreams/none/targets", &json!({ "target": "a" })).await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn health_is_off_or_unknown_where_nothing_is_checked() {
    let gateway = Gateway::empty();
    let upstream = made(&gateway, "/upstreams", json!({ "name": "shop" })).await;
    for (target, created_at) in [("nowhere.invalid:80", 1), ("127.0.0.1:1", 2)] {
        let target = json!({ "target": target, "weight": 10, "created_at": created_at });
        made(&gateway, "/upstreams/shop/targets", target).await;
    }
    let health = got(&gateway, "/upstreams/shop/health").await;
    let [first, second] = &health["data"].as_array().unwrap()[..] else { panic!("{health}") };
    assert_eq!(
        (&first["target"], &first["health"]),
        (&json!("127.0.0.1:1"), &json!("HEALTHCHECKS_OFF"))
    );
    assert_eq!(
        first["data"],
        json!({
            "host": "127.0.0.1",
            "port": 1,
            "dns": "A",
            "nodeWeight": 10,
            "weight": { "total": 10, "available": 10, "unavailable": 0 },
            "addresses": [
                { "ip": "127.0.0.1", "port": 1, "weight": 10, "health": "HEALTHCHECKS_OFF" },
            ],
        })
    );
    assert_eq!(
        (&second["health"], &second["data"]["addresses"]),
        (&json!("DNS_ERROR"), &json!([]))
    );
    assert_eq!(health["node_id"], got(&gateway, "/").await["node_id"]);
    assert_eq!(health["next"], json!(null));
    let whole = got(&gateway, "/upstreams/shop/health?balancer_health=1").await;
    assert_eq!(whole["data"], json!({ "id": upstream["id"], "health": "HEALTHCHECKS_OFF" }));
    let path = "/upstreams/shop/targets/127.0.0.1:1/unhealthy";
    let reply = gateway.admin_call(Method::PUT, path).send().await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["message"], "no healthchecker found for shop");
    assert_eq!(gateway.admin("/upstreams/none/health").send().await.status, 404);
}

#[tokio::test]
async fn files_have_targets_in_their_upstream_or_beside_it() {
    for format in ["1.1", "2.1", "3.0"] {
        let gateway = Gateway::of_file(&format!(
            r#"
_format_version: "{format}"
upstreams:
  - name: shop
    algorithm: least-connections
    targets:
      - {{ target: "127.0.0.1:1", weight: 5 }}
      - target: a.example
targets:
  - {{ upstream: shop, target: "127.0.0.1:2" }}
  - {{ upstream: {{ name: shop }}, target: "127.0.0.1:3" }}
"#
        ));
        let targets = got(&gateway, "/upstreams/shop/targets").await;
        let mut names: Vec<_> = targets["data"].as_array().unwrap().iter().collect();
        names.sort_by_key(|target| target["target"].to_string());
        let names: Vec<_> = names.iter().map(|target| target["target"].as_str().unwrap()).collect();
        assert_eq!(names, ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "a.example:8000"]);
        let exported = got(&gateway, "/config").await["config"].as_str().unwrap().to_owned();
        let again = Gateway::of_file(&exported);
        assert_eq!(got(&again, "/upstreams/shop").await, got(&gateway, "/upstreams/shop").await);
        assert_eq!(got(&again, "/upstreams/shop/targets").await, targets);
        let refused = gateway.post("/upstreams", &json!({ "name": "b" })).await;
        assert_eq!(refused.status, 405);
    }
}

async fn is_kept(start: impl Fn() -> Start) {
    let mut gateway = start().serving();
    let upstream = made(&gateway, "/upstreams", json!({ "name": "shop", "hash_on": "ip" })).await;
    made(&gateway, "/upstreams/shop/targets", json!({ "target": "127.0.0.1:1" })).await;
    let targets = got(&gateway, "/upstreams/shop/targets").await;
    gateway.terminate();
    assert!(gateway.ended().success());
    let gateway = start().serving();
    assert_eq!(got(&gateway, "/upstreams/shop").await, upstream);
    assert_eq!(got(&gateway, "/upstreams/shop/targets").await, targets);
}

#[tokio::test]
async fn upstreams_are_there_when_the_gateway_starts_again() {
    let file = std::env::temp_dir().join(format!("tower-lua-upstreams-{}.db", std::process::id()));
    let url = format!("sqlite:{}", file.display());
    is_kept(|| Start::new().arg("--database").arg(&url)).await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}

#[tokio::test]
async fn upstreams_are_there_on_a_server_for_all_gateways() {
    let Some(postgres) = Postgres::start() else { return };
    is_kept(|| Start::new().arg("--database").arg(postgres.url())).await;
    let gateways = [0, 1].map(|_| Start::new().arg("--database").arg(postgres.url()).serving());
    let target = json!({ "target": "127.0.0.1:2" });
    for (gateway, status) in gateways.iter().zip([201, 409]) {
        assert_eq!(gateway.post("/upstreams/shop/targets", &target).await.status.as_u16(), status);
    }
}
