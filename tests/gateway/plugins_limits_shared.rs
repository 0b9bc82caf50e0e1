//! `rate-limiting` over several gateways: in redis, and in the database that they share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use crate::cluster::{eventually, over};
use crate::support::{Gateway, Postgres, Reply, Server, echo_upstream, with_plugins};

/// A redis, and a port on the way to it.
struct Redis {
    server: Server,
    addr: SocketAddr,
    /// Whether the port lets anybody pass.
    is_there: Arc<AtomicBool>,
}

impl Redis {
    async fn start() -> Option<Self> {
        Self::behind(None).await
    }

    /// The same, by TLS.
    async fn encrypted() -> Option<Self> {
        let own = rcgen::generate_simple_self_signed(["redis.test".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config =
            ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = config.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
        Self::behind(Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn behind(tls: Option<TlsAcceptor>) -> Option<Self> {
        let server = Server::redis()?;
        let socket = server.address().trim_start_matches("unix:").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let is_there = Arc::new(AtomicBool::new(true));
        let passes = Arc::clone(&is_there);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (socket, passes, tls) = (socket.clone(), Arc::clone(&passes), tls.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else { return join(client, &socket, &passes).await };
                    // Who does not believe the certificate leaves.
                    if let Ok(client) = tls.accept(client).await {
                        join(client, &socket, &passes).await;
                    }
                });
            }
        });
        Some(Self { server, addr, is_there })
    }

    fn leave(&self) {
        self.is_there.store(false, Ordering::SeqCst);
    }

    fn come_back(&self) {
        self.is_there.store(true, Ordering::SeqCst);
    }

    /// What redis answers to a line.
    async fn ask(&self, lines: &str) -> String {
        let path = self.server.address().trim_start_matches("unix:").to_owned();
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(format!("{lines}\r\nQUIT\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// A configuration with this redis, and `more` of it.
    fn limit(&self, limit: &Value, more: &Value) -> Value {
        let mut redis = json!({ "host": "127.0.0.1", "port": self.addr.port() });
        redis.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut config = json!({ "policy": "redis", "redis": redis });
        config.as_object_mut().unwrap().extend(limit.as_object().unwrap().clone());
        config
    }
}

/// Joins a client with redis until either leaves, or the way is closed.
async fn join<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, socket: &str, passes: &AtomicBool) {
    let mut redis = UnixStream::connect(socket).await.unwrap();
    let closed = async {
        while passes.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut redis) => {}
        () = closed => {}
    }
}

/// A gateway with one worker, and a limit on its route.
async fn gateway(config: &Value) -> Gateway {
    let file = with_plugins(echo_upstream().await, &[("rate-limiting", config.clone())]);
    Gateway::of_file(&file)
}

fn remaining(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.header("x-ratelimit-remaining-year").to_owned())
}

/// How the calls go that are made through both gateways in turn.
async fn alternate(gateways: &[Gateway; 2], count: usize) -> Vec<(u16, String)> {
    let mut seen = Vec::new();
    for turn in 0..count {
        seen.push(remaining(&gateways[turn % 2].get("/").send().await));
    }
    seen
}

/// How many of 40 calls pass that are made through both gateways at the same time.
async fn passed_at_once(gateways: &[Gateway; 2], path: &str) -> usize {
    let calls = (0..40).map(|turn| gateways[turn % 2].get(path).send());
    let replies = futures_util::future::join_all(calls).await;
    replies.iter().filter(|reply| reply.status == 200).count()
}

fn counted_down() -> Vec<(u16, String)> {
    let seen = [(200, "2"), (200, "1"), (200, "0"), (429, "0"), (429, "0")];
    seen.map(|(status, left)| (status, left.to_owned())).to_vec()
}

