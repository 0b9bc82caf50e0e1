//! Functions that keep things in redis.

use http::Method;
use http::header::SET_COOKIE;

use super::{before_echo, plugin, start};
use crate::support::{Gateway, Server, echo_upstream};

/// The function `name`, whose redis is `server`.
async fn over(server: &Server, name: &str) -> Gateway {
    let address = format!("\"{}\"", server.address());
    let plugin = plugin(name, &[("\"redis.internal\", 6379", &address)]);
    start(&plugin, echo_upstream().await, "/").serving()
}

#[tokio::test]
async fn calls_are_counted_for_all_gateways_together() {
    let Some(server) = Server::redis() else { return };
    // Two calls may fall into two minutes: the user's calls of one are counted.
    let gateways =
        [over(&server, "redis-rate-limit").await, over(&server, "redis-rate-limit").await];
    let call = async |turn: usize, user: &str| {
        gateways[turn % 2].get("/").header("x-user", user).send().await
    };
    let mut remaining = Vec::new();
    let mut turn = 0;
    while remaining.last().map(String::as_str) != Some("refused") {
        assert!(turn < 20, "{remaining:?}");
        let reply = call(turn, "ada").await;
        let is_refused = reply.status == 429;
        let left = if is_refused { "refused" } else { reply.header("x-ratelimit-remaining") };
        remaining.push(left.to_owned());
        turn += 1;
    }
    assert!(remaining.ends_with(&["2", "1", "0", "refused"].map(str::to_owned)), "{remaining:?}");
    assert_eq!(call(0, "grace").await.status, 200);
}

#[tokio::test]
async fn nobody_is_turned_away_when_nobody_counts() {
    let nowhere = [("\"redis.internal\", 6379", "\"unix:/nowhere/redis\"")];
    let gateway =
        start(&plugin("redis-rate-limit", &nowhere), echo_upstream().await, "/").serving();
    assert_eq!(gateway.get("/").send().await.status, 200);
    gateway.logged("cannot count: ");
}

#[tokio::test]
async fn a_session_lives_until_its_end() {
    let Some(server) = Server::redis() else { return };
    let gateway = over(&server, "redis-session").await;
    assert_eq!(gateway.get("/").send().await.status, 401);
    let login = gateway.call(Method::POST, "/login").header("x-authenticated-user", "ada");
    let login = login.send().await;
    assert_eq!(login.status, 204);
    let cookie = login.header(SET_COOKIE.as_str()).split(';').next().unwrap().to_owned();
    let with = |path: &str| gateway.get(path).header("cookie", &cookie);
    for _ in 0..2 {
        assert_eq!(with("/").send().await.json()["headers"]["x-user"], "ada");
    }
    assert_eq!(with("/logout").send().await.status, 204);
    assert_eq!(with("/").send().await.status, 401);
    let gateway = before_echo("redis-session").await;
    assert_eq!(gateway.get("/").send().await.status, 503);
}
