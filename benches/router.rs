//! What it costs the gateway to find a route, among ten and among ten thousand.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::HeaderMap;
use serde_json::{Value, json};
use tower_lua::BoxError;

#[expect(dead_code, unused_imports, reason = "the gateway has more uses for it")]
#[path = "../examples/gateway/configured"]
mod configured {
    mod common;
    pub(crate) mod entity;
}
#[expect(dead_code, unused_imports, reason = "the gateway has more uses for it")]
#[path = "../examples/gateway/in_force/router/mod.rs"]
mod router;

use configured::entity::Route;
use router::{Query, RequestHost, Router};

/// How the routes of a bench differ.
#[derive(Clone, Copy, Debug)]
enum By {
    Host,
    Path,
    Regex,
}

fn route(n: usize, by: By) -> Arc<Route> {
    let (hosts, paths) = match by {
        By::Host => (json!([format!("host-{n}.test")]), json!(["/"])),
        By::Path => (Value::Null, json!([format!("/service-{n}/v1")])),
        By::Regex => (Value::Null, json!([format!(r"~/service-{n}/\d+$")])),
    };
    let route = json!({
        "id": n.to_string(), "name": null, "service": null, "protocols": ["http", "https"],
        "methods": ["GET"], "hosts": hosts, "paths": paths, "headers": null, "snis": null,
        "regex_priority": 0, "strip_path": true, "path_handling": "v0", "preserve_host": false,
        "https_redirect_status_code": 426, "request_buffering": true, "response_buffering": true,
        "created_at": n,
    });
    Arc::new(serde_json::from_value(route).unwrap())
}

fn find(criterion: &mut Criterion) {
    let headers = HeaderMap::new();
    for by in [By::Host, By::Path, By::Regex] {
        let mut group = criterion.benchmark_group(format!("find by {by:?}"));
        for count in [10, 100, 1000, 10_000] {
            let routes: Vec<_> = (0..count).map(|n| route(n, by)).collect();
            let router = Router::new(&routes).unwrap();
            let n = count / 2;
            let (host, path) = match by {
                By::Host => (format!("host-{n}.test"), "/index.html".to_owned()),
                By::Path => ("any.test".to_owned(), format!("/service-{n}/v1/users")),
                By::Regex => ("any.test".to_owned(), format!("/service-{n}/42")),
            };
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter(|| {
                    let found = router.find(black_box(&Query {
                        method: "GET",
                        host: RequestHost::new(&host, false),
                        path: path.as_bytes(),
                        headers: &headers,
                        is_tls: false,
                        sni: None,
                    }));
                    assert_eq!(found.unwrap().route, n);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, find);
criterion_main!(benches);