#[tokio::test]
async fn gateways_count_together_in_redis() {
    let Some(redis) = Redis::start().await else { return };
    let config = redis.limit(&json!({ "year": 3, "month": 3 }), &json!({}));
    // Both have the same file: the ids of what has a name are the same.
    let gateways = [gateway(&config).await, gateway(&config).await];
    assert_eq!(alternate(&gateways, 5).await, counted_down());
    let refused = gateways[0].get("/").send().await;
    assert_eq!(refused.text(), r#"{"message":"API rate limit exceeded"}"#);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=366 * 86_400).contains(&wait), "{wait}");
    for (name, value) in [
        ("x-ratelimit-limit-year", "3"),
        ("x-ratelimit-remaining-month", "0"),
        ("ratelimit-limit", "3"),
        ("ratelimit-reset", refused.header("retry-after")),
    ] {
        assert_eq!(refused.header(name), value, "{name}");
    }
    // Refused calls are not counted, and counts do not stay for ever.
    let keys = redis.ask("KEYS *").await;
    let keys: Vec<_> = keys.lines().filter(|line| line.starts_with("ratelimit:")).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        assert!(redis.ask(&format!("GET {key}")).await.contains("\r\n3\r\n"), "{key}");
        assert!(!redis.ask(&format!("TTL {key}")).await.starts_with(":-"), "{key}");
    }
}

#[tokio::test]
async fn no_more_pass_than_may_where_all_call_at_once() {
    let Some(redis) = Redis::start().await else { return };
    let config = redis.limit(&json!({ "year": 10 }), &json!({}));
    let gateways = [gateway(&config).await, gateway(&config).await];
    assert_eq!(passed_at_once(&gateways, "/").await, 10);
}

#[tokio::test]
async fn each_caller_and_each_route_has_a_count_of_its_own() {
    let Some(redis) = Redis::start().await else { return };
    let limit = json!({ "year": 1, "limit_by": "header", "header_name": "x-tenant" });
    let plugin = json!({ "name": "rate-limiting", "config": redis.limit(&limit, &json!({})) });
    let route = |name: &str| json!({ "name": name, "paths": [format!("/{name}")], "plugins": [plugin.clone()] });
    let file = json!({ "_format_version": "3.0", "services": [{
        "name": "service", "url": format!("http://{}", echo_upstream().await),
        "routes": [route("one"), route("two")],
    }] });
    let gateway = Gateway::of_file(&file.to_string());
    for path in ["/one", "/two"] {
        for tenant in ["ada", "grace"] {
            let call = || gateway.get(path).header("x-tenant", tenant).send();
            assert_eq!(call().await.status, 200, "{path} {tenant}");
            assert_eq!(call().await.status, 429, "{path} {tenant}");
        }
    }
}

#[tokio::test]
async fn a_redis_may_want_a_password_and_have_several_databases() {
    let Some(redis) = Redis::start().await else { return };
    redis.ask("CONFIG SET requirepass open-sesame").await;
    // As files for Kong before 3.6 have it.
    let config = json!({
        "year": 9, "policy": "redis", "redis_host": "127.0.0.1", "redis_port": redis.addr.port(),
        "redis_password": "open-sesame", "redis_database": 3, "redis_timeout": 5000,
    });
    assert_eq!(remaining(&gateway(&config).await.get("/").send().await), (200, "8".to_owned()));
    let sizes = redis.ask("AUTH open-sesame\r\nDBSIZE\r\nSELECT 3\r\nDBSIZE").await;
    assert_eq!(sizes, "+OK\r\n:0\r\n+OK\r\n:1\r\n+OK\r\n");
    let wrong = redis.limit(&json!({ "year": 9 }), &json!({ "password": "wrong" }));
    let gateway = gateway(&wrong).await;
    assert_eq!(gateway.get("/").send().await.status, 200);
    gateway.logged("requests are not counted: redis at 127.0.0.1");
}

#[tokio::test]
async fn a_redis_is_reached_by_tls() {
    let Some(redis) = Redis::encrypted().await else { return };
    let tls =
        |verify: bool| json!({ "ssl": true, "ssl_verify": verify, "server_name": "redis.test" });
    let trusting = gateway(&redis.limit(&json!({ "year": 9 }), &tls(false))).await;
    assert_eq!(remaining(&trusting.get("/").send().await), (200, "8".to_owned()));
    let verifying = gateway(&redis.limit(&json!({ "year": 9 }), &tls(true))).await;
    assert_eq!(remaining(&verifying.get("/").send().await), (200, String::new()));
    verifying.logged("certificate");
}

