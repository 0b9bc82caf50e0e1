//! `key-auth`, `basic-auth`, `jwt`, `hmac-auth` and `acl` with consumers: who may call, what the
//! service and functions are told of it, and plugins that are for a consumer.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Gateway, Reply, echo_upstream};

const ID: &str = "0d4b36a5-5d3b-4e0c-9c21-1fa1bbd8f4b0";

/// A gateway with the consumers alice, who is in the groups admin and staff, and guest, and these
/// plugins on its route.
async fn gateway(plugins: &[(&str, Value)]) -> Gateway {
    let upstream = echo_upstream().await;
    let plugins: Vec<_> =
        plugins.iter().map(|(name, config)| json!({ "name": name, "config": config })).collect();
    let file = json!({
        "_format_version": "3.0",
        "consumers": [
            {
                "id": ID,
                "username": "alice",
                "custom_id": "7",
                "keyauth_credentials": [{ "key": "alices" }],
                "basicauth_credentials": [{ "username": "al", "password": "open:sesame" }],
                "jwt_secrets": [
                    { "key": "issuer", "secret": "shared" },
                    { "key": "rsa", "algorithm": "RS256", "rsa_public_key": PUBLIC_KEY },
                ],
                "hmacauth_credentials": [{ "username": "al", "secret": "shared" }],
                "acls": [{ "group": "admin" }, { "group": "staff" }],
            },
            { "username": "guest", "keyauth_credentials": [{ "key": "guests" }] },
        ],
        "services": [{
            "url": format!("http://{upstream}"),
            "routes": [{ "paths": ["/"], "plugins": plugins }],
        }],
    });
    Gateway::of_file(&file.to_string())
}

fn message(reply: &Reply) -> String {
    reply.json()["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_key_lets_in_with_its_consumer() {
    let seen = "local c, k = kong.client.get_consumer(), kong.client.get_credential()
                kong.service.request.set_header('x-seen', c.username .. ' ' .. k.key)";
    let log =
        "kong.response.set_header('x-log', (kong.client.get_consumer() or {}).custom_id or '')";
    let gateway = gateway(&[
        ("key-auth", json!({})),
        ("post-function", json!({ "access": [seen] })),
        ("pre-function", json!({ "header_filter": [log] })),
    ])
    .await;
    let reply = gateway.get("/").header("apikey", "alices").send().await;
    assert_eq!(reply.header("x-log"), "7");
    let headers = &reply.json()["headers"];
    assert_eq!(headers["x-consumer-id"], ID);
    assert_eq!(headers["x-consumer-username"], "alice");
    assert_eq!(headers["x-consumer-custom-id"], "7");
    assert!(headers["x-credential-identifier"].is_string());
    assert_eq!(headers["x-seen"], "alice alices");
    let reply = gateway.get("/").header("apikey", "nobodys").send().await;
    assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (401, "Unauthorized"));
    let html = gateway.get("/").header("accept", "text/html").send().await;
    assert!(html.text().contains("<p>No API key found in request.</p>"), "{}", html.text());
}

#[tokio::test]
async fn a_key_in_a_body_is_hidden_there_too() {
    let config = json!({ "key_in_body": true, "hide_credentials": true });
    let gateway = gateway(&[("key-auth", config)]).await;
    for (kind, body, left) in [
        ("application/x-www-form-urlencoded", "a=1&apikey=alices&b=2", "a=1&b=2"),
        ("application/json", r#"{"a":1,"apikey":"alices"}"#, r#"{"a":1}"#),
    ] {
        let call = gateway.call(Method::POST, "/").header("content-type", kind).body(body);
        let seen = call.send().await.json();
        assert_eq!(seen["body"], left);
        assert_eq!(seen["headers"]["content-length"], left.len().to_string());
    }
}

#[tokio::test]
async fn a_key_whose_time_is_over_is_none() {
    let gateway = Gateway::empty();
    let upstream = echo_upstream().await;
    let service = json!({ "name": "s", "url": format!("http://{upstream}") });
    gateway.post("/services", &service).await;
    gateway.post("/services/s/routes", &json!({ "paths": ["/"] })).await;
    gateway.post("/plugins", &json!({ "name": "key-auth" })).await;
    gateway.post("/consumers", &json!({ "username": "alice" })).await;
    gateway.post("/consumers/alice/key-auth", &json!({ "key": "short", "ttl": 0 })).await;
    let reply =
        gateway.post("/consumers/alice/key-auth", &json!({ "key": "long", "ttl": 900 })).await;
    assert_eq!(reply.status, 201);
    assert_eq!(gateway.get("/").header("apikey", "short").send().await.status, 401);
    assert_eq!(gateway.get("/").header("apikey", "long").send().await.status, 200);
    gateway.admin_call(Method::DELETE, "/key-auths/long").send().await;
    assert_eq!(gateway.get("/").header("apikey", "long").send().await.status, 401);
}

#[tokio::test]
async fn the_anonymous_are_a_consumer_that_must_be_there() {
    let guests = gateway(&[("key-auth", json!({ "anonymous": "guest" }))]).await;
    let headers = guests.get("/").header("x-credential-identifier", "forged").send().await.json();
    assert_eq!(headers["headers"]["x-anonymous-consumer"], "true");
    assert_eq!(headers["headers"]["x-consumer-username"], "guest");
    assert!(headers["headers"].get("x-credential-identifier").is_none());
    let nobody = gateway(&[("key-auth", json!({ "anonymous": "nobody" }))]).await;
    let reply = nobody.get("/").send().await;
    let expected = "anonymous consumer nobody is configured but doesn't exist";
    assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (500, expected));
}

