//! Consumers and what they prove who they are with, over the Admin API and in files.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Start};

async fn made(gateway: &Gateway, path: &str, entity: Value) -> Value {
    let reply = gateway.post(path, &entity).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

#[tokio::test]
async fn a_consumer_is_made_found_changed_and_deleted() {
    let gateway = Gateway::empty();
    let alice = json!({ "username": "alice", "custom_id": "7", "tags": ["a"] });
    let alice = made(&gateway, "/consumers", alice).await;
    assert_eq!((&alice["username"], &alice["custom_id"]), (&json!("alice"), &json!("7")));
    assert!(alice["created_at"].is_i64() && alice["updated_at"].is_i64());
    let id = alice["id"].as_str().unwrap();
    for key in ["alice", id] {
        let found = gateway.admin(&format!("/consumers/{key}")).send().await.json();
        assert_eq!(found, alice);
    }
    let put = json!({ "custom_id": "8" });
    let put = gateway.send(Method::PUT, "/consumers/bob", &put).await;
    assert_eq!((put.status.as_u16(), &put.json()["username"]), (200, &json!("bob")));
    let again = gateway.send(Method::PUT, "/consumers/bob", &json!({})).await.json();
    assert_eq!((&again["id"], &again["custom_id"]), (&put.json()["id"], &Value::Null));
    let patched = json!({ "custom_id": "9" });
    let patched = gateway.send(Method::PATCH, "/consumers/bob", &patched).await;
    assert_eq!(patched.json()["custom_id"], "9");
    let all = gateway.admin("/consumers?tags=a,b").send().await.json();
    assert_eq!(all["data"], json!([]));
    let all = gateway.admin("/consumers?tags=a/b").send().await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
    let page = gateway.admin("/consumers?size=1").send().await.json();
    let next = gateway.admin(page["next"].as_str().unwrap()).send().await.json();
    assert_eq!((next["data"].as_array().unwrap().len(), &next["next"]), (1, &Value::Null));
    assert_eq!(gateway.admin("/tags/a").send().await.json()["data"][0]["entity_name"], "consumers");
    assert_eq!(gateway.admin_call(Method::DELETE, "/consumers/bob").send().await.status, 204);
    assert_eq!(gateway.admin("/consumers/bob").send().await.status, 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_consumer_is_told_in_kongs_words() {
    let gateway = Gateway::empty();
    made(&gateway, "/consumers", json!({ "username": "alice", "custom_id": "7" })).await;
    for (entity, status, message) in [
        (
            json!({}),
            400,
            "schema violation (at least one of these fields must be non-empty: 'custom_id', 'username')",
        ),
        (
            json!({ "username": "alice" }),
            409,
            r#"UNIQUE violation detected on '{username="alice"}'"#,
        ),
        (
            json!({ "username": "b", "custom_id": "7" }),
            409,
            r#"UNIQUE violation detected on '{custom_id="7"}'"#,
        ),
        (json!({ "username": 7 }), 400, "schema violation (username: expected a string)"),
        (json!({ "username": "" }), 400, "length must be at least 1"),
        (
            json!({ "username": "b", "colour": "red" }),
            400,
            "schema violation (colour: unknown field)",
        ),
    ] {
        let reply = gateway.post("/consumers", &entity).await;
        assert_eq!(reply.status.as_u16(), status, "{entity}");
        assert!(reply.text().contains(&message.replace('"', "\\\"")), "{}", reply.text());
    }
}

#[tokio::test]
async fn credentials_are_made_below_their_consumer_and_beside_it() {
    let gateway = Gateway::empty();
    let alice = made(&gateway, "/consumers", json!({ "username": "alice" })).await;
    let id = alice["id"].as_str().unwrap();
    for (nested, flat, entity, key) in [
        ("key-auth", "key-auths", json!({ "key": "k1" }), "key"),
        ("basic-auth", "basic-auths", json!({ "username": "u", "password": "p" }), "username"),
        ("hmac-auth", "hmac-auths", json!({ "username": "u", "secret": "s" }), "username"),
        ("jwt", "jwts", json!({ "key": "k2", "secret": "s" }), "key"),
    ] {
        let below = made(&gateway, &format!("/consumers/alice/{nested}"), entity.clone()).await;
        assert_eq!(below["consumer"], json!({ "id": id }));
        assert!(below.get("updated_at").is_none(), "{below}");
        let key = entity[key].as_str().unwrap();
        for path in [
            format!("/consumers/alice/{nested}/{key}"),
            format!("/{flat}/{key}"),
            format!("/{flat}/{}", below["id"].as_str().unwrap()),
        ] {
            assert_eq!(gateway.admin(&path).send().await.json(), below, "{path}");
        }
        let owner = gateway.admin(&format!("/{flat}/{key}/consumer")).send().await.json();
        assert_eq!(owner, alice);
        let list = gateway.admin(&format!("/consumers/{id}/{nested}")).send().await.json();
        assert_eq!(list["data"], json!([below]));
        let list = gateway.admin(&format!("/{flat}")).send().await.json();
        assert_eq!(list["data"], json!([below]));
        let again = gateway.post(&format!("/consumers/alice/{nested}"), &entity).await;
        assert_eq!(again.status, 409, "{}", again.text());
        let orphan = gateway.post(&format!("/{flat}"), &json!({ "key": "x" })).await;
        assert!(orphan.text().contains("consumer: required field missing"), "{}", orphan.text());
        let missing = gateway.post(&format!("/consumers/nobody/{nested}"), &entity).await;
        assert_eq!(missing.status, 404);
        let deleted =
            gateway.admin_call(Method::DELETE, &format!("/consumers/alice/{nested}/{key}"));
        assert_eq!(deleted.send().await.status, 204);
    }
}

#[tokio::test]
async fn keys_and_secrets_are_made_where_none_are_given() {
    let gateway = Gateway::empty();
    made(&gateway, "/consumers", json!({ "username": "alice" })).await;
    let key = made(&gateway, "/key-auths", json!({ "consumer": { "username": "alice" } })).await;
    assert_eq!(key["key"].as_str().unwrap().len(), 32);
    let jwt = made(&gateway, "/consumers/alice/jwt", json!({})).await;
    assert_eq!(jwt["algorithm"], "HS256");
    assert_ne!(jwt["key"], jwt["secret"]);
    let hmac = made(&gateway, "/consumers/alice/hmac-auth", json!({ "username": "alice" })).await;
    assert_eq!(hmac["secret"].as_str().unwrap().len(), 32);
    let rsa = gateway.post("/consumers/alice/jwt", &json!({ "algorithm": "RS256" })).await;
    assert!(rsa.text().contains("rsa_public_key: required field missing"), "{}", rsa.text());
    let rsa = json!({ "algorithm": "RS256", "rsa_public_key": "no key" });
    let rsa = gateway.post("/consumers/alice/jwt", &rsa).await;
    assert!(rsa.text().contains("rsa_public_key: invalid key"), "{}", rsa.text());
    let ttl = made(&gateway, "/consumers/alice/key-auth", json!({ "ttl": 100 })).await;
    assert!((90..=100).contains(&ttl["ttl"].as_i64().unwrap()), "{ttl}");
}

#[tokio::test]
async fn passwords_are_kept_as_hashes() {
    let gateway = Gateway::empty();
    let id = "0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0";
    made(&gateway, "/consumers", json!({ "id": id, "username": "alice" })).await;
    let given = json!({ "username": "a", "password": "kong" });
    let made = made(&gateway, "/consumers/alice/basic-auth", given).await;
    // sha1("kong0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0")
    assert_eq!(made["password"], "3aaae04f8fa6d190440cedf7d944f09daffc4036");
    let tagged = json!({ "tags": ["a"] });
    let patched = gateway.send(Method::PATCH, "/basic-auths/a", &tagged).await.json();
    assert_eq!(patched["password"], made["password"]);
    let changed = json!({ "password": "other" });
    let changed = gateway.send(Method::PATCH, "/basic-auths/a", &changed).await.json();
    assert!(changed["password"] != made["password"] && changed["password"] != "other");
    let exported = gateway.admin("/config").send().await.json();
    let exported = exported["config"].as_str().unwrap().to_owned();
    assert!(exported.contains("_transform: false"));
    let other = Gateway::of_file(&exported);
    let same = other.admin("/basic-auths/a").send().await.json();
    assert_eq!(same["password"], changed["password"]);
}

#[tokio::test]
async fn secrets_are_in_no_line_of_the_log() {
    let mut gateway = Start::new().arg("--log-level").arg("debug").serving();
    let route = json!({ "name": "all", "paths": ["/all"] });
    made(&gateway, "/routes", route).await;
    let respond = json!({ "access": ["kong.response.exit(204)"] });
    made(&gateway, "/plugins", json!({ "name": "post-function", "config": respond })).await;
    made(&gateway, "/consumers", json!({ "username": "alice" })).await;
    for (path, secret) in [
        ("key-auth", json!({ "key": "hidden-key" })),
        ("basic-auth", json!({ "username": "al", "password": "hidden-word" })),
        ("hmac-auth", json!({ "username": "al", "secret": "hidden-hmac" })),
        ("jwt", json!({ "key": "issuer", "secret": "hidden-jwt" })),
    ] {
        made(&gateway, &format!("/consumers/alice/{path}"), secret.clone()).await;
        let again = gateway.post(&format!("/consumers/alice/{path}"), &secret).await;
        assert_eq!(again.status, 409, "{path}");
        made(&gateway, "/plugins", json!({ "name": path, "config": {} })).await;
    }
    // base64 of al:hidden-word, and of al:hidden-wrong
    for basic in ["YWw6aGlkZGVuLXdvcmQ=", "YWw6aGlkZGVuLXdyb25n"] {
        let call = gateway.get("/all").header("apikey", "hidden-key");
        call.header("authorization", format!("Basic {basic}")).send().await;
        let call = gateway.get("/all").header("apikey", "hidden-guess");
        assert_eq!(call.send().await.status, 401);
    }
    let said = gateway.said_to_the_end();
    assert!(said.contains("GET /all") && said.contains(" 401 "), "{said}");
    for secret in ["hidden", "YWw6"] {
        let line = said.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test]
async fn a_consumer_is_in_a_group_once_and_is_found_there_by_its_name() {
    let gateway = Gateway::empty();
    made(&gateway, "/consumers", json!({ "username": "alice" })).await;
    let acl = made(&gateway, "/consumers/alice/acls", json!({ "group": "admin" })).await;
    let again = gateway.post("/consumers/alice/acls", &json!({ "group": "admin" })).await;
    assert_eq!(again.status, 409);
    assert!(again.text().contains("group=\\\"admin\\\""), "{}", again.text());
    let found = gateway.admin("/consumers/alice/acls/admin").send().await.json();
    assert_eq!(found, acl);
    let put = gateway.send(Method::PUT, "/consumers/alice/acls/staff", &json!({})).await;
    assert_eq!((put.status.as_u16(), &put.json()["group"]), (200, &json!("staff")));
    let kept = gateway.send(Method::PUT, "/consumers/alice/acls/staff", &json!({})).await.json();
    assert_eq!(kept["id"], put.json()["id"]);
    let put = gateway.send(Method::PUT, "/acls/staff", &json!({})).await;
    assert!(put.text().contains("invalid primary key"), "{}", put.text());
    let gone = gateway.admin_call(Method::DELETE, "/consumers/alice/acls/admin").send().await;
    assert_eq!(gone.status, 204);
    assert_eq!(gateway.admin("/acls").send().await.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_belongs_to_a_consumer_goes_with_it() {
    let gateway = Gateway::empty();
    made(&gateway, "/consumers", json!({ "username": "alice" })).await;
    made(&gateway, "/consumers/alice/key-auth", json!({})).await;
    made(&gateway, "/consumers/alice/acls", json!({ "group": "a" })).await;
    let limit = json!({ "name": "rate-limiting", "config": { "minute": 1 } });
    made(&gateway, "/consumers/alice/plugins", limit).await;
    assert_eq!(gateway.admin_call(Method::DELETE, "/consumers/alice").send().await.status, 204);
    for path in ["/key-auths", "/acls", "/plugins"] {
        assert_eq!(gateway.admin(path).send().await.json()["data"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_plugin_that_is_for_all_consumers_refuses_one() {
    let gateway = Gateway::empty();
    made(&gateway, "/consumers", json!({ "username": "alice" })).await;
    let function = json!({ "access": ["return 1"] });
    for (name, config) in
        [("pre-function", function.clone()), ("post-function", function), ("key-auth", json!({}))]
    {
        let plugin = json!({ "name": name, "config": config });
        let reply = gateway.post("/consumers/alice/plugins", &plugin).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("consumer: value must be null"), "{}", reply.text());
    }
}

#[tokio::test]
async fn consumers_are_there_when_the_gateway_starts_again() {
    let file = std::env::temp_dir().join(format!("tower-lua-consumers-{}.db", std::process::id()));
    let url = format!("sqlite:{}", file.display());
    let start = || Start::new().arg("--database").arg(&url).serving();
    let mut gateway = start();
    made(&gateway, "/consumers", json!({ "username": "alice" })).await;
    let key = made(&gateway, "/consumers/alice/key-auth", json!({ "key": "k" })).await;
    gateway.terminate();
    assert!(gateway.ended().success());
    let gateway = start();
    assert_eq!(gateway.admin("/consumers/alice/key-auth/k").send().await.json(), key);
    drop(gateway);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
}

#[tokio::test]
async fn files_have_credentials_in_their_consumer_or_beside_it() {
    let gateway = Gateway::of_file(
        r#"
_format_version: "2.1"
consumers:
  - username: alice
    keyauth_credentials: [{ key: one }]
    acls: [{ group: admin }]
    basicauth_credentials: [{ username: alice, password: secret }]
    jwt_secrets: [{ key: issuer, secret: shared }]
    hmacauth_credentials: [{ username: alice, secret: shared }]
    plugins: [{ name: rate-limiting, config: { minute: 5 } }]
keyauth_credentials:
  - { consumer: alice, key: two }
acls:
  - { consumer: alice, group: staff }
plugins:
  - { name: request-size-limiting, consumer: alice, config: { allowed_payload_size: 1 } }
"#,
    );
    for (path, count) in [
        ("key-auth", 2),
        ("acls", 2),
        ("basic-auth", 1),
        ("jwt", 1),
        ("hmac-auth", 1),
        ("plugins", 2),
    ] {
        let list = gateway.admin(&format!("/consumers/alice/{path}")).send().await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{path}: {list}");
    }
    let refused = gateway.post("/consumers", &json!({ "username": "bob" })).await;
    assert_eq!(refused.status, 405);
}
