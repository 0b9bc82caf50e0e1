//! A database that several gateways share, while it is away: they serve what is in force, and catch up.

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::cluster::{add_answer, agree, eventually, export, over, services, set_answer};
use crate::support::{Gateway, Postgres, Start};

#[tokio::test]
async fn while_the_database_is_away_requests_are_served_and_changes_are_refused() {
    let Some(mut postgres) = Postgres::start() else { return };
    let gateways: Vec<_> = (0..2).map(|_| over(&postgres.url()).serving()).collect();
    add_answer(&gateways[0], "shop").await;
    agree(&gateways).await;
    let before = export(&gateways[0]).await;
    postgres.stop();
    let service = json!({ "name": "other", "url": "http://127.0.0.1:1" });
    let refused = gateways[0].post("/services", &service).await;
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("the database cannot be reached"), "{}", refused.text());
    let reachable = async |gateway: &Gateway| {
        gateway.admin("/status").send().await.json()["database"]["reachable"].as_bool().unwrap()
    };
    for gateway in &gateways {
        eventually(async || reachable(gateway).await, |reachable| !reachable).await;
        assert_eq!(gateway.get("/shop").send().await.text(), "shop");
        let reply = gateway.admin("/config").send().await;
        assert_eq!(reply.header("warning"), "111 gateway \"the database cannot be reached\"");
        assert_eq!(reply.text(), before);
    }
    postgres.start_again();
    for gateway in &gateways {
        eventually(async || reachable(gateway).await, |reachable| *reachable).await;
        assert_eq!(gateway.admin("/config").send().await.header("warning"), "");
    }
    assert_eq!(gateways[0].post("/services", &service).await.status, 201);
    agree(&gateways).await;
    assert_eq!(services(&gateways[1]).await.len(), 2);
}

#[tokio::test]
async fn a_gateway_that_starts_without_the_database_serves_what_was_in_force() {
    let Some(mut postgres) = Postgres::start() else { return };
    let cache = postgres.directory().join("cache");
    let with_cache = |start: Start| start.arg("--snapshot-cache").arg(&cache).serving();
    let gateway = with_cache(over(&postgres.url()));
    add_answer(&gateway, "shop").await;
    let kept = |text: &String| text.contains("kong.response.exit");
    eventually(async || std::fs::read_to_string(&cache).unwrap_or_default(), kept).await;
    drop(gateway);
    postgres.stop();
    let (code, said) = over(&postgres.url()).ending();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cannot open the database 'postgres:"), "{said}");

    let gateway = with_cache(over(&postgres.url()));
    assert_eq!(gateway.get("/shop").send().await.text(), "shop");
    assert_eq!(gateway.admin("/status").send().await.json()["database"]["reachable"], false);
    postgres.start_again();
    let other = over(&postgres.url()).serving();
    set_answer(&other, "shop", "new").await;
    eventually(async || gateway.get("/shop").send().await.text(), |text| text == "new").await;
}

/// A folder whose socket leads to the database, until the way is blocked.
struct Detour {
    directory: PathBuf,
    blocked: watch::Sender<bool>,
}

impl Detour {
    fn to(target: &Path) -> Self {
        let directory = target.with_extension("detour");
        std::fs::create_dir_all(&directory).unwrap();
        let listener = UnixListener::bind(directory.join(Postgres::SOCKET)).unwrap();
        let (blocked, sees) = watch::channel(false);
        let target = target.join(Postgres::SOCKET);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&target).await.unwrap();
                let (client, server) = (client.into_split(), server.into_split());
                tokio::spawn(pass(client.0, server.1, sees.clone()));
                tokio::spawn(pass(server.0, client.1, sees.clone()));
            }
        });
        Self { directory, blocked }
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Passes bytes on, as long as the way is not blocked.
async fn pass(
    mut from: tokio::net::unix::OwnedReadHalf,
    mut to: tokio::net::unix::OwnedWriteHalf,
    mut blocked: watch::Receiver<bool>,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = vec![0; 1 << 14];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if blocked.wait_for(|blocked| !blocked).await.is_err()
            || to.write_all(&buffer[..count]).await.is_err()
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stalls_counts_as_gone_until_it_answers() {
    let Some(postgres) = Postgres::start() else { return };
    let detour = Detour::to(postgres.directory());
    let near = over(&postgres.url()).serving();
    let far = over(&Postgres::url_at(&detour.directory)).serving();
    add_answer(&near, "shop").await;
    eventually(async || far.get("/shop").send().await.text(), |text| text == "shop").await;
    detour.blocked.send_replace(true);
    let service = json!({ "name": "other", "url": "http://127.0.0.1:1" });
    assert_eq!(far.post("/services", &service).await.status, 503);
    assert_eq!(far.get("/shop").send().await.text(), "shop");
    set_answer(&near, "shop", "new").await;
    detour.blocked.send_replace(false);
    eventually(async || far.get("/shop").send().await.text(), |text| text == "new").await;
    eventually(
        async || far.admin("/status").send().await.json()["database"]["reachable"].clone(),
        |reachable| *reachable == true,
    )
    .await;
}