#[tokio::test]
async fn one_of_several_schemes_is_enough_where_the_anonymous_pass() {
    let anonymous = json!({ "anonymous": "guest" });
    let gateway = gateway(&[("key-auth", anonymous.clone()), ("basic-auth", anonymous)]).await;
    let basic = format!("Basic {}", STANDARD.encode("al:open:sesame"));
    for call in [
        gateway.get("/").header("apikey", "alices"),
        gateway.get("/").header("authorization", &basic),
        gateway.get("/").header("apikey", "alices").header("authorization", "Basic wrong"),
    ] {
        let seen = call.send().await.json();
        assert_eq!(seen["headers"]["x-consumer-username"], "alice");
    }
}

#[tokio::test]
async fn all_of_several_schemes_are_needed_otherwise() {
    let gateway = gateway(&[("key-auth", json!({})), ("basic-auth", json!({}))]).await;
    let basic = format!("Basic {}", STANDARD.encode("al:open:sesame"));
    assert_eq!(gateway.get("/").header("apikey", "alices").send().await.status, 401);
    let both = gateway.get("/").header("apikey", "guests").header("authorization", &basic);
    assert_eq!(both.send().await.json()["headers"]["x-consumer-username"], "alice");
}

#[tokio::test]
async fn a_password_is_checked_and_hidden() {
    let gateway = gateway(&[("basic-auth", json!({ "hide_credentials": true }))]).await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let reply = gateway.get("/").send().await;
    let realm = r#"Basic realm="service""#;
    assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, realm));
    for wrong in ["al:wrong", "nobody:open:sesame", "al"] {
        let reply = gateway.get("/").header("authorization", basic(wrong)).send().await;
        assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (401, "Unauthorized"));
    }
    for header in ["authorization", "proxy-authorization"] {
        let seen = gateway.get("/").header(header, basic("al:open:sesame")).send().await.json();
        assert_eq!(seen["headers"]["x-credential-identifier"], "al");
        assert!(seen["headers"].get(header).is_none());
    }
}

fn token(header: &Value, claims: &Value, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let code = code.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(code))
}

