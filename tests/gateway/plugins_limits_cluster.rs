//! `rate-limiting` in a cluster of redis.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::cluster::eventually;
use crate::support::{Gateway, Reply, Server, echo_upstream, with_plugins};

/// Two servers, each with half of the slots.
struct Cluster {
    servers: [Server; 2],
    ports: [u16; 2],
}

impl Cluster {
    async fn start() -> Option<Self> {
        let ports = free_ports();
        let [first, second] = [[ports[0], ports[1]], [ports[2], ports[3]]];
        let servers = [server(first)?, server(second)?];
        let cluster = Self { servers, ports: [first[0], second[0]] };
        cluster.ask(0, "CLUSTER ADDSLOTSRANGE 0 8191").await;
        cluster.ask(1, "CLUSTER ADDSLOTSRANGE 8192 16383").await;
        cluster.ask(0, &format!("CLUSTER MEET 127.0.0.1 {} {}", second[0], second[1])).await;
        for place in [0, 1] {
            let is_whole = |answer: &String| answer.contains("cluster_state:ok");
            eventually(async || cluster.ask(place, "CLUSTER INFO").await, is_whole).await;
        }
        Some(cluster)
    }

    /// What one of the servers answers to a line.
    async fn ask(&self, place: usize, line: &str) -> String {
        let path = self.servers[place].address().trim_start_matches("unix:").to_owned();
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(format!("{line}\r\nQUIT\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// How many counts there are on each server.
    async fn counts(&self) -> [usize; 2] {
        let mut counts = [0; 2];
        for (place, count) in counts.iter_mut().enumerate() {
            let keys = self.ask(place, "KEYS ratelimit:*").await;
            *count = keys.lines().filter(|line| line.starts_with("ratelimit:")).count();
        }
        counts
    }

    /// A limit that is counted there, by the servers that are named.
    fn limit(&self, servers: &[usize], more: Value) -> Value {
        let nodes: Vec<_> = servers
            .iter()
            .map(|&place| json!({ "ip": "127.0.0.1", "port": self.ports[place] }))
            .collect();
        let mut config = json!({
            "policy": "redis", "limit_by": "header", "header_name": "x-tenant",
            "redis": { "cluster_nodes": nodes, "timeout": 20_000 },
        });
        let Value::Object(more) = more else { panic!("no object: {more}") };
        config.as_object_mut().unwrap().extend(more);
        config
    }
}

/// A server that listens on a port for clients, and on one for its cluster.
fn server(ports: [u16; 2]) -> Option<Server> {
    let [port, cluster] = ports.map(|port| port.to_string());
    let ports = ["--port", &port, "--cluster-port", &cluster, "--bind", "127.0.0.1"];
    Server::redis_with(&[&ports[..], &["--cluster-enabled", "yes"]].concat())
}

/// Ports that nobody listens on. They are below those that Linux gives to who asks for any, so that nobody comes
/// by one before its server does.
fn free_ports() -> [u16; 4] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + std::process::id() % 5_000;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| {
        u16::try_from(first).unwrap() + NEXT.fetch_add(1, Ordering::Relaxed)
    });
    [(); 4].map(|()| ports.find(is_free).unwrap())
}

async fn gateway(config: &Value) -> Gateway {
    let file = with_plugins(echo_upstream().await, &[("rate-limiting", config.clone())]);
    Gateway::of_file(&file)
}

/// What is left for a caller.
async fn left(gateway: &Gateway, tenant: &str) -> (u16, String) {
    let reply: Reply = gateway.get("/").header("x-tenant", tenant).send().await;
    (reply.status.as_u16(), reply.header("x-ratelimit-remaining-year").to_owned())
}

#[tokio::test]
async fn counts_are_where_the_cluster_has_them() {
    let Some(cluster) = Cluster::start().await else { return };
    // Each gateway is told of one server, and hears of the other.
    let gateways = [
        gateway(&cluster.limit(&[0], json!({ "year": 3 }))).await,
        gateway(&cluster.limit(&[1], json!({ "year": 3 }))).await,
    ];
    for tenant in 0..8 {
        for (turn, expected) in [(200, "2"), (200, "1"), (200, "0"), (429, "0")].iter().enumerate()
        {
            let seen = left(&gateways[turn % 2], &format!("tenant-{tenant}")).await;
            assert_eq!(seen, (expected.0, expected.1.to_owned()), "tenant {tenant}, call {turn}");
        }
    }
    let [first, second] = cluster.counts().await;
    assert_eq!(first + second, 8);
    assert!(first > 0 && second > 0, "{first} and {second}");
}

#[tokio::test]
async fn counts_move_with_their_slots() {
    let Some(cluster) = Cluster::start().await else { return };
    let gateway = gateway(&cluster.limit(&[0, 1], json!({ "year": 9 }))).await;
    for tenant in ["ada", "grace", "edsger", "barbara"] {
        assert_eq!(left(&gateway, tenant).await, (200, "8".to_owned()));
    }
    // All that the first server has goes to the second: what is on its way is asked for there.
    let ids = [cluster.ask(0, "CLUSTER MYID").await, cluster.ask(1, "CLUSTER MYID").await];
    let ids = ids.map(|answer| answer.lines().nth(1).unwrap().to_owned());
    let keys = cluster.ask(0, "KEYS ratelimit:*").await;
    let keys: Vec<_> = keys.lines().filter(|line| line.starts_with("ratelimit:")).collect();
    for key in &keys {
        let slot = cluster.ask(0, &format!("CLUSTER KEYSLOT {key}")).await;
        let slot = slot.lines().next().unwrap().trim_start_matches(':').to_owned();
        cluster.ask(1, &format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0])).await;
        cluster.ask(0, &format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1])).await;
        cluster.ask(0, &format!("MIGRATE 127.0.0.1 {} {key} 0 20000", cluster.ports[1])).await;
    }
    for tenant in ["ada", "grace", "edsger", "barbara"] {
        assert_eq!(left(&gateway, tenant).await, (200, "7".to_owned()), "{tenant}, on the way");
    }
    for key in &keys {
        let slot = cluster.ask(1, &format!("CLUSTER KEYSLOT {key}")).await;
        let slot = slot.lines().next().unwrap().trim_start_matches(':').to_owned();
        for place in [1, 0] {
            cluster.ask(place, &format!("CLUSTER SETSLOT {slot} NODE {}", ids[1])).await;
        }
    }
    for tenant in ["ada", "grace", "edsger", "barbara"] {
        assert_eq!(left(&gateway, tenant).await, (200, "6".to_owned()), "{tenant}, there");
    }
    assert_eq!(cluster.counts().await, [0, 4]);
}

