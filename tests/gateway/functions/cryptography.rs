//! Tokens, signatures and sessions.

use http::Method;
use http::header::SET_COOKIE;

use super::{before_echo, plugin};

/// By the program `openssl`, with the key of the examples: for `ada`, until the year 2100, and until
/// the year 2001.
pub(super) const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImZpcnN0In0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiYXVkIjoib3JkZXJzIiwic3ViIjoiYWRhIiwiZXhwIjo0MTAyNDQ0ODAwfQ.KW3HIXZEGo8M4H5pnoQVTIlKazcKgsGfzAFk7hGYnlPT9duy-W15DBDPLvfs0QijPyJdKUjbPCCo3-eTpC31Dzz4XWxBHZR86n7LypT6UQ72c7CLY9O1uYiC9tckyjELFoDnvSVtlNoThHiiMm59Kihxc-0SxTt7qg_yCah_3bNwai-HNXJUq7BHtoSPCaR7T33NDIGAgLX7BGy4ql6yEV796cDp9sIpYKUxBjsa0IwAhUEPOHlTRMTlmmdlS23BrLckemuYLkv3VN9UWQ_kv0-_WIhgkiE6tqELlIwc6aiO2_KACnCMR3vJgajGQOpEKD1W1rVqAY41siV7WDlXiQ";
pub(super) const OLD: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImZpcnN0In0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiYXVkIjoib3JkZXJzIiwic3ViIjoiYWRhIiwiZXhwIjoxMDAwMDAwMDAwfQ.LYI7I_703wD0B8DAvirDbqrSemiHNNX2x97bKVEhOoyhYX48s0aykal1To4HzphW_krkqqHOBniQfuQai2_x-F3nc5vhasjj2vMxBaxfcndP6UC1tNVYfPqFr4l7G9Uyd9lunZ1Uyg1PoQmo9XvHMMBcZPAevDLf2RYDmWBUgG3Q3YLD7HMVJMsXWF_2oNDrW-v5ok83xk8pPX2_ls2ydsn8PyDEwMOmikugxOjePZdiaOZj1IAnQPqBrx0V2me6_EMb6i7IzeXCOYxDejx2fxPOl076StoYZ9x-lnm6bUiwsmr6ACJrpUICW4x3EhaJ0sVLP0iaEnpFyXPmf1wdrQ";

/// The set of keys that has the key of the examples, as an issuer has it at its `jwks_uri`.
pub(super) fn jwks() -> serde_json::Value {
    let plugin = plugin("oidc-bearer", &[]);
    let source = plugin["config"]["access"][0].as_str().unwrap();
    let (_, rest) = source.split_once("[[").unwrap();
    let (keys, _) = rest.split_once("]]").unwrap();
    serde_json::from_str(keys).unwrap()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_token_that_another_system_has_signed_is_checked() {
    let gateway = before_echo("jwt-rs256").await;
    let with = |token: &str| gateway.get("/").header("authorization", bearer(token));
    let seen = with(TOKEN).send().await.json();
    assert_eq!(seen["headers"]["x-subject"], "ada");
    assert!(seen["headers"].get("authorization").is_none());

    let (head, signature) = TOKEN.rsplit_once('.').unwrap();
    let forged = format!("{head}.AAAA{}", &signature[4..]);
    for (token, message) in [
        (&*forged, "Invalid signature"),
        (OLD, "token expired"),
        ("nonsense", "Bad token: invalid JSON"),
        ("eyJhbGciOiJub25lIn0.e30.", "Bad token: invalid alg"),
    ] {
        let reply = with(token).send().await;
        assert_eq!((reply.status.as_u16(), &reply.json()["message"]), (401, &message.into()));
    }
    assert_eq!(gateway.get("/").send().await.json()["message"], "No token");
}

#[tokio::test]
async fn a_token_is_checked_with_the_key_of_the_set_that_it_names() {
    let gateway = before_echo("oidc-bearer").await;
    let with = |token: &str| gateway.get("/").header("authorization", bearer(token));
    assert_eq!(with(TOKEN).send().await.json()["headers"]["x-subject"], "ada");
    assert_eq!(with(OLD).send().await.json()["message"], "The token is not valid");
    let other = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im90aGVyIn0.e30.AAAA";
    let reply = with(other).send().await;
    assert_eq!(reply.json()["message"], "Unknown key");
    assert!(reply.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
    assert_eq!(with("x").send().await.json()["message"], "Not a token");
}

#[tokio::test]
async fn the_service_gets_a_signature_of_64_bytes() {
    let gateway = before_echo("sign-upstream-ecdsa").await;
    let seen = gateway.get("/orders").send().await.json();
    let signature = seen["headers"]["x-signature"].as_str().unwrap();
    assert_eq!(signature.len(), 86, "{signature}");
    assert!(seen["headers"]["x-signature-time"].as_str().unwrap().parse::<u64>().is_ok());
}

#[tokio::test]
async fn a_webhook_needs_the_code_of_its_body() {
    let gateway = before_echo("webhook-openssl").await;
    let with = |code: &str| {
        gateway
            .call(Method::POST, "/")
            .header("x-hub-signature-256", format!("sha256={code}"))
            .body("a message")
    };
    let code = "f07962e7e6300532fcbf66e5d34732ca5fc58463631371db49ffed38e7bc8efd";
    assert_eq!(with(code).send().await.status, 200);
    assert_eq!(with(&code.replace('a', "b")).send().await.status, 403);
    assert_eq!(gateway.call(Method::POST, "/").body("a message").send().await.status, 403);
}

#[tokio::test]
async fn a_session_is_counted_in_a_cookie_that_nobody_else_can_make() {
    let gateway = before_echo("session-cookie").await;
    let first = gateway.get("/").send().await;
    let cookie = first.header(SET_COOKIE.as_str()).split(';').next().unwrap().to_owned();
    assert_eq!(first.json()["headers"]["x-visits"], "1");
    let visits = |cookie: String| async {
        gateway.get("/").header("cookie", cookie).send().await.json()["headers"]["x-visits"].clone()
    };
    assert_eq!(visits(cookie.clone()).await, "2");
    let (name, value) = cookie.split_once('=').unwrap();
    let changed =
        format!("{name}={}{}", if value.starts_with('A') { 'B' } else { 'A' }, &value[1..]);
    assert_eq!(visits(changed).await, "1");
}
