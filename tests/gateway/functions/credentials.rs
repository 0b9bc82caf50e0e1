//! Who may pass.

use axum::Router;
use axum::routing::get;
use http::header::SET_COOKIE;

use super::{before, before_echo};
use crate::support::serve;

/// Made elsewhere, with the function's secret: subject `ada`, expiry in the year 2100.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.tWkDWKmZc1Mv66ChRQmWf44hT9AsjJlFxAUSDwngyIo";

#[tokio::test]
async fn a_token_is_checked_and_its_subject_named() {
    let gateway = before_echo("jwt-hs256").await;
    let with = |token: String| gateway.get("/").header("authorization", format!("Bearer {token}"));
    let seen = with(TOKEN.to_owned()).send().await.json();
    assert_eq!(seen["headers"]["x-subject"], "ada");
    assert!(seen["headers"].get("authorization").is_none());

    let (head, signature) = TOKEN.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.replace(&signature[..4], "AAAA"));
    let reply = with(forged).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(reply.json()["message"], "Wrong signature");
    assert_eq!(with("e30.e30.e30".to_owned()).send().await.json()["message"], "Wrong algorithm");
    assert_eq!(gateway.get("/").send().await.json()["message"], "No token");
}

#[tokio::test]
async fn a_token_that_is_over_is_refused() {
    let gateway = before_echo("jwt-hs256").await;
    let call = gateway.get("/").header("authorization", "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZGEiLCJleHAiOjEwMDAwMDAwMDB9.6IPJ3Yy1nM70BdVo-XCrU4lDe8B-5Cl9Y2hqQ8PDGBE");
    assert_eq!(call.send().await.json()["message"], "Expired");
}

#[tokio::test]
async fn a_claim_of_an_unpadded_token_becomes_a_header() {
    let gateway = before_echo("jwt-claim").await;
    let call = gateway.get("/").header("authorization", "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0ZW5hbnQiOiJhY21lIiwic3ViIjoiYSJ9.Wed8YAQ8fGOHIkFqyYDkV4uICpKOpy83OxHawmmTti8");
    assert_eq!(call.send().await.json()["headers"]["x-tenant"], "acme");
    let other = gateway.get("/").header("authorization", "Bearer nothing").send().await.json();
    assert!(other["headers"].get("x-tenant").is_none());
}

#[tokio::test]
async fn users_with_the_right_password_pass() {
    let gateway = before_echo("basic-auth").await;
    let seen = gateway.get("/").header("authorization", "Basic YWRhOmFuYWx5dGljYWw=").send().await;
    assert_eq!(seen.json()["headers"]["x-user"], "ada");
    for wrong in ["Basic YWRhOndyb25n", "Basic !", "Bearer x"] {
        let reply = gateway.get("/").header("authorization", wrong).send().await;
        assert_eq!(reply.status, 401, "{wrong}");
        assert_eq!(reply.header("www-authenticate"), r#"Basic realm="gateway""#);
    }
}

#[tokio::test]
async fn a_webhook_passes_with_the_signature_of_its_body() {
    let gateway = before_echo("webhook-signature").await;
    let post = |signature: &str| {
        let call = gateway.call(http::Method::POST, "/").header("x-hub-signature-256", signature);
        call.body(r#"{"event":"push"}"#)
    };
    let reply = post("sha256=493db758cb288b3801a0084bcdd27bd565ca0fb9b0a149404d2b4442c9d79bcd")
        .send()
        .await;
    assert_eq!(reply.json()["body"], r#"{"event":"push"}"#);
    assert_eq!(post("sha256=00").send().await.status, 403);
}

#[tokio::test]
async fn clients_are_known_by_their_networks() {
    let file = super::plugin("allow-networks", &[]);
    let start = super::start(file, crate::support::echo_upstream().await, "/");
    let gateway = start.arg("--trusted-ips").arg("127.0.0.1").serving();
    for (address, region) in [
        ("10.1.2.3", "office"),
        ("127.9.9.9", "here"),
        ("11.0.0.0", "elsewhere"),
        ("::1", "elsewhere"),
    ] {
        let reply = gateway.get("/").header("x-real-ip", address).send().await;
        assert_eq!(reply.json()["headers"]["x-region"], region, "{address}");
    }
    assert_eq!(gateway.get("/").header("x-real-ip", "192.0.2.255").send().await.status, 403);
}

#[tokio::test]
async fn cookies_are_signed_on_their_way_out_and_checked_on_their_way_in() {
    let app = Router::new()
        .route("/login", get(|| async { ([(SET_COOKIE, "session=ada; HttpOnly")], "welcome") }))
        .fallback_service(crate::support::echo());
    let gateway = before("signed-cookie", serve(app).await);
    let set = gateway.get("/login").send().await.header("set-cookie").to_owned();
    let cookie = set.strip_suffix("; HttpOnly").unwrap();
    assert!(cookie.starts_with("session=ada."), "{cookie}");

    let seen = gateway.get("/").header("cookie", cookie).send().await.json();
    assert_eq!(seen["headers"]["cookie"], "session=ada");
    let tampered = cookie.replace("ada", "grace");
    assert_eq!(gateway.get("/").header("cookie", tampered).send().await.status, 400);
}

#[tokio::test]
async fn what_goes_to_the_service_is_signed() {
    let gateway = before_echo("sign-upstream").await;
    let seen = gateway.call(http::Method::POST, "/orders").body("hello").send().await.json();
    let header = |name: &str| seen["headers"][name].as_str().unwrap().to_owned();
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(header("x-content-sha256"), digest);
    assert!(header("x-date").ends_with(" GMT"));
    assert_eq!(header("x-signature").len(), 44);
}