#[tokio::test]
async fn gateways_tell_a_cluster_at_intervals_too() {
    let Some(cluster) = Cluster::start().await else { return };
    let config = cluster.limit(&[1], json!({ "year": 1000, "sync_rate": 0.05 }));
    let gateway = gateway(&config).await;
    for tenant in 0..8 {
        assert_eq!(left(&gateway, &format!("tenant-{tenant}")).await, (200, "999".to_owned()));
    }
    let counts = eventually(async || cluster.counts().await, |[first, second]| first + second == 8);
    let [first, second] = counts.await;
    assert!(first > 0 && second > 0, "{first} and {second}");
}

#[tokio::test]
async fn a_cluster_that_cannot_be_reached_is_named() {
    let config = json!({
        "year": 9, "policy": "redis",
        "redis": { "cluster_nodes": [{ "ip": "127.0.0.1", "port": free_ports()[0] }] },
    });
    let gateway = gateway(&config).await;
    assert_eq!(gateway.get("/").send().await.status, 200);
    gateway.logged("requests are not counted: redis at 127.0.0.1");
}

#[tokio::test]
async fn a_cluster_has_servers() {
    let redis = json!({ "cluster_nodes": [] });
    let config = json!({ "year": 1, "policy": "redis", "redis": redis });
    let plugin = json!({ "name": "rate-limiting", "config": config });
    let reply = Gateway::empty().post("/plugins", &plugin).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
}
