//! Functions that call other services.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path, RawQuery, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::Method;
use serde_json::json;

use super::{before, plugin, start};
use crate::support::{Gateway, echo_upstream, serve, unused_addr};

/// The function `name` before a service that tells what it was asked, with `dict` of a megabyte.
async fn before_echo(name: &str, dict: &str, replacements: &[(&str, &str)]) -> Gateway {
    let start = start(&plugin(name, replacements), echo_upstream().await, "/");
    start.arg("--shared-dict").arg(format!("{dict}=1m")).serving()
}

/// A counter, and what counts one more with it.
fn counter() -> (Arc<AtomicUsize>, impl Fn() -> usize + Clone + Send + Sync + 'static) {
    let count = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&count);
    (count, move || counted.fetch_add(1, Ordering::Relaxed) + 1)
}

#[tokio::test]
async fn an_opaque_token_is_introspected_once_a_minute() {
    let (count, counted) = counter();
    let introspect = move |body: String| async move {
        counted();
        let active = body.contains("token=good");
        Json(json!({ "active": active, "sub": "ada", "scope": "read write" }))
    };
    let server = serve(Router::new().route("/oauth2/introspect", post(introspect))).await;
    let url = ("https://id.example.com", &*format!("http://{server}"));
    let gateway = before_echo("token-introspection", "tokens", &[url]).await;
    let with = |token: &str| gateway.get("/").header("authorization", format!("Bearer {token}"));
    for _ in 0..3 {
        let seen = with("good").send().await.json();
        assert_eq!(seen["headers"]["x-subject"], "ada");
        assert_eq!(seen["headers"]["x-scope"], "read write");
        assert!(seen["headers"].get("authorization").is_none());
        let refused = with("bad").send().await;
        assert_eq!(refused.status, 401);
        assert_eq!(refused.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
    assert_eq!(gateway.get("/").send().await.json()["message"], "No token");

    let nobody = format!("http://{}", unused_addr());
    let replaced = [("https://id.example.com", &*nobody)];
    let gateway = before_echo("token-introspection", "tokens", &replaced).await;
    let call = gateway.get("/").header("authorization", "Bearer good");
    assert_eq!(call.send().await.status, 503);
}

#[tokio::test]
async fn another_service_says_who_may_and_is_not_waited_for_long() {
    let check = |headers: HeaderMap| async move {
        let of = |name: &str| headers.get(name).map_or("", |v| v.to_str().unwrap());
        match (of("x-original-method"), of("x-original-uri")) {
            ("GET", "/mine?a=1") => [("x-user", "ada")].into_response(),
            (_, "/late") => {
                tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
                StatusCode::OK.into_response()
            }
            (_, "/broken") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            _ => (StatusCode::FORBIDDEN, "not yours").into_response(),
        }
    };
    let server = serve(Router::new().route("/check", any(check))).await;
    let replaced = [("auth.internal:8080", &*server.to_string())];
    let gateway = before_echo("external-auth", "unused", &replaced).await;
    let seen = gateway.get("/mine?a=1").send().await.json();
    assert_eq!(
        (&seen["headers"]["x-user"], &seen["headers"]["x-checked"]),
        (&"ada".into(), &"yes".into())
    );
    let refused = gateway.get("/yours").send().await;
    assert_eq!((refused.status.as_u16(), &*refused.text()), (403, "not yours"));
    for path in ["/late", "/broken"] {
        let seen = gateway.get(path).send().await.json();
        assert_eq!(seen["headers"]["x-checked"], "no", "{path}");
    }
}

#[tokio::test]
async fn the_issuers_keys_are_fetched_once() {
    let (count, counted) = counter();
    let jwks = super::cryptography::jwks();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let discovery = Json(json!({ "jwks_uri": format!("{issuer}/keys") }));
    let keys = move || {
        counted();
        std::future::ready(Json(jwks.clone()))
    };
    let app = Router::new()
        .route("/.well-known/openid-configuration", get(|| std::future::ready(discovery)))
        .route("/keys", get(keys));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let fetched_from = format!("(\"{issuer}/.well-known");
    let replaced =
        [("(ISSUER .. \"/.well-known", &*fetched_from), ("AGAIN = 3600, 10", "AGAIN = 3600, 0")];
    let gateway = before_echo("oidc-jwks", "unused", &replaced).await;
    let with = |token: &str| gateway.get("/").header("authorization", format!("Bearer {token}"));
    for _ in 0..3 {
        let seen = with(super::cryptography::TOKEN).send().await.json();
        assert_eq!(seen["headers"]["x-subject"], "ada");
    }
    assert_eq!(
        with(super::cryptography::OLD).send().await.json()["message"],
        "The token is not valid"
    );
    assert_eq!(count.load(Ordering::Relaxed), 1);
    // A key that nobody knows may be a new one.
    let other = with("eyJhbGciOiJSUzI1NiIsImtpZCI6Im90aGVyIn0.e30.AAAA").send().await;
    assert_eq!(other.json()["message"], "Unknown key");
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_audit_is_sent_when_the_client_has_its_answer() {
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let collect = move |Json(event): Json<serde_json::Value>| {
        sender.send(event).unwrap();
        std::future::ready(())
    };
    let server = serve(Router::new().route("/events", post(collect))).await;
    let replaced = [("audit.internal:9200", &*server.to_string())];
    let gateway = before_echo("audit-log", "unused", &replaced).await;
    gateway.get("/seen").send().await;
    let call = gateway.call(Method::DELETE, "/orders/7").header("x-user", "ada");
    assert_eq!(call.send().await.status, 200);
    let event = events.recv().await.unwrap();
    assert_eq!((&event["who"], &event["did"]), (&"ada".into(), &"DELETE /orders/7".into()));
    assert_eq!(event["status"], 200);
}

#[tokio::test]
async fn a_webhook_goes_to_all_at_once() {
    // Each of the two waits until the other has it, too.
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let receiver = |status: StatusCode| {
        let barrier = Arc::clone(&barrier);
        serve(Router::new().route(
            "/hooks",
            post(move |body: String| async move {
                assert_eq!(body, "an event");
                barrier.wait().await;
                status
            }),
        ))
    };
    let (billing, search) = (receiver(StatusCode::OK).await, receiver(StatusCode::CONFLICT).await);
    let replaced = [
        ("billing.internal", &*billing.to_string()),
        ("search.internal", &*search.to_string()),
        ("archive.internal", &*unused_addr().to_string()),
    ];
    let gateway = before_echo("webhook-fanout", "unused", &replaced).await;
    let reply = gateway.call(Method::POST, "/").body("an event").send().await;
    assert_eq!(reply.status, 202);
    let expected = json!({ "billing": 200, "search": 409, "archive": "connection refused" });
    assert_eq!(reply.json(), json!({ "delivered": 1, "results": expected }));
}

#[tokio::test]
async fn two_services_are_asked_at_once() {
    let barrier = Arc::new(tokio::sync::Barrier::new(2));
    let server = |text: &'static str| {
        let barrier = Arc::clone(&barrier);
        serve(Router::new().route(
            "/users/{name}",
            get(move |Path(name): Path<String>| async move {
                barrier.wait().await;
                format!("{text} {name}")
            }),
        ))
    };
    let (profiles, quotas) = (server("profile of").await, server("quota of").await);
    let replaced =
        [("profiles.internal", &*profiles.to_string()), ("quotas.internal", &*quotas.to_string())];
    let gateway = before_echo("enrich-request", "unused", &replaced).await;
    let seen = gateway.get("/").header("x-user", "ada b").send().await.json();
    assert_eq!(seen["headers"]["x-quota"], "quota of ada b");
    assert_eq!(seen["headers"]["x-profile"], "cHJvZmlsZSBvZiBhZGEgYg==");
}

#[tokio::test]
async fn a_service_that_fails_is_left_alone_for_a_while() {
    let (count, counted) = counter();
    let fails = move || {
        let status = if counted() <= 3 { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
        std::future::ready(status)
    };
    let upstream = serve(Router::new().fallback(any(fails))).await;
    let breaker = start(&plugin("circuit-breaker", &[]), upstream, "/");
    let gateway = breaker.arg("--shared-dict").arg("breakers=1m").serving();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut seen = Vec::new();
    // The log phase, which counts, comes after the answer.
    while seen.last() != Some(&200) {
        assert!(std::time::Instant::now() < deadline, "{seen:?}");
        seen.push(gateway.get("/").send().await.status.as_u16());
    }
    seen.dedup();
    assert_eq!(seen, [502, 503, 200]);
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn the_next_versions_share_is_in_dns() {
    let (count, counted) = counter();
    let dns = dns_server(counted).await;
    let next = serve(Router::new().fallback(any(|| async { "next version" }))).await;
    for (weight, expected) in [("100", "next version"), ("0", "GET")] {
        let (dns_port, next_port) = (dns.port().to_string(), next.port().to_string());
        let record = format!("w{weight}.orders.internal");
        let replaced = [
            ("\"10.0.0.53\", 53", &*format!("\"127.0.0.1\", {dns_port}")),
            ("canary.orders.internal", &*record),
            ("\"orders-next.internal\", 8080", &*format!("\"127.0.0.1\", {next_port}")),
        ];
        let gateway = before_echo("dns-canary", "canary", &replaced).await;
        for _ in 0..2 {
            assert!(gateway.get("/").send().await.text().contains(expected));
        }
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

/// A server that answers with the text `weight=` and the number in the first label after its letter.
async fn dns_server(counted: impl Fn() -> usize + Send + 'static) -> SocketAddr {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            counted();
            let question = &buffer[..length];
            assert!(question.ends_with(b"\x06orders\x08internal\0\0\x10\0\x01"), "{question:?}");
            let label = usize::from(question[12]);
            let text = [b"weight=", &question[14..=12 + label]].concat();
            let mut answer = question.to_vec();
            (answer[2], answer[7]) = (0x81, 1);
            // A pointer to the name, TXT, IN, ten seconds.
            answer.extend(b"\xc0\x0c\0\x10\0\x01\0\0\0\x0a\0");
            answer.extend([text.len() as u8 + 1, text.len() as u8]);
            answer.extend(text);
            let _ = socket.send_to(&answer, from).await;
        }
    });
    addr
}

#[tokio::test]
async fn a_server_that_speaks_websocket_alone_is_asked() {
    let live = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut socket| async move {
            use axum::extract::ws::Message;
            let _ = socket.send(Message::Ping("x".into())).await;
            while let Some(Ok(message)) = socket.recv().await {
                if let Message::Text(item) = message {
                    let long = "9".repeat(200);
                    let _ = socket.send(Message::Text(format!("{item}: {long}").into())).await;
                }
            }
        })
    };
    let server = serve(Router::new().route("/live", any(live))).await;
    let address = format!("\"127.0.0.1\", {}", server.port());
    let replaced = [("\"prices.internal\", 8080", &*address)];
    let gateway = before_echo("websocket-client", "unused", &replaced).await;
    let price = gateway.get("/?item=tea").send().await.json()["price"].clone();
    assert_eq!(price, format!("tea: {}", "9".repeat(200)));
    let nobody = format!("\"127.0.0.1\", {}", unused_addr().port());
    let gateway = before_echo("websocket-client", "unused", &[(replaced[0].0, &nobody)]).await;
    assert_eq!(gateway.get("/?item=tea").send().await.status, 502);
}

#[tokio::test]
async fn a_service_that_fails_now_and_then_is_asked_again() {
    let (_, counted) = counter();
    let fails = move |Path(item): Path<String>| async move {
        match (&*item, counted()) {
            ("tea", 1) => (StatusCode::SERVICE_UNAVAILABLE, ""),
            ("tea", 2) => (StatusCode::TOO_MANY_REQUESTS, ""),
            ("tea", _) => (StatusCode::OK, "17"),
            _ => (StatusCode::BAD_GATEWAY, ""),
        }
    };
    let server = serve(Router::new().route("/items/{item}", get(fails))).await;
    let replaced = [("stock.internal", &*server.to_string())];
    let gateway = before_echo("retry-backoff", "unused", &replaced).await;
    let seen = gateway.get("/?item=tea").send().await.json();
    assert_eq!(
        (&seen["headers"]["x-stock"], &seen["headers"]["x-attempts"]),
        (&"17".into(), &"3".into())
    );
    let reply = gateway.get("/?item=coffee").send().await;
    assert_eq!(reply.json()["message"], "The stock does not answer");
}

#[tokio::test]
async fn a_body_has_more_to_it_than_its_service_knows() {
    let prices = |RawQuery(query): RawQuery| async move {
        assert_eq!(query.as_deref(), Some("names=tea%2Ccake"));
        Json(json!({ "tea": 3, "cake": 5 }))
    };
    let server = serve(Router::new().route("/of", get(prices))).await;
    let items = json!({ "items": [{ "name": "tea" }, { "name": "cake" }] });
    let upstream = serve(Router::new().fallback(any(move || async move { Json(items) }))).await;
    let enrich = plugin("enrich-response", &[("prices.internal", &server.to_string())]);
    let gateway = start(&enrich, upstream, "/").serving();
    let expected = json!([{ "name": "tea", "price": 3 }, { "name": "cake", "price": 5 }]);
    assert_eq!(gateway.get("/").send().await.json()["items"], expected);

    // Without prices it is what it was.
    let gateway = before("enrich-response", upstream);
    assert_eq!(
        gateway.get("/").send().await.json()["items"],
        json!([{ "name": "tea" }, { "name": "cake" }])
    );
}
