//! `examples/gateway/backend.yml`: a file of the shape in which self-hosted backends have theirs.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;

use crate::support::{Gateway, Start, echo_upstream};

async fn gateway() -> Gateway {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/gateway/backend.yml");
    let mut file = std::fs::read_to_string(path).unwrap();
    let upstream = echo_upstream().await.to_string();
    for host in ["accounts:9999", "rest:3000", "realtime:4000", "metadata:8080", "dashboard:3000"] {
        file = file.replace(&format!("//{host}"), &format!("//{upstream}"));
    }
    Gateway::of_file(&file)
}

#[tokio::test]
async fn clients_call_with_their_keys_and_get_what_their_groups_may() {
    let gateway = gateway().await;
    let anon = gateway.get("/rest/v1/todos?select=id").header("apikey", "the-key-of-web-pages");
    let seen = anon.send().await.json();
    assert_eq!(seen["uri"], "/todos?select=id");
    let headers = &seen["headers"];
    assert_eq!(headers["x-consumer-username"], "anon");
    assert_eq!(headers["authorization"], "Bearer the-key-of-web-pages");
    for absent in ["apikey", "x-consumer-groups"] {
        assert!(headers.get(absent).is_none(), "{headers}");
    }
    let call = gateway.get("/graphql/v1").header("apikey", "the-key-of-servers");
    let seen = call.send().await.json();
    assert_eq!(
        (&seen["uri"], &seen["headers"]["content-profile"]),
        (&"/rpc/graphql".into(), &"graphql_public".into())
    );
    let page =
        gateway.get("/metadata/tables").header("apikey", "the-key-of-web-pages").send().await;
    assert_eq!(page.json()["message"], "You cannot consume this service");
    let server =
        gateway.get("/metadata/tables").header("apikey", "the-key-of-servers").send().await;
    assert_eq!(server.json()["headers"]["apikey"], "the-key-of-servers");
    for path in ["/rest/v1/todos", "/accounts/v1/user", "/realtime/v1/websocket"] {
        assert_eq!(gateway.get(path).send().await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn what_is_open_is_open_and_operators_have_a_password() {
    let gateway = gateway().await;
    let open = gateway.get("/accounts/v1/verify?token=t").header("origin", "https://a.example");
    let open = open.send().await;
    assert_eq!(open.header("access-control-allow-origin"), "*");
    assert_eq!(open.json()["uri"], "/verify?token=t");
    let reply = gateway.get("/project/default").send().await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("www-authenticate")),
        (401, r#"Basic realm="service""#)
    );
    let basic = format!("Basic {}", STANDARD.encode("admin:change-me"));
    let seen = gateway.get("/project/default").header("authorization", basic).send().await.json();
    assert_eq!(
        (&seen["uri"], &seen["headers"]["x-consumer-username"]),
        (&"/project/default".into(), &"operators".into())
    );
    assert!(seen["headers"].get("authorization").is_none());
    assert_eq!(gateway.get("/tools/a").send().await.json()["uri"], "/tools/a");
    let closed = gateway.get("/closed").send().await;
    assert_eq!(
        (closed.status.as_u16(), closed.text().as_str()),
        (403, r#"{"message":"Access is forbidden."}"#)
    );
    let preflight =
        gateway.call(Method::OPTIONS, "/rest/v1/todos").header("origin", "https://a.example");
    let preflight = preflight.header("access-control-request-method", "GET").send().await;
    assert_eq!(preflight.status, 200);
}

#[test]
fn all_that_is_not_known_is_named_at_once_with_its_line() {
    let (code, said) = Start::of_file(
        "_format_version: '3.0'
consumer_groups:
  - name: gold
services:
  - name: shop
    url: http://127.0.0.1:1
    plugins:
      - name: bot-detection
      - name: openid-connect
        config: { issuer: https://a.example }
consumers:
  - username: alice
    type: application
vaults:
  - prefix: env
",
    )
    .ending();
    assert_eq!(code, 1);
    for expected in [
        "line 2: consumer_groups: this gateway has none of these",
        "line 8: services[1].plugins[1].name: plugin 'bot-detection' not enabled",
        "line 9: services[1].plugins[2].name: plugin 'openid-connect' not enabled",
        "line 13: consumers[1].type: unknown field",
        "line 14: vaults: this gateway has none of these",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
}

#[tokio::test]
async fn a_file_as_deck_writes_it_is_served() {
    let upstream = echo_upstream().await;
    let gateway = Gateway::of_file(&format!(
        r#"
_format_version: "1.1"
_info:
  select_tags: [team-a]
  defaults: {{}}
_plugin_configs:
  limited:
    minute: 7
services:
  - name: shop
    host: {}
    port: {}
    protocol: http
    tags: [team-a]
    routes:
      - name: all
        paths: [/]
    plugins:
      - name: rate-limiting
        _config: limited
        config: {{ hour: 70 }}
consumers:
  - username: alice
    id: 0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0
    tags: [team-a]
    keyauth_credentials: [{{ key: alices, tags: [team-a] }}]
plugins:
  - name: key-auth
  - name: request-size-limiting
    consumer: alice
    config: {{ allowed_payload_size: 1, size_unit: bytes }}
"#,
        upstream.ip(),
        upstream.port()
    ));
    let reply = gateway.get("/").header("apikey", "alices").send().await;
    assert_eq!(reply.header("x-ratelimit-limit-minute"), "7");
    assert_eq!(reply.header("x-ratelimit-limit-hour"), "70");
    let call = gateway.call(Method::POST, "/").header("apikey", "alices").body("too much");
    assert_eq!(call.send().await.status, 413);
    let exported = gateway.admin("/config").send().await.json()["config"].clone();
    let again = Gateway::of_file(exported.as_str().unwrap());
    assert_eq!(again.get("/").header("apikey", "alices").send().await.status, 200);
}