#[tokio::test]
async fn a_token_is_looked_for_and_verified() {
    let config = json!({ "cookie_names": ["session"], "claims_to_verify": ["exp", "nbf"] });
    let gateway = gateway(&[("jwt", config)]).await;
    let header = json!({ "typ": "JWT", "alg": "HS256" });
    let good =
        token(&header, &json!({ "iss": "issuer", "exp": 9_999_999_999u64, "nbf": 1 }), "shared");
    for call in [
        gateway.get("/").header("authorization", format!("Bearer {good}")),
        gateway.get(&format!("/?jwt={good}")),
        gateway.get("/").header("cookie", format!("a=b; session={good}")),
    ] {
        let seen = call.send().await.json();
        assert_eq!(seen["headers"]["x-consumer-username"], "alice", "{seen}");
        assert_eq!(seen["headers"]["x-credential-identifier"], "issuer");
    }
    let claims = |claims: Value| token(&header, &claims, "shared");
    for (token, expected) in [
        ("x.y".to_owned(), json!({ "message": "Bad token; invalid JSON" })),
        (
            token(&json!({ "alg": "none" }), &json!({}), "shared"),
            json!({ "message": "Bad token; invalid alg" }),
        ),
        (claims(json!({})), json!({ "message": "No mandatory 'iss' in claims" })),
        (claims(json!({ "iss": "" })), json!({ "message": "Invalid 'iss' in claims" })),
        (
            claims(json!({ "iss": "nobody" })),
            json!({ "message": "No credentials found for given 'iss'" }),
        ),
        (claims(json!({ "iss": "rsa" })), json!({ "message": "Invalid algorithm" })),
        (
            token(&header, &json!({ "iss": "issuer" }), "guess"),
            json!({ "message": "Invalid signature" }),
        ),
        (
            claims(json!({ "iss": "issuer", "exp": 1 })),
            json!({ "exp": "token expired", "nbf": "must be a number" }),
        ),
    ] {
        let reply =
            gateway.get("/").header("authorization", format!("Bearer {token}")).send().await;
        assert_eq!((reply.status.as_u16(), reply.json()), (401, expected));
        assert_eq!(reply.header("www-authenticate"), r#"Bearer error="invalid_token""#);
    }
    let reply = gateway.get("/").send().await;
    assert_eq!(
        (message(&reply).as_str(), reply.header("www-authenticate")),
        ("Unauthorized", "Bearer")
    );
    let two = format!("/?jwt={good}&jwt={}", claims(json!({ "iss": "issuer" })));
    assert_eq!(message(&gateway.get(&two).send().await), "Multiple tokens provided");
}

#[tokio::test]
async fn a_token_that_lives_too_long_is_refused() {
    let config = json!({ "claims_to_verify": ["exp"], "maximum_expiration": 100 });
    let gateway = gateway(&[("jwt", config)]).await;
    let claims = json!({ "iss": "issuer", "exp": 9_999_999_999u64 });
    let token = token(&json!({ "alg": "HS256" }), &claims, "shared");
    let reply = gateway.get(&format!("/?jwt={token}")).send().await;
    assert_eq!(reply.json(), json!({ "exp": "exceeds maximum allowed expiration" }));
}

#[tokio::test]
async fn a_token_is_verified_with_a_public_key() {
    let gateway = gateway(&[("jwt", json!({}))]).await;
    let seen = gateway.get(&format!("/?jwt={RS256_TOKEN}")).send().await;
    assert_eq!(seen.json()["headers"]["x-credential-identifier"], "rsa", "{}", seen.text());
    let (signed, _) = RS256_TOKEN.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([7; 256]));
    let reply = gateway.get(&format!("/?jwt={forged}")).send().await;
    assert_eq!(message(&reply), "Invalid signature");
}

fn signed(lines: &str, headers: &str) -> String {
    let code = Hmac::<Sha256>::new_from_slice(b"shared").unwrap();
    let code = STANDARD.encode(code.chain_update(lines).finalize().into_bytes());
    format!(
        r#"hmac username="al", algorithm="hmac-sha256", headers="{headers}", signature="{code}""#
    )
}

#[tokio::test]
async fn a_signed_request_is_verified() {
    let config = json!({ "validate_request_body": true, "enforce_headers": ["date"] });
    let gateway = gateway(&[("hmac-auth", config)]).await;
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let good = signed(&format!("date: {date}\nPOST /p?q=1 HTTP/1.1"), "date request-line");
    let digest = format!("SHA-256={}", STANDARD.encode(Sha256::digest("body")));
    let call = |authorization: &str, date: &str, digest: &str, body: &'static str| {
        let call = gateway.call(Method::POST, "/p?q=1").header("authorization", authorization);
        call.header("date", date).header("digest", digest).body(body).send()
    };
    let reply = call(&good, &date, &digest, "body").await;
    assert_eq!(reply.json()["headers"]["x-consumer-username"], "alice", "{}", reply.text());
    assert_eq!(reply.json()["body"], "body");
    let unsigned = signed("POST /p?q=1 HTTP/1.1", "request-line");
    for (reply, expected) in [
        (call(&good, &date, &digest, "other").await, "HMAC signature does not match"),
        (
            call(&good.replace("al\"", "nobody\""), &date, &digest, "body").await,
            "HMAC signature cannot be verified",
        ),
        (call(&unsigned, &date, &digest, "body").await, "HMAC signature cannot be verified"),
        (
            call(&good.replace("signature=\"", "signature=\"A"), &date, &digest, "body").await,
            "HMAC signature does not match",
        ),
        (
            call(&good, "Tue, 15 Nov 1994 08:12:31 GMT", &digest, "body").await,
            "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication",
        ),
        (gateway.get("/").send().await, "Unauthorized"),
    ] {
        assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (401, expected));
        assert_eq!(reply.header("www-authenticate"), "hmac");
    }
}

#[tokio::test]
async fn groups_say_who_may_call() {
    let closed = gateway(&[("key-auth", json!({})), ("acl", json!({ "allow": ["admin"] }))]).await;
    let seen = closed.get("/").header("apikey", "alices").send().await.json();
    let groups = seen["headers"]["x-consumer-groups"].as_str().unwrap();
    assert!(groups == "admin, staff" || groups == "staff, admin", "{groups}");
    let reply = closed.get("/").header("apikey", "guests").send().await;
    let refused = "You cannot consume this service";
    assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (403, refused));
    let config = json!({ "deny": ["admin"], "hide_groups_header": true });
    let open = gateway(&[("key-auth", json!({ "anonymous": "guest" })), ("acl", config)]).await;
    let reply = open.get("/").header("apikey", "alices").send().await;
    assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (403, refused));
    let seen = open.get("/").send().await.json();
    assert!(seen["headers"].get("x-consumer-groups").is_none(), "{seen}");
    let unknown = gateway(&[("acl", json!({ "allow": ["admin"] }))]).await;
    assert_eq!(unknown.get("/").send().await.status, 401);
}