#[tokio::test]
async fn nobody_is_refused_while_redis_is_away_unless_that_is_a_fault() {
    let Some(redis) = Redis::start().await else { return };
    let tolerant = gateway(&redis.limit(&json!({ "year": 9 }), &json!({}))).await;
    let strict = json!({ "year": 9, "fault_tolerant": false });
    let strict = gateway(&redis.limit(&strict, &json!({}))).await;
    assert_eq!(remaining(&tolerant.get("/").send().await), (200, "8".to_owned()));
    redis.leave();
    let passed = eventually(
        async || tolerant.get("/").send().await,
        |reply| !reply.headers.contains_key("ratelimit-limit"),
    );
    assert_eq!(passed.await.status, 200);
    let refused = strict.get("/").send().await;
    assert_eq!(refused.status, 500);
    assert_eq!(refused.json()["message"], "An unexpected error occurred");
    redis.come_back();
    let counted = eventually(
        async || strict.get("/").send().await,
        |reply| reply.headers.contains_key("ratelimit-limit"),
    );
    assert_eq!(counted.await.status, 200);
}

#[tokio::test]
async fn gateways_may_tell_redis_at_intervals() {
    let Some(redis) = Redis::start().await else { return };
    let config = redis.limit(&json!({ "year": 1000, "sync_rate": 0.05 }), &json!({}));
    let [first, second] = [gateway(&config).await, gateway(&config).await];
    for left in ["999", "998", "997"] {
        assert_eq!(remaining(&first.get("/").send().await), (200, left.to_owned()));
    }
    let mut calls = 0;
    let sees_all = async || {
        calls += 1;
        let reply = second.get("/").send().await;
        let left: u64 = remaining(&reply).1.parse().unwrap();
        1000 - left - calls
    };
    assert_eq!(eventually(sees_all, |of_first| *of_first >= 3).await, 3);
}

#[tokio::test]
async fn gateways_count_together_in_their_database() {
    let Some(mut postgres) = Postgres::start() else { return };
    let gateways = [over(&postgres.url()).serving(), over(&postgres.url()).serving()];
    let service = json!({ "name": "service", "url": format!("http://{}", echo_upstream().await) });
    gateways[0].post("/services", &service).await;
    gateways[0].post("/services/service/routes", &json!({ "paths": ["/"] })).await;
    let config = json!({ "year": 3, "policy": "cluster" });
    let plugin = json!({ "name": "rate-limiting", "config": config });
    gateways[0].post("/plugins", &plugin).await;
    let has_it = async || gateways[1].admin("/plugins").send().await.json();
    eventually(has_it, |list| list["data"].as_array().unwrap().len() == 1).await;
    assert_eq!(alternate(&gateways, 5).await, counted_down());
    let other = json!({ "name": "other", "paths": ["/other"], "service": { "name": "service" } });
    gateways[0].post("/routes", &other).await;
    let config = json!({ "year": 10, "policy": "cluster" });
    let plugin = json!({ "name": "rate-limiting", "config": config });
    gateways[0].post("/routes/other/plugins", &plugin).await;
    eventually(has_it, |list| list["data"].as_array().unwrap().len() == 2).await;
    assert_eq!(passed_at_once(&gateways, "/other").await, 10);
    // A database that is away counts nothing.
    postgres.stop();
    let passed = eventually(
        async || gateways[0].get("/").send().await,
        |reply| !reply.headers.contains_key("ratelimit-limit"),
    );
    assert_eq!(passed.await.status, 200);
    postgres.start_again();
    let counted = eventually(
        async || gateways[1].get("/").send().await,
        |reply| reply.headers.contains_key("ratelimit-limit"),
    );
    assert_eq!(counted.await.status, 200);
}

#[tokio::test]
async fn who_counts_in_redis_says_where_it_is() {
    let plugin = json!({ "name": "rate-limiting", "config": { "year": 1, "policy": "redis" } });
    let reply = Gateway::empty().post("/plugins", &plugin).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("'config.redis.host' is required"), "{}", reply.text());
}
