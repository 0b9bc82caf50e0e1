//! `/status` and `/metrics`.

use serde_json::json;

use crate::support::{Gateway, echo_upstream};

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
    let function = |index: u32| {
        format!(r#"name="all pre-function",plugin="pre-function",phase="access",index="{index}""#)
    };
    for line in [
        format!(r#"kong_http_requests_total{{{service},code="200",source="service"}} 2"#),
        format!(r#"kong_http_requests_total{{{service},code="418",source="kong"}} 1"#),
        format!(r#"kong_http_requests_total{{{service},code="500",source="kong"}} 1"#),
        r#"kong_http_requests_total{service="",route="",code="404",source="kong"} 1"#.to_owned(),
        format!(r#"kong_request_latency_ms_count{{{service}}} 4"#),
        format!(r#"kong_request_latency_ms_bucket{{{service},le="+Inf"}} 4"#),
        format!(r#"kong_upstream_latency_ms_count{{{service}}} 2"#),
        format!(r#"kong_kong_latency_ms_count{{{service}}} 4"#),
        format!("kong_lua_function_calls_total{{{}}} 4", function(1)),
        format!("kong_lua_function_exits_total{{{}}} 1", function(1)),
        format!("kong_lua_function_calls_total{{{}}} 3", function(2)),
        format!("kong_lua_function_errors_total{{{}}} 1", function(2)),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
    }
    for name in ["kong_lua_function_seconds_total", "kong_memory_lua_bytes", "kong_bandwidth_bytes"]
    {
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
