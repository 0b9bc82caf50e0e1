//! Several gateways over one database: a change through any of them is in force on all.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Row};
use tokio::sync::watch;

use crate::support::{Gateway, Postgres, Random, Start, answering};

/// How long a change may take to reach the others, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway over a database.
pub(crate) fn over(url: &str) -> Start {
    Start::new().arg("--database").arg(url).arg("--workers").arg("1")
}

/// Asks again until the answer is as it should be.
pub(crate) async fn eventually<T: std::fmt::Debug>(
    mut ask: impl AsyncFnMut() -> T,
    is_so: impl Fn(&T) -> bool,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask().await;
        if is_so(&answer) {
            return answer;
        }
        assert!(Instant::now() < deadline, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a gateway would write into a file of all that it has.
pub(crate) async fn export(gateway: &Gateway) -> String {
    gateway.admin("/config").send().await.text()
}

/// The names of all its services.
pub(crate) async fn services(gateway: &Gateway) -> Vec<Value> {
    let list = gateway.admin("/services?size=1000").send().await.json();
    list["data"].as_array().unwrap().iter().map(|service| service["name"].clone()).collect()
}

/// Waits until all gateways have the same configuration.
pub(crate) async fn agree(gateways: &[Gateway]) {
    let exports = async || {
        let mut exports = Vec::new();
        for gateway in gateways {
            exports.push(export(gateway).await);
        }
        exports
    };
    eventually(exports, |exports| exports.iter().all(|export| *export == exports[0])).await;
}

/// A service that answers by a function, and a route to it.
pub(crate) async fn add_answer(gateway: &Gateway, name: &str) {
    let service = json!({ "name": name, "url": "http://127.0.0.1:1" });
    assert_eq!(gateway.post("/services", &service).await.status, 201);
    let route = json!({ "name": name, "paths": [format!("/{name}")] });
    assert_eq!(gateway.post(&format!("/services/{name}/routes"), &route).await.status, 201);
    set_answer(gateway, name, name).await;
}

pub(crate) async fn set_answer(gateway: &Gateway, route: &str, text: &str) {
    let plugin = json!({
        "name": "pre-function",
        "instance_name": route,
        "route": { "name": route },
        "config": answering(text)["config"],
    });
    let reply = gateway.send(Method::PUT, &format!("/plugins/{route}"), &plugin).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn a_change_through_one_gateway_is_in_force_on_all() {
    let Some(postgres) = Postgres::start() else { return };
    let gateways: Vec<_> = (0..3).map(|_| over(&postgres.url()).serving()).collect();
    add_answer(&gateways[0], "shop").await;
    for gateway in &gateways {
        eventually(async || gateway.get("/shop").send().await.text(), |text| text == "shop").await;
    }
    set_answer(&gateways[2], "shop", "new").await;
    assert_eq!(gateways[2].get("/shop").send().await.text(), "new", "in force where it was made");
    for gateway in &gateways {
        eventually(async || gateway.get("/shop").send().await.text(), |text| text == "new").await;
    }
    let about = gateways[1].admin("/").send().await.json();
    assert_eq!(about["configuration"]["database"], "postgres");
    assert_eq!(gateways[1].admin_call(Method::DELETE, "/plugins/shop").send().await.status, 204);
    assert_eq!(gateways[1].admin_call(Method::DELETE, "/routes/shop").send().await.status, 204);
    for gateway in &gateways {
        eventually(async || gateway.get("/shop").send().await.status, |status| *status == 404)
            .await;
    }
}

#[tokio::test]
async fn a_file_that_replaces_everything_reaches_all() {
    let Some(postgres) = Postgres::start() else { return };
    let gateways: Vec<_> = (0..2).map(|_| over(&postgres.url()).serving()).collect();
    add_answer(&gateways[0], "old").await;
    let routes: Vec<_> = (0..600).map(|n| json!({ "paths": [format!("/{n}")] })).collect();
    let service = json!({ "name": "new", "url": "http://127.0.0.1:1", "routes": routes });
    let file = json!({ "_format_version": "3.0", "services": [service] });
    assert_eq!(gateways[0].post("/config", &file).await.status, 201);
    agree(&gateways).await;
    let routes = gateways[1].admin("/routes?size=1000").send().await.json();
    assert_eq!(routes["data"].as_array().unwrap().len(), 600);
    assert_eq!(gateways[1].get("/old").send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_through_random_gateways_end_in_one_configuration_and_lose_no_request() {
    let Some(postgres) = Postgres::start() else { return };
    let url = postgres.url();
    let mut gateways: Vec<_> = (0..3).map(|_| over(&url).serving()).collect();
    add_answer(&gateways[0], "kept").await;
    for gateway in &gateways {
        eventually(async || gateway.get("/kept").send().await.status, |status| *status == 200)
            .await;
    }
    let (stop, stopped) = watch::channel(false);
    // The third will be killed: no client of it is to be served without a break.
    let clients = gateways[..2].iter().map(|gateway| gateway.proxy).map(|proxy| {
        let stopped = stopped.clone();
        tokio::spawn(async move {
            let mut asked = 0;
            while !*stopped.borrow() {
                let call = crate::support::Call::new(proxy, Method::GET, "/kept");
                assert_eq!(call.send().await.status, 200);
                asked += 1;
            }
            asked
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut random = Random::new(11);
    let mut names = Vec::new();
    for number in 0..200 {
        if number == 100 {
            gateways[2].kill();
            gateways[2] = over(&url).serving();
        }
        let gateway = &gateways[random.below(gateways.len())];
        match random.below(4) {
            0 | 1 => {
                let name = format!("service-{number}");
                let service = json!({ "name": name, "url": "http://127.0.0.1:1" });
                assert_eq!(gateway.post("/services", &service).await.status, 201);
                names.push(name);
            }
            2 if !names.is_empty() => {
                let name = names.swap_remove(random.below(names.len()));
                let path = format!("/services/{name}");
                assert_eq!(gateway.admin_call(Method::DELETE, &path).send().await.status, 204);
            }
            _ if !names.is_empty() => {
                let path = format!("/services/{}", random.pick(&names));
                let change = json!({ "retries": number });
                assert_eq!(gateway.send(Method::PATCH, &path, &change).await.status, 200);
            }
            _ => {}
        }
    }
    agree(&gateways).await;
    assert_eq!(services(&gateways[2]).await.len(), names.len() + 1);
    stop.send(true).unwrap();
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_gateways_that_create_the_same_name_at_once_one_does() {
    let Some(postgres) = Postgres::start() else { return };
    let gateways: Vec<_> = (0..2).map(|_| over(&postgres.url()).serving()).collect();
    for number in 0..20 {
        let service = json!({ "name": format!("s{number}"), "url": "http://127.0.0.1:1" });
        let (one, other) = tokio::join!(
            gateways[0].post("/services", &service),
            gateways[1].post("/services", &service)
        );
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        let refused = if one.status == 409 { one } else { other };
        assert_eq!(refused.json()["name"], "unique constraint violation");
    }
    agree(&gateways).await;
    assert_eq!(services(&gateways[0]).await.len(), 20);
}

#[tokio::test]
async fn the_database_itself_keeps_names_unique_and_owners_there() {
    let Some(postgres) = Postgres::start() else { return };
    let gateway = over(&postgres.url()).serving();
    add_answer(&gateway, "shop").await;
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    let twice = "INSERT INTO entities SELECT kind, 'other', document FROM entities \
                 WHERE kind = 'services'";
    sqlx::query(twice).execute(&mut connection).await.unwrap();
    let same_name =
        "INSERT INTO uniques SELECT kind, value, 'other' FROM uniques WHERE kind = 'services'";
    let error = sqlx::query(same_name).execute(&mut connection).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_unique_violation());
    let gone = "DELETE FROM entities WHERE kind = 'services' AND id <> 'other'";
    let error = sqlx::query(gone).execute(&mut connection).await.unwrap_err();
    assert!(error.as_database_error().unwrap().is_foreign_key_violation());
}

#[tokio::test]
async fn a_change_that_is_not_heard_of_is_found_and_after_a_gap_all_is_read() {
    let Some(postgres) = Postgres::start() else { return };
    let gateway = over(&postgres.url()).serving();
    add_answer(&gateway, "shop").await;
    set_answer(&gateway, "shop", "answer 1").await;
    // Another gateway's change, whose notice is lost: these tell nobody.
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    let change = "UPDATE entities SET document = replace(document, $1, $2) \
                  WHERE kind = 'plugins' RETURNING document";
    let told = "INSERT INTO changes SELECT MAX(version) + $1, $2 FROM changes";
    // The second is not told of at all, but that there has been one.
    for (number, versions, is_told) in [(1, 1, true), (2, 2, false)] {
        let (before, after) = (format!("answer {number}"), format!("answer {}", number + 1));
        let changed = sqlx::query(change).bind(&before).bind(&after);
        let document: String = changed.fetch_one(&mut connection).await.unwrap().get(0);
        let put = json!([{ "put": ["plugins", document] }]);
        let steps = if is_told { put } else { json!([]) };
        let tell = sqlx::query(told).bind(versions).bind(steps.to_string());
        tell.execute(&mut connection).await.unwrap();
        eventually(async || gateway.get("/shop").send().await.text(), |text| *text == after).await;
    }
}

#[tokio::test]
async fn what_is_acknowledged_survives_kills_of_gateways_and_of_the_database() {
    let Some(mut postgres) = Postgres::start() else { return };
    let url = postgres.url();
    let mut gateways: Vec<_> = (0..2).map(|_| over(&url).serving()).collect();
    let mut random = Random::new(3);
    let mut acknowledged = Vec::new();
    for number in 0..500 {
        if number % 100 == 50 {
            let victim = random.below(gateways.len());
            gateways[victim].kill();
            gateways[victim] = over(&url).serving();
        }
        if number % 200 == 99 {
            postgres.stop();
            postgres.start_again();
        }
        let service = json!({ "name": format!("s{number}"), "url": "http://127.0.0.1:1" });
        let gateway = random.pick(&gateways);
        let reply = gateway.post("/services", &service).await;
        // It may have to find the database again.
        if reply.status == 201 {
            acknowledged.push(service["name"].clone());
        } else {
            assert_eq!(reply.status, 503, "{}", reply.text());
        }
    }
    assert!(acknowledged.len() > 450, "{}", acknowledged.len());
    for gateway in &gateways {
        let has_all = |have: &Vec<Value>| acknowledged.iter().all(|name| have.contains(name));
        eventually(async || services(gateway).await, has_all).await;
    }
}

#[tokio::test]
async fn tables_are_made_by_whoever_comes_first() {
    let Some(postgres) = Postgres::start() else { return };
    let list = || over(&postgres.url()).arg("migrations").arg("list").ending();
    let state = |state: &str| {
        let names = ["entities", "tallies", "versions"].into_iter().enumerate();
        let lines = names.map(|(place, name)| format!("{}  {name}  {state}", place + 1));
        (0, lines.collect::<Vec<_>>().join("\n"))
    };
    assert_eq!(list(), state("to be done"));
    // All at once.
    let starts: Vec<_> = (0..3).map(|_| over(&postgres.url())).collect();
    let gateways = starts.into_iter().map(|start| std::thread::spawn(move || start.serving()));
    let gateways: Vec<_> =
        gateways.collect::<Vec<_>>().into_iter().map(|g| g.join().unwrap()).collect();
    agree(&gateways).await;
    assert_eq!(list(), state("done"));
    let up = over(&postgres.url()).arg("migrations").arg("up").ending();
    assert_eq!(up, state("done"));
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    let count =
        sqlx::query("SELECT count(*) FROM changes").fetch_one(&mut connection).await.unwrap();
    assert_eq!(count.get::<i64, _>(0), 0);
    sqlx::query("UPDATE gateway SET value = '99'").execute(&mut connection).await.unwrap();
    let (code, said) = over(&postgres.url()).ending();
    assert_eq!(code, 1);
    assert!(said.contains("it has format 99, and this gateway reads format 3"), "{said}");
}

#[tokio::test]
async fn a_server_is_named_as_kong_names_it() {
    let Some(postgres) = Postgres::start() else { return };
    let start = Start::new()
        .env("KONG_DATABASE", "postgres")
        .env("KONG_PG_HOST", &postgres.directory().display().to_string())
        .env("KONG_PG_USER", "gateway")
        .env("KONG_PG_PASSWORD", "not:needed@all")
        .env("KONG_PG_DATABASE", "postgres");
    let gateway = start.serving();
    add_answer(&gateway, "shop").await;
    assert_eq!(gateway.get("/shop").send().await.text(), "shop");
}

#[test]
fn secrets_are_not_in_what_is_said_of_a_database() {
    let url = "postgres://kong:secret@127.0.0.1:1/kong";
    let (code, said) = over(url).ending();
    assert_eq!(code, 1);
    assert!(said.contains("cannot open the database 'postgres://127.0.0.1:1/kong'"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    let (code, said) =
        Start::new().arg("--snapshot-cache").arg("x").arg("--database").arg("off").ending();
    assert_eq!((code, said.contains("--snapshot-cache is for a database on")), (1, true), "{said}");
}

#[tokio::test]
async fn what_a_function_broadcasts_is_heard_on_the_others() {
    let Some(postgres) = Postgres::start() else { return };
    let listening = || over(&postgres.url()).arg("--shared-dict").arg("heard=1m").serving();
    let gateways = [listening(), listening()];
    let function = r"
        local command, heard = kong.request.get_query_arg('command'), ngx.shared.heard
        if command == 'subscribe' then
          kong.cluster_events:subscribe('a channel', function(data) heard:set('last', data) end)
        elseif command then
          local ok, err = kong.cluster_events:broadcast('a channel', ('\0 %'):rep(tonumber(command)))
          kong.response.exit(200, tostring(ok or err))
        end
        kong.response.exit(200, heard:get('last') or 'nothing')
    ";
    let plugin = json!({ "name": "pre-function", "config": { "access": [function] } });
    let service = json!({ "name": "telling", "url": "http://127.0.0.1:1" });
    gateways[0].post("/services", &service).await;
    gateways[0].post("/services/telling/routes", &json!({ "paths": ["/telling"] })).await;
    assert_eq!(gateways[0].post("/services/telling/plugins", &plugin).await.status, 201);
    agree(&gateways).await;
    for gateway in &gateways {
        gateway.get("/telling?command=subscribe").send().await;
    }
    // It listens from a moment after it has begun.
    let told = async || {
        assert_eq!(gateways[0].get("/telling?command=2").send().await.text(), "true");
        gateways[1].get("/telling").send().await.text()
    };
    assert_eq!(eventually(told, |heard| heard != "nothing").await, "\0 %\0 %");
    assert_eq!(gateways[0].get("/telling").send().await.text(), "nothing", "it is for others");
    let too_long = gateways[0].get("/telling?command=5000").send().await.text();
    assert!(too_long.contains("are more than 7900"), "{too_long}");
}

#[tokio::test]
async fn what_a_function_invalidates_is_forgotten_by_all() {
    let Some(postgres) = Postgres::start() else { return };
    let gateways: Vec<_> = (0..2).map(|_| over(&postgres.url()).serving()).collect();
    let function = r"
        local key, command = 'a key\0', kong.request.get_query_arg('command')
        if command then kong.cache[command](kong.cache, key) end
        kong.response.exit(200, tostring(kong.cache:get(key, nil, ngx.now)))
    ";
    let plugin = json!({ "name": "pre-function", "config": { "access": [function] } });
    let service = json!({ "name": "cached", "url": "http://127.0.0.1:1" });
    gateways[0].post("/services", &service).await;
    gateways[0].post("/services/cached/routes", &json!({ "paths": ["/cached"] })).await;
    assert_eq!(gateways[0].post("/services/cached/plugins", &plugin).await.status, 201);
    agree(&gateways).await;
    let value = async |gateway: usize| gateways[gateway].get("/cached").send().await.text();
    let before = value(1).await;
    assert_eq!(value(1).await, before, "it is kept");
    gateways[0].get("/cached?command=invalidate_local").send().await;
    assert_eq!(value(1).await, before);
    // It listens from a moment after it has begun.
    let invalidated = async || {
        gateways[0].get("/cached?command=invalidate").send().await;
        value(1).await
    };
    eventually(invalidated, |now| *now != before).await;
}
