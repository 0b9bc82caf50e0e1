//! Honest and hostile functions side by side, for as long as one likes: `just soak`.
//!
//! Two workers, 32 connections. At first the honest ones are alone; then half of all are hostile. Nothing
//! crashes, every honest request is answered, memory does not grow, and the honest ones wait at most three
//! times as long as before.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{Gateway, Start, echo_upstream};

const CONNECTIONS: usize = 16;

/// What memory may settle in.
const WARM_UP: Duration = Duration::from_secs(60);

const HONEST: &[&str] = &[
    "kong.service.request.set_header('x-user', kong.request.get_header('user-agent') or 'none')
     kong.response.set_header('x-path', kong.request.get_path())",
    "local cjson = require('cjson')
     local value = cjson.decode('{\"a\":[1,2,3],\"b\":{\"c\":\"d\"}}')
     kong.response.set_header('x-json', cjson.encode(value.a))
     if not ngx.re.match(kong.request.get_path(), '^/honest', 'jo') then return kong.response.exit(403) end",
    "kong.ctx.shared.count = (kong.ctx.shared.count or 0) + 1
     kong.cache:get('key', { ttl = 1 }, function() return 'value' end)
     return kong.response.exit(200, { count = kong.ctx.shared.count, digest = ngx.md5('a') })",
];

const HOSTILE: &[&str] = &[
    "while true do end",
    "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    "local s = ('a=b&'):rep(1e6) while true do ngx.decode_args(s, 0) end",
    "ngx.re.sub(('a'):rep(1e7), 'a+', ('$0'):rep(1e5))",
    "local v, q = ('v'):rep(1e6), {} for i = 1, 1e5 do q['k' .. i] = v end ngx.encode_args(q)",
    "for i = 1, 1e9 do kong.cache:get('k' .. i, nil, function() return ('x'):rep(1e5) end) end",
    "local t = {} pcall(function() for i = 1, 1e7 do t[i] = ('x'):rep(10000) .. i end end) ngx.sleep(1)",
    "local function f() return f() + 1 end f()",
    "local t = {3, 2, 1} table.sort(t, function() while true do end end)",
    "('x'):rep(100):gsub('.', function() while true do pcall(error) end end)",
    "for i = 1, 1e9 do kong.log.err(('x'):rep(1e5)) end",
    "local s = ('a'):rep(1e6) while true do s:find(('a*'):rep(30) .. 'b') end",
    "for i = 1, 1e6 do ngx.header['x-' .. i] = ('x'):rep(1e5) end",
    "local t = {} for i = 1, 1e6 do t[i] = coroutine.wrap(function() coroutine.yield() end) t[i]() end",
    "kong.ctx.shared.t = {} for i = 1, 1e7 do kong.ctx.shared.t[i] = {} end",
    "globals = globals or {} for i = 1, 1e5 do globals[#globals + 1] = ('x'):rep(100) .. #globals end",
];