#[tokio::test]
async fn functions_say_who_calls_and_find_consumers() {
    let source = "local alice = kong.client.load_consumer('alice', true)
                  assert(kong.client.load_consumer(alice.id).username == 'alice')
                  assert(kong.client.load_consumer('nobody', true) == nil)
                  kong.client.authenticate(alice, { id = 'of a function' })";
    let gateway = gateway(&[
        ("pre-function", json!({ "access": [source] })),
        ("acl", json!({ "allow": ["staff"] })),
    ])
    .await;
    let seen = gateway.get("/").send().await;
    assert!(seen.json()["headers"]["x-consumer-groups"].is_string(), "{}", seen.text());
}

#[tokio::test]
async fn a_plugin_for_a_consumer_stands_in_kongs_order() {
    let upstream = echo_upstream().await;
    let limit = |minute: u32, consumer: Option<&str>| {
        let mut plugin = json!({ "name": "rate-limiting", "config": { "minute": minute } });
        consumer.into_iter().for_each(|consumer| plugin["consumer"] = consumer.into());
        plugin
    };
    let mut of_both = limit(40, None);
    of_both["service"] = "s".into();
    let file = json!({
        "_format_version": "3.0",
        "consumers": [
            { "username": "alice", "keyauth_credentials": [{ "key": "alices" }] },
            { "username": "bob", "keyauth_credentials": [{ "key": "bobs" }] },
        ],
        "services": [{
            "name": "s",
            "url": format!("http://{upstream}"),
            "routes": [
                { "name": "a", "paths": ["/a"], "plugins": [limit(10, None)] },
                { "name": "b", "paths": ["/b"], "plugins": [limit(20, Some("alice"))] },
                { "name": "c", "paths": ["/c"] },
                { "name": "d", "paths": ["/d"], "plugins": [of_both] },
            ],
        }],
        "plugins": [
            { "name": "key-auth" },
            limit(30, Some("alice")),
            limit(50, None),
        ],
    });
    let gateway = Gateway::of_file(&file.to_string());
    for (path, key, expected) in [
        // One for the consumer comes before one for the route.
        ("/a", "alices", "30"),
        ("/a", "bobs", "10"),
        ("/b", "alices", "20"),
        ("/b", "bobs", "50"),
        ("/c", "alices", "30"),
        ("/c", "bobs", "50"),
        // And after one for route and service.
        ("/d", "alices", "40"),
    ] {
        let reply = gateway.get(path).header("apikey", key).send().await;
        assert_eq!(reply.header("x-ratelimit-limit-minute"), expected, "{path} {key}");
    }
}

const PUBLIC_KEY: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA80mQBjLuuF5T7hCuDlvY
VY3rfFnJT4MEkWSPNcZ3jIUO4qj89UhVeOr8cBLMOrN0otbR0DfJM2H2V717Zq3C
O5FlYh0/eZ6IalU4/DD1CHQtyrFLG22c133Ccs+Hofet/S+6uU0XH0kGlWRSCtbE
FVJb8Nw0zWs3n3GBMz3f5Mn2MSWjfWz6DTK/Ynhsjy//NwVPRdN/t0faU5SZE7V0
WYuC0DFNsNmO/WKlAOOxkMQpA76MY3xa9MP3BiSco+4kXwKUDPRi1gkO3WXV68IA
wY14BkYzplVnSZwMFrbZQhJTYCllh/Nw9ice9ud+7wW8BigfVVLMsF5fYzICo4Ry
BwIDAQAB
-----END PUBLIC KEY-----
";

/// `{"alg":"RS256"}` and `{"iss":"rsa"}`, signed with the private key that goes with it.
const RS256_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJyc2EifQ.6LjFROQDoUusuqJRdFLApXuW2N5O7lRwZjev9bKPej9_NpMKI2FjWJd4Lt6bccBsecOkgZMhQXrs3QlJAxCU8_6hlWrY603p3U-eQKCUCJDf633nflInCsRBSj6n8n60sv4ePnWM96042fNBMH00_at_UR0jIGXT_EJSij5Uc60OuVMkvWIgitnVYk3XPf3LHgua-pUBnf_ke1CpgHQ95t5OEASMfkt0NUER85zN1KohwNQ5p5u130gXbs1Oixcqx3DIY4Fba8BjGnwPojnc6ScS-ah2JAKk5wS1b2OFwl5nyP0-BIujlYr532v-5cVGMKJax7K3yYoSawCdkBB3Kw";
