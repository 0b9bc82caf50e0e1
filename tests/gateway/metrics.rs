//! `/status` and `/metrics`.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Start, balanced, echo_upstream, named, unused_addr};

#[tokio::test]
async fn requests_and_functions_are_counted() {
    let file = json!({ "_format_version": "3.0", "services": [{
        "name": "shop-one", "url": format!("http://{}", echo_upstream().await),
        "routes": [{ "name": "all", "paths": ["/all"], "plugins": [{
            "name": "pre-function",
            "config": { "access": [
                "if kong.request.get_query_arg('exit') then return kong.response.exit(418) end",
                "if kong.request.get_query_arg('fail') then error('failed') end",
            ] },
        }]}],
    }]});
    let gateway = Gateway::of_file(&file.to_string());
    for path in ["/all", "/all", "/all?exit", "/all?fail", "/elsewhere"] {
        gateway.get(path).send().await;
    }
    let reply = gateway.admin("/metrics").send().await;
    assert!(reply.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = reply.text();
    let service = r#"service="shop-one",route="all""#;
    let workspace = r#"workspace="default""#;
    let function = |index: u32| {
        format!(r#"name="all pre-function",plugin="pre-function",phase="access",index="{index}""#)
    };
    for line in [
        format!(
            r#"kong_http_requests_total{{{service},code="200",source="service",{workspace}}} 2"#
        ),
        format!(r#"kong_http_requests_total{{{service},code="418",source="kong",{workspace}}} 1"#),
        format!(r#"kong_http_requests_total{{{service},code="500",source="kong",{workspace}}} 1"#),
        format!(
            r#"kong_http_requests_total{{service="",route="",code="404",source="kong",{workspace}}} 1"#
        ),
        format!(r#"kong_request_latency_ms_count{{{service},{workspace}}} 4"#),
        format!(r#"kong_request_latency_ms_bucket{{{service},{workspace},le="+Inf"}} 4"#),
        format!(r#"kong_upstream_latency_ms_count{{{service},{workspace}}} 2"#),
        format!(r#"kong_kong_latency_ms_count{{{service},{workspace}}} 4"#),
        format!("kong_lua_function_calls_total{{{}}} 4", function(1)),
        format!("kong_lua_function_exits_total{{{}}} 1", function(1)),
        format!("kong_lua_function_calls_total{{{}}} 3", function(2)),
        format!(r#"kong_lua_function_errors_total{{{},kind="runtime"}} 1"#, function(2)),
        format!(r#"kong_lua_function_errors_total{{{},kind="timeout"}} 0"#, function(2)),
        format!("kong_lua_function_duration_seconds_count{{{}}} 3", function(2)),
        format!(r#"kong_lua_function_cpu_seconds_bucket{{{},le="+Inf"}} 3"#, function(2)),
        r#"kong_nginx_timers{state="pending"} 0"#.to_owned(),
        "kong_lua_sockets 0".to_owned(),
        "kong_lua_suspended_functions 0".to_owned(),
        "kong_lua_vms_replaced_total 0".to_owned(),
        "kong_lua_refused_calls_total 0".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
    }
    for name in [
        "kong_lua_function_seconds_total",
        "kong_memory_lua_bytes",
        "kong_memory_workers_lua_vms_bytes",
        "kong_bandwidth_bytes",
    ] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name}");
    }
    // Each line is a comment, or a name with labels and a number.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    let status = gateway.admin("/status").send().await.json();
    assert_eq!(status["server"]["total_requests"], 5);
    assert!(status["lua"]["vms"].as_u64().unwrap() >= 1);
}

#[tokio::test]
async fn each_function_is_told_of_with_its_plugin_errors_and_times() {
    let config = json!({
        "access": ["while kong.request.get_query_arg('long') do end"],
        "log": ["if ngx.status == 500 then error('on purpose') end"],
    });
    let plugin = json!({ "name": "pre-function", "config": config, "instance_name": "counted" });
    let gateway = Gateway::empty();
    let plugin = gateway.post("/plugins", &plugin).await.json();
    let id = plugin["id"].as_str().unwrap();
    let service = json!({ "name": "shop", "url": format!("http://{}", echo_upstream().await) });
    assert_eq!(gateway.post("/services", &service).await.status, 201);
    let route = json!({ "paths": ["/all"] });
    assert_eq!(gateway.post("/services/shop/routes", &route).await.status, 201);
    for (path, status) in [("/all", 200), ("/all?long=1", 500), ("/all", 200)] {
        assert_eq!(gateway.get(path).send().await.status, status);
    }
    // The last function of `log` may run when its client has the response already.
    let list = loop {
        let list = gateway.admin("/functions/metrics").send().await.json();
        let calls = list["data"].as_array().unwrap().iter().map(|function| &function["calls"]);
        if calls.filter(|calls| **calls == json!(3)).count() == 2 {
            break list;
        }
    };
    assert_eq!(list["next"], Value::Null);
    let list = list["data"].as_array().unwrap();
    let of = |phase: &str| list.iter().find(|function| function["phase"] == phase).unwrap();
    for (phase, kind, other) in [("access", "timeout", "runtime"), ("log", "runtime", "timeout")] {
        let function = of(phase);
        assert_eq!(function["plugin"]["id"], id, "{function}");
        assert_eq!(
            (&function["plugin_name"], &function["function"]),
            (&json!("pre-function"), &json!(1))
        );
        assert_eq!(function["name"], "global counted");
        assert_eq!((&function["calls"], &function["exits"]), (&json!(3), &json!(0)), "{function}");
        assert_eq!((&function["errors"][kind], &function["errors"][other]), (&json!(1), &json!(0)));
    }
    // The budget of a call is a quarter of a second, and it counts CPU time.
    let cpu = &of("access")["cpu_us"];
    assert!(cpu["sum"].as_u64().unwrap() >= 200_000, "{cpu}");
    assert!(cpu["p99"].as_u64() > of("log")["cpu_us"]["p99"].as_u64(), "{list:#?}");
    assert!(of("access")["wall_us"]["sum"].as_u64() >= cpu["sum"].as_u64());
    // What is gone is told of no more.
    let gone = gateway.admin_call(Method::DELETE, &format!("/plugins/{id}")).send().await;
    assert_eq!(gone.status, 204);
    let list = gateway.admin("/functions/metrics").send().await.json();
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn of_many_routes_those_that_are_gone_are_forgotten() {
    let batch = |name: &str| -> Value {
        let route =
            |n| json!({ "name": format!("{name}-{n}"), "paths": [format!("/{name}/{n}/")] });
        let routes = (0..260).map(route).collect::<Value>();
        let config = json!({ "access": ["kong.response.exit(200)"] });
        json!({
            "_format_version": "3.0",
            "services": [{ "name": "shop", "url": "http://127.0.0.1:1", "routes": routes }],
            "plugins": [{ "name": "pre-function", "config": config }],
        })
    };
    let gateway = Start::new().arg("--workers").arg("1").serving();
    for name in ["old", "new"] {
        gateway.post("/config", &batch(name)).await;
        for n in 0..260 {
            assert_eq!(gateway.get(&format!("/{name}/{n}/")).send().await.status, 200);
        }
        gateway.get("/elsewhere").send().await;
    }
    let counted = numbers(&gateway, "kong_http_requests_total").await;
    let has = |route: &str| counted.iter().any(|line| line.contains(&format!("route=\"{route}")));
    assert!(has("new-0\"") && has("new-259\"") && has("\""), "{counted:?}");
    assert!(!has("old-0\""), "{counted:?}");
    // All that came while twice as many as are in force might have been, and what belongs to no route.
    assert!(counted.len() <= 2 * 260 + 1, "{}", counted.len());
}

#[tokio::test]
async fn what_is_changed_is_counted_on_under_its_name() {
    let gateway = Start::new().arg("--workers").arg("1").serving();
    let exit =
        json!({ "config": { "access": ["kong.response.exit(200)"] }, "name": "pre-function" });
    let route = |name: &str, path: &str| json!({ "name": name, "paths": [path], "plugins": [exit], "service": null });
    let file = |routes: Value| json!({ "_format_version": "3.0", "routes": routes });
    let changes = [
        file(json!([route("a", "/one"), route("b", "/other")])),
        file(json!([route("a", "/other"), route("b", "/one")])),
        file(json!([route("ab", "/one"), route("b", "/other")])),
    ];
    for change in changes {
        gateway.post("/config", &change).await;
        assert_eq!(gateway.get("/one").send().await.status, 200);
    }
    let counted = numbers(&gateway, "kong_http_requests_total").await;
    let mut of_routes: Vec<_> =
        counted.iter().map(|line| line.split('"').nth(3).unwrap()).collect();
    of_routes.sort_unstable();
    assert_eq!(of_routes, ["a", "ab", "b"], "{counted:?}");
    gateway.post("/config", &file(json!([route("a", "/one")]))).await;
    gateway.get("/one").send().await;
    let counted = numbers(&gateway, "kong_http_requests_total").await;
    assert!(
        counted.iter().any(|line| line.contains(r#"route="a""#) && line.ends_with(" 2")),
        "{counted:?}"
    );
}

/// The lines with numbers of a name.
async fn numbers(gateway: &Gateway, name: &str) -> Vec<String> {
    let text = gateway.admin("/metrics").send().await.text();
    let named = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
    named.map(|line| line[name.len()..].to_owned()).collect()
}

#[tokio::test]
async fn requests_are_counted_for_each_consumer_where_a_plugin_asks_for_it() {
    let route = |name: &str, per_consumer: bool| {
        let config = json!({ "per_consumer": per_consumer, "status_code_metrics": true });
        json!({ "name": name, "paths": [format!("/{name}")], "plugins": [
            { "name": "prometheus", "config": config },
            { "name": "key-auth" },
        ] })
    };
    let file = json!({
        "_format_version": "3.0",
        "consumers": [{ "username": "alice", "keyauth_credentials": [{ "key": "a" }] }],
        "services": [{
            "name": "shop", "url": format!("http://{}", echo_upstream().await),
            "routes": [route("each", true), route("all", false)],
        }],
    });
    let gateway = Gateway::of_file(&file.to_string());
    for path in ["/each", "/all"] {
        assert_eq!(gateway.get(path).header("apikey", "a").send().await.status, 200);
    }
    assert_eq!(gateway.get("/each").send().await.status, 401);
    let of = |route: &str, code: u16, source: &str, consumer: &str| {
        format!(
            r#"{{service="shop",route="{route}",code="{code}",source="{source}",workspace="default"{consumer}}} 1"#
        )
    };
    let requests = numbers(&gateway, "kong_http_requests_total").await;
    for line in [
        of("each", 200, "service", r#",consumer="alice""#),
        of("each", 401, "kong", ""),
        of("all", 200, "service", ""),
    ] {
        assert!(requests.contains(&line), "{line} in {requests:#?}");
    }
    let bytes = numbers(&gateway, "kong_bandwidth_bytes").await;
    let of_alice = r#",direction="egress",workspace="default",consumer="alice"}"#;
    assert!(bytes.iter().any(|line| line.contains(of_alice)), "{bytes:#?}");
}

#[tokio::test]
async fn targets_are_told_of_where_a_plugin_asks_for_it() {
    let (well, gone) = (named("a").await, unused_addr());
    let checked = json!({ "healthchecks": { "passive": { "unhealthy": { "tcp_failures": 1 } } } });
    let gateway = Gateway::of_file(&balanced(&checked, &[(well, 1), (gone, 1)]));
    for _ in 0..4 {
        assert_eq!(gateway.get("/").send().await.status, 200);
    }
    assert!(numbers(&gateway, "kong_upstream_target_health").await.is_empty());
    let config = json!({ "upstream_health_metrics": true });
    let file = balanced(&checked, &[(well, 1), (gone, 1)]);
    let mut file: Value = serde_json::from_str(&file).unwrap();
    file["plugins"] = json!([{ "name": "prometheus", "config": config }]);
    assert!(gateway.reload(&file.to_string()));
    let health = numbers(&gateway, "kong_upstream_target_health").await;
    let of = |addr: SocketAddr, state: &str, number: u8| {
        format!(
            r#"{{upstream="shop.upstream",target="{addr}",address="{addr}",state="{state}",subsystem="http"}} {number}"#
        )
    };
    for line in [
        of(well, "healthy", 1),
        of(well, "unhealthy", 0),
        of(gone, "healthy", 0),
        of(gone, "unhealthy", 1),
        of(gone, "dns_error", 0),
    ] {
        assert!(health.contains(&line), "{line} in {health:#?}");
    }
}