fn seconds() -> u64 {
    std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

fn file(upstream: SocketAddr) -> String {
    let routes = |name: &str, sources: &[&str]| {
        let routes = sources.iter().enumerate().map(|(place, source)| {
            json!({
                "name": format!("{name}-{place}"),
                "paths": [format!("~/{name}/{place}$")],
                "strip_path": false,
                "plugins": [{ "name": "pre-function", "config": { "access": [source] } }],
            })
        });
        routes.collect::<Vec<Value>>()
    };
    let routes = [routes("honest", HONEST), routes("hostile", HOSTILE)].concat();
    let service = json!({ "name": "shop", "url": format!("http://{upstream}"), "routes": routes });
    json!({ "_format_version": "3.0", "services": [service] }).to_string()
}

/// Sends requests on a connection until it is `done`: how long each took that is honest.
async fn ask(addr: SocketAddr, kind: &'static str, of: usize, done: Arc<AtomicBool>, times: Times) {
    let mut number = 0;
    'connections: while !done.load(Ordering::Relaxed) {
        let Ok(stream) = TcpStream::connect(addr).await else {
            panic!("the gateway listens no more");
        };
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        while !done.load(Ordering::Relaxed) {
            number += 1;
            let path = format!("/{kind}/{}", number % of);
            let request =
                Request::get(path).header("host", "a").body(Empty::<Bytes>::new()).unwrap();
            let began = Instant::now();
            let answer = match sender.send_request(request).await {
                Ok(response) => {
                    let status = response.status();
                    response.into_body().collect().await.map(|_| status)
                }
                Err(error) => Err(error),
            };
            match answer {
                Ok(status) if kind == "honest" => {
                    assert_eq!(status, 200, "an honest request");
                    times.lock().push(began.elapsed());
                }
                // A hostile function may break its own connection.
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(kind, "hostile", "{error}");
                    continue 'connections;
                }
            }
            // A client that asks for more at once measures itself.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

type Times = Arc<Mutex<Vec<Duration>>>;

/// The clients of a time, which are waited for when it is over.
struct Clients {
    done: Arc<AtomicBool>,
    times: Times,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Clients {
    fn of(gateway: &Gateway, kind: &'static str, of: usize) -> Self {
        let (done, times) = (Arc::default(), Times::default());
        let task =
            |_| tokio::spawn(ask(gateway.proxy, kind, of, Arc::clone(&done), Arc::clone(&times)));
        let tasks = (0..CONNECTIONS).map(task).collect();
        Self { done, times, tasks }
    }

    async fn end(self) -> Vec<Duration> {
        self.done.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let mut times = std::mem::take(&mut *self.times.lock());
        times.sort_unstable();
        times
    }
}

fn p99(times: &[Duration]) -> Duration {
    times[times.len() * 99 / 100]
}

/// What the gateway holds, in MiB.
fn resident(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// What the gateway holds within `time`, twice a second, in MiB.
async fn watch_resident(gateway: &Gateway, time: Duration) -> Vec<u64> {
    let (until, mut seen) = (Instant::now() + time, Vec::new());
    while Instant::now() < until {
        seen.push(resident(gateway));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    seen
}

/// What is held most of the time: the median of the second half. Hostile calls take what they may have, for a
/// moment.
fn level(resident: &[u64]) -> u64 {
    let mut half = resident[resident.len() / 2..].to_vec();
    half.sort_unstable();
    half.get(half.len() / 2).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes ten minutes, and a machine that does nothing else: `just soak`"]
async fn honest_functions_notice_little_of_hostile_ones() {
    let whole = Duration::from_secs(seconds());
    let start =
        Start::of_file(&file(echo_upstream().await)).env("KONG_NGINX_WORKER_PROCESSES", "2");
    let gateway = start.serving();
    let alone = Clients::of(&gateway, "honest", HONEST.len());
    tokio::time::sleep(whole / 10).await;
    let alone = alone.end().await;

    let hostile = Clients::of(&gateway, "hostile", HOSTILE.len());
    let warm_up = WARM_UP.min(whole / 3);
    let at_first = watch_resident(&gateway, warm_up).await;
    let honest = Clients::of(&gateway, "honest", HONEST.len());
    let later = watch_resident(&gateway, whole - whole / 10 - warm_up).await;
    let honest = honest.end().await;
    hostile.end().await;

    let (before, beside) = (p99(&alone), p99(&honest));
    println!("p99 of {} honest requests alone: {before:?}", alone.len());
    println!("p99 of {} beside hostile ones: {beside:?}", honest.len());
    let (level_at_first, level_later) = (level(&at_first), level(&later));
    println!("resident in MiB in the first {warm_up:?}: {at_first:?}, later: {later:?}");
    println!("medians: {level_at_first} MiB in the first {warm_up:?}, {level_later} MiB later");
    assert_eq!(gateway.get("/honest/0").send().await.status, 200);
    assert!(level_later * 10 <= level_at_first * 11, "memory grew");
    assert!(beside <= before * 3, "honest requests waited");
}
