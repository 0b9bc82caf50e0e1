//! What is acknowledged is kept, whatever happens to the gateway.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{Call, Gateway, Random, Start};

/// A directory that outlives the gateways that keep something in it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tower-lua-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn database(&self) -> String {
        format!("sqlite:{}", self.0.join("gateway.db").display())
    }

    fn start(&self) -> Gateway {
        Start::new().arg("--database").arg(self.database()).serving()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn entities_are_there_after_a_restart() {
    let directory = Directory::new("restart");
    let mut gateway = directory.start();
    gateway.post("/services", &json!({ "name": "shop", "url": "http://127.0.0.1:1" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/"] })).await;
    let function = "return kong.response.exit(200, 'kept')";
    let plugin = json!({ "name": "pre-function", "config": { "access": [function] } });
    gateway.post("/services/shop/plugins", &plugin).await;
    let api = json!({ "name": "old", "upstream_url": "http://127.0.0.1:1", "uris": "/old" });
    gateway.post("/apis", &api).await;
    let before = gateway.admin("/config").send().await.json();
    gateway.terminate();
    assert!(gateway.ended().success());
    let files: Vec<_> = std::fs::read_dir(&directory.0).unwrap().collect();
    assert_eq!(files.len(), 1, "a gateway that has ended leaves one file: {files:?}");
    let gateway = directory.start();
    assert_eq!(gateway.admin("/config").send().await.json(), before);
    assert_eq!(gateway.get("/").send().await.text(), "kept");
}

#[tokio::test]
async fn a_database_is_made_where_the_gateway_starts() {
    let gateway = Gateway::empty();
    assert!(gateway.directory().join("gateway.db").exists());
}

#[tokio::test]
async fn a_database_is_for_one_gateway_at_a_time() {
    let directory = Directory::new("two");
    let _first = directory.start();
    let (code, said) = Start::new().arg("--database").arg(directory.database()).ending();
    assert_eq!(code, 1);
    assert!(said.contains("another gateway has it open; give this one a --database"), "{said}");
}

/// What a gateway says that does not start with this database.
fn refusal(database: &str) -> String {
    let (code, said) = Start::new().arg("--database").arg(database).ending();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("gateway: ") && !said.contains("panicked"), "{said}");
    said
}

#[tokio::test]
async fn a_file_that_is_no_database_of_a_gateway_is_refused() {
    let directory = Directory::new("other");
    let path = directory.0.join("gateway.db");
    std::fs::write(&path, "these are notes, not a database. ".repeat(100)).unwrap();
    let said = refusal(&directory.database());
    assert!(said.contains("file is not a database"), "{said}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("these are notes"));

    std::fs::remove_file(&path).unwrap();
    run_sql(&path, &["CREATE TABLE notes (note TEXT)"]).await;
    let said = refusal(&directory.database());
    assert!(said.contains("it is a database of something else"), "{said}");

    let said = refusal("sqlite:/nowhere/gateway.db");
    assert!(said.contains("cannot open the database 'sqlite:/nowhere/gateway.db'"), "{said}");
    let said = refusal("mysql://127.0.0.1/gateway");
    assert!(said.contains("expected 'off', a file as in sqlite:gateway.db, or a server"), "{said}");
}

#[tokio::test]
async fn a_database_of_another_version_is_refused() {
    let directory = Directory::new("version");
    directory.start().kill();
    let path = directory.0.join("gateway.db");
    run_sql(&path, &["UPDATE gateway SET value = '99' WHERE name = 'format'"]).await;
    let said = refusal(&directory.database());
    assert!(said.contains("it has format 99, and this gateway reads format 3"), "{said}");
    let broken = "INSERT INTO entities VALUES ('services', 'x', '{}')";
    let as_of_format_1 = "UPDATE gateway SET value = '1' WHERE name = 'format'";
    run_sql(&path, &["DROP TABLE versions", as_of_format_1, broken]).await;
    let said = refusal(&directory.database());
    assert!(said.contains("stored services x: missing field"), "{said}");
}

pub(crate) async fn run_sql(path: &Path, statements: &[&str]) {
    use sqlx::Connection;

    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// What writers have been told.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    /// Routes by name, and whether they have been given a service.
    routes: Vec<(String, bool)>,
    writes: usize,
}

/// Makes a route, then in one change its service and the reference to it, until the gateway is gone.
async fn write(admin: std::net::SocketAddr, from: usize, told: watch::Sender<Acknowledged>) {
    let send = async |method: Method, path: String, body: Value| {
        let call = Call::new(admin, method, &path).header("content-type", "application/json");
        let reply = call.body(body.to_string()).try_send().await.ok()?;
        assert!(reply.status.is_success(), "{}", reply.text());
        Some(())
    };
    for number in from.. {
        let name = format!("r{number}");
        let route = json!({ "name": name, "paths": [format!("/{number}")] });
        if send(Method::POST, "/routes".to_owned(), route).await.is_none() {
            return;
        }
        told.send_modify(|told| {
            told.routes.push((name.clone(), false));
            told.writes += 1;
        });
        let service = json!({ "name": format!("s{number}"), "host": "a.example" });
        if send(Method::PUT, format!("/routes/{name}/service"), service).await.is_none() {
            return;
        }
        told.send_modify(|told| {
            told.routes.last_mut().unwrap().1 = true;
            told.writes += 1;
        });
    }
}

/// Compares what is stored with what was acknowledged.
async fn verify(gateway: &Gateway, told: &Acknowledged) {
    let all = async |kind: &str| {
        let list = gateway.admin(&format!("/{kind}?size=1000")).send().await.json();
        assert!(list["next"].is_null());
        list["data"].as_array().unwrap().clone()
    };
    let (routes, services) = (all("routes").await, all("services").await);
    let by_name = |name: &str| routes.iter().find(|route| route["name"] == name);
    for (name, with_service) in &told.routes {
        let route = by_name(name).unwrap_or_else(|| panic!("{name} was acknowledged"));
        assert!(!with_service || !route["service"].is_null(), "{name} was given a service");
    }
    // At most the write that was under way is there without an acknowledgement, and it is whole.
    assert!(routes.len() <= told.routes.len() + 1);
    let referred = routes.iter().filter(|route| !route["service"].is_null()).count();
    assert_eq!(services.len(), referred, "no service without the reference to it");
    for route in routes.iter().filter(|route| !route["service"].is_null()) {
        let id = &route["service"]["id"];
        assert!(services.iter().any(|service| service["id"] == *id), "no reference to nothing");
    }
}

#[tokio::test]
async fn killed_at_any_moment_it_has_every_acknowledged_write_and_no_half_one() {
    let directory = Directory::new("killed");
    let mut random = Random::new(0x0ddb_1a5e_5bad_5eed);
    let mut told = Acknowledged::default();
    let (mut next, mut kills) = (0, 0);
    while told.writes < 500 {
        let mut gateway = directory.start();
        verify(&gateway, &told).await;
        let (sender, mut receiver) = watch::channel(told.clone());
        let writer = tokio::spawn(write(gateway.admin, next, sender));
        let until = told.writes + 1 + random.below(60);
        receiver.wait_for(|told| told.writes >= until).await.unwrap();
        tokio::time::sleep(Duration::from_micros(random.below(3000) as u64)).await;
        gateway.kill();
        kills += 1;
        writer.await.unwrap();
        told = receiver.borrow().clone();
        // A number that may have been written is not written again.
        next = told.routes.len() + 1000 * kills;
        let stored = directory.start();
        verify(&stored, &told).await;
        let list = stored.admin("/routes?size=1000").send().await.json();
        let names = list["data"].as_array().unwrap().iter();
        told.routes = names
            .map(|route| (route["name"].as_str().unwrap().to_owned(), !route["service"].is_null()))
            .collect();
    }
    assert!(kills > 5, "{kills}");
}
