//! What a server that speaks OTLP is told: by the plugin `opentelemetry`, and by the gateway as a whole.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{Gateway, Start, echo_upstream, kong_yml, serve, unused_addr, with_plugins};

/// A message that a collector was sent.
struct Sent {
    path: String,
    headers: HeaderMap,
    body: bytes::Bytes,
}

/// A server that speaks OTLP over HTTP, and what it was sent.
struct Collector {
    addr: SocketAddr,
    sent: UnboundedReceiver<Sent>,
}

impl Collector {
    async fn start() -> Self {
        let (sender, sent) = unbounded_channel();
        let app = Router::new().fallback(move |request: Request| {
            let sender = sender.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let (path, headers) = (head.uri.to_string(), head.headers);
                let _ = sender.send(Sent { path, headers, body });
                StatusCode::OK
            }
        });
        Self { addr: serve(app).await, sent }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// The next message that is for `path`.
    async fn next(&mut self, path: &str) -> Sent {
        loop {
            let sent = self.sent.recv().await.unwrap();
            assert_eq!(sent.headers["content-type"], "application/x-protobuf");
            if sent.path == path {
                return sent;
            }
        }
    }

    /// Spans, until there is one of a name; and what is said of who has sent them.
    async fn spans_until(&mut self, name: &str) -> (Vec<Span>, Vec<KeyValue>) {
        let mut spans = Vec::new();
        loop {
            let body = self.next("/v1/traces").await.body;
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let [of_resource] = <[_; 1]>::try_from(request.resource_spans).unwrap();
            for scope in of_resource.scope_spans {
                spans.extend(scope.spans);
            }
            if spans.iter().any(|span| span.name == name) {
                return (spans, of_resource.resource.unwrap().attributes);
            }
        }
    }
}

/// The text of an attribute, or its number.
fn attribute(attributes: &[KeyValue], name: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|found| found.value.clone()?.value) {
        Some(Any::StringValue(text)) => text,
        Some(Any::IntValue(number)) => number.to_string(),
        None => String::new(),
        Some(other) => panic!("{other:?}"),
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let names: Vec<_> = spans.iter().map(|span| &span.name).collect();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {names:?}"))
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A gateway that tells `collector` of everything.
fn telling(collector: &Collector, kong_yml: &str) -> Start {
    Start::of_file(kong_yml)
        .arg("--otlp-endpoint")
        .arg(collector.url(""))
        .arg("--untrusted-lua-network")
        .arg("any")
}

#[tokio::test]
async fn a_request_becomes_spans_of_its_phases_functions_and_calls() {
    let mut collector = Collector::start().await;
    let other = serve(Router::new().fallback(get(|headers: HeaderMap| async move {
        headers["traceparent"].to_str().unwrap().to_owned()
    })))
    .await;
    let access = format!(
        "local res = assert(require('resty.http').new():request_uri('http://{other}/called'))\n\
         local span = kong.tracing.start_span('mine')\n\
         span:set_attribute('answer', 42)\n\
         span:finish()\n\
         kong.tracing.get_root_span():set_attribute('shop', 'north')\n\
         kong.response.set_header('x-called', res.body)"
    );
    let config = json!({ "access": [access], "log": ["error('on purpose')"] });
    let file = with_plugins(echo_upstream().await, &[("pre-function", config)]);
    let gateway = telling(&collector, &file).env("OTEL_SERVICE_NAME", "shop").serving();
    let reply = gateway.get("/all?a=1").header("traceparent", PARENT).send().await;
    assert_eq!(reply.status, 200);
    let (spans, resource) = collector.spans_until("kong").await;
    assert_eq!(attribute(&resource, "service.name"), "shop");
    let root = named(&spans, "kong");
    assert_eq!(hex(&root.parent_span_id), "b7ad6b7169203331");
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
    let ends = spans.iter().all(|span| span.start_time_unix_nano <= span.end_time_unix_nano);
    assert!(ends && root.start_time_unix_nano > 0);
    for (name, value) in [
        ("http.method", "GET"),
        ("http.status_code", "200"),
        ("shop", "north"),
        ("kong.request.id", reply.header("x-kong-request-id")),
    ] {
        assert_eq!(attribute(&root.attributes, name), value, "{name}");
    }
    assert!(attribute(&root.attributes, "http.url").ends_with("/all?a=1"));
    let phase = named(&spans, "kong.access.plugin.pre-function");
    let function = spans.iter().find(|span| span.name.ends_with(": access[1]")).unwrap();
    let (call, mine) = (named(&spans, "kong.internal.request"), named(&spans, "mine"));
    let balancer = named(&spans, "kong.balancer");
    let parents = [phase, function, call, mine, balancer].map(|span| span.parent_span_id.clone());
    let wanted = [root, phase, function, function, root].map(|span| span.span_id.clone());
    assert_eq!(parents, wanted);
    assert_eq!(attribute(&mine.attributes, "answer"), "42");
    assert_eq!(attribute(&call.attributes, "http.status_code"), "200");
    assert_eq!(attribute(&call.attributes, "http.target"), "/called");
    assert_eq!(attribute(&balancer.attributes, "http.status_code"), "200");
    // What is called learns of the span that calls it.
    let parent = |span: &Span| format!("00-{TRACE}-{}-01", hex(&span.span_id));
    assert_eq!(reply.header("x-called"), parent(call));
    assert_eq!(reply.json()["headers"]["traceparent"], parent(balancer));
    let failed = spans.iter().find(|span| span.name.ends_with(": log[1]")).unwrap();
    assert_eq!(failed.status.as_ref().unwrap().code, 2);
    assert!(attribute(&failed.attributes, "exception.message").contains("on purpose"));
}

#[tokio::test]
async fn what_a_client_does_not_want_is_not_sent_and_goes_on_so() {
    let mut collector = Collector::start().await;
    let file = with_plugins(echo_upstream().await, &[]);
    let gateway = telling(&collector, &file).serving();
    let unwanted = PARENT.replace("-01", "-00");
    let reply = gateway.get("/first").header("traceparent", &unwanted).send().await;
    let on = reply.json()["headers"]["traceparent"].as_str().unwrap().to_owned();
    assert!(on.starts_with(&format!("00-{TRACE}-")) && on.ends_with("-00"), "{on}");
    let reply = gateway.get("/second").header("traceparent", "nonsense").send().await;
    let on = reply.json()["headers"]["traceparent"].as_str().unwrap().to_owned();
    let (spans, _) = collector.spans_until("kong").await;
    let root = named(&spans, "kong");
    assert!(attribute(&root.attributes, "http.url").ends_with("/second"));
    assert!(root.parent_span_id.is_empty());
    assert!(on.starts_with(&format!("00-{}-", hex(&root.trace_id))) && on.ends_with("-01"), "{on}");
}

#[tokio::test]
async fn where_there_are_to_be_no_spans_what_a_client_says_goes_on_as_it_is() {
    let collector = Collector::start().await;
    let start = telling(&collector, &with_plugins(echo_upstream().await, &[]));
    let gateway = start.arg("--tracing-instrumentations").arg("off").serving();
    let reply = gateway.get("/all").header("traceparent", PARENT).send().await;
    assert_eq!(reply.json()["headers"]["traceparent"], PARENT);
    let reply = gateway.get("/all").send().await;
    assert_eq!(reply.json()["headers"]["traceparent"], Value::Null);
}

#[tokio::test]
async fn the_span_of_a_call_names_where_a_function_has_sent_it_in_the_end() {
    let mut collector = Collector::start().await;
    let (away, elsewhere) = (unused_addr(), echo_upstream().await);
    let port = elsewhere.port();
    let access = format!(
        "kong.service.set_target_retry_callback(function() return '127.0.0.1', {port} end)"
    );
    let file = with_plugins(away, &[("pre-function", json!({ "access": [access] }))]);
    let gateway = telling(&collector, &file).serving();
    assert_eq!(gateway.get("/all").send().await.status, 200);
    let (spans, _) = collector.spans_until("kong").await;
    let call = named(&spans, "kong.balancer");
    assert_eq!(attribute(&call.attributes, "net.peer.name"), elsewhere.to_string());
    assert_eq!(attribute(&call.attributes, "net.peer.port"), port.to_string());
}

#[tokio::test]
async fn numbers_and_the_log_are_told_of_too() {
    let mut collector = Collector::start().await;
    let config = json!({ "access": ["kong.log.warn('as a warning')"] });
    let file = with_plugins(echo_upstream().await, &[("pre-function", config)]);
    let gateway = telling(&collector, &file)
        .env("OTEL_METRIC_EXPORT_INTERVAL", "50")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret,x-more=1")
        .serving();
    let reply = gateway.get("/all").send().await;
    let record = 'found: loop {
        let sent = collector.next("/v1/logs").await;
        assert_eq!(sent.headers["api-key"], "secret");
        assert_eq!(sent.headers["x-more"], "1");
        let request = ExportLogsServiceRequest::decode(sent.body).unwrap();
        let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
        for record in scopes.flat_map(|scope| scope.log_records) {
            let body = record.body.clone().unwrap().value;
            if matches!(body, Some(Any::StringValue(text)) if text.ends_with("as a warning")) {
                break 'found record;
            }
        }
    };
    assert_eq!(record.severity_text, "WARN");
    let id = attribute(&record.attributes, "request_id");
    assert_eq!(id, reply.header("x-kong-request-id"));
    loop {
        let body = collector.next("/v1/metrics").await.body;
        let request = ExportMetricsServiceRequest::decode(body).unwrap();
        let scopes = request.resource_metrics.into_iter().flat_map(|all| all.scope_metrics);
        let metrics: Vec<_> = scopes.flat_map(|scope| scope.metrics).collect();
        let of = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap();
        let Some(Data::Sum(calls)) = &of("kong_lua_function_calls_total").data else { panic!() };
        let Some(Data::Histogram(times)) = &of("kong_lua_function_duration_seconds").data else {
            panic!()
        };
        if let [point] = &times.data_points[..] {
            assert!(calls.is_monotonic && calls.data_points.len() == 1);
            assert_eq!((point.count, attribute(&point.attributes, "phase")), (1, "access".into()));
            assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
            assert_eq!(point.bucket_counts.iter().sum::<u64>(), 1);
            break;
        }
    }
}

#[tokio::test]
async fn spans_that_wait_are_sent_when_the_gateway_ends() {
    let mut collector = Collector::start().await;
    let config = json!({
        "traces_endpoint": collector.url("/v1/traces"),
        "sampling_rate": 1,
        "queue": { "max_coalescing_delay": 3600 },
    });
    let file = with_plugins(echo_upstream().await, &[("opentelemetry", config)]);
    let start = Start::of_file(&file).env("KONG_TRACING_INSTRUMENTATIONS", "request,balancer");
    let mut gateway = start.serving();
    gateway.get("/all").send().await;
    gateway.terminate();
    let (spans, _) = collector.spans_until("kong").await;
    assert!(gateway.ended().success());
    assert_eq!(spans.len(), 2, "{spans:#?}");
}

/// A gateway with the plugin, and what else its configuration says.
fn plugged(collector: &Collector, upstream: SocketAddr, more: &Value) -> Gateway {
    let mut config = json!({
        "traces_endpoint": collector.url("/v1/traces"),
        "sampling_rate": 1,
        "http_response_header_for_traceid": "x-trace-id",
        "resource_attributes": { "service.name": "plugged", "team": "shop" },
        "headers": { "x-token": "secret" },
    });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let file = kong_yml(
        upstream,
        &json!({}),
        &json!({ "plugins": [
        { "name": "opentelemetry", "config": config },
    ] }),
    );
    Start::of_file(&file).env("KONG_TRACING_INSTRUMENTATIONS", "all").serving()
}

#[tokio::test]
async fn the_plugin_tells_of_the_requests_of_its_route() {
    let mut collector = Collector::start().await;
    let gateway = plugged(&collector, echo_upstream().await, &json!({}));
    let reply = gateway.get("/all").header("traceparent", PARENT).send().await;
    assert_eq!(reply.header("x-trace-id"), TRACE);
    let sent = collector.next("/v1/traces").await;
    assert_eq!(sent.headers["x-token"], "secret");
    let request = ExportTraceServiceRequest::decode(sent.body).unwrap();
    let resource = request.resource_spans[0].resource.clone().unwrap().attributes;
    assert_eq!(attribute(&resource, "service.name"), "plugged");
    assert_eq!(attribute(&resource, "team"), "shop");
    let spans = &request.resource_spans[0].scope_spans[0].spans;
    let (root, balancer) = (named(spans, "kong"), named(spans, "kong.balancer"));
    assert_eq!(hex(&root.parent_span_id), "b7ad6b7169203331");
    let wanted = format!("00-{TRACE}-{}-01", hex(&balancer.span_id));
    assert_eq!(reply.json()["headers"]["traceparent"], wanted);
}

#[tokio::test]
async fn the_plugin_speaks_the_formats_that_it_is_told_to() {
    let collector = Collector::start().await;
    let upstream = echo_upstream().await;
    let b3 = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1";
    let headers = async |more: Value| {
        let gateway = plugged(&collector, upstream, &more);
        let reply = gateway.get("/all").header("b3", b3).send().await;
        reply.json()["headers"].clone()
    };
    let preserved = headers(json!({})).await;
    let text = preserved["b3"].as_str().unwrap();
    assert!(text.starts_with(&format!("{TRACE}-")) && text != b3 && text.ends_with("-1"), "{text}");
    assert_eq!(preserved["traceparent"], Value::Null);
    let both = headers(json!({ "header_type": "jaeger" })).await;
    assert!(both["uber-trace-id"].as_str().unwrap().starts_with(&format!("{TRACE}:")));
    assert_ne!(both["b3"], b3);
    let ignored = headers(json!({ "header_type": "ignore" })).await;
    assert_eq!(ignored["b3"], b3);
    assert!(!ignored["traceparent"].as_str().unwrap().contains(TRACE));
    let chosen = headers(json!({ "propagation": {
        "extract": ["b3"], "clear": ["b3"], "inject": ["w3c", "datadog"], "default_format": "w3c",
    } }))
    .await;
    assert_eq!(chosen["b3"], Value::Null);
    assert!(chosen["traceparent"].as_str().unwrap().contains(TRACE));
    assert_eq!(chosen["x-datadog-trace-id"], 0x8448_eb21_1c80_319c_u64.to_string());
}

#[tokio::test]
async fn the_plugin_gets_the_log_of_its_requests() {
    let mut collector = Collector::start().await;
    let told = json!({ "logs_endpoint": collector.url("/v1/logs") });
    let function = json!({ "access": ["kong.log.err('in the request')"] });
    let plugins = [("opentelemetry", told), ("post-function", function)];
    let gateway = Gateway::of_file(&with_plugins(echo_upstream().await, &plugins));
    gateway.get("/all").send().await;
    let body = collector.next("/v1/logs").await.body;
    let request = ExportLogsServiceRequest::decode(body).unwrap();
    let records = &request.resource_logs[0].scope_logs[0].log_records;
    let text = |record: &opentelemetry_proto::tonic::logs::v1::LogRecord| {
        format!("{:?}", record.body.as_ref().unwrap().value)
    };
    let record = records.iter().find(|record| text(record).contains("in the request")).unwrap();
    assert_eq!((record.trace_id.len(), record.span_id.len()), (16, 8));
}

#[tokio::test]
async fn a_collector_that_is_away_costs_no_request_and_what_is_lost_is_counted() {
    let gone = crate::support::unused_addr();
    let config = json!({
        "traces_endpoint": format!("http://{gone}/v1/traces"),
        "sampling_rate": 1,
        "queue": { "max_entries": 1, "max_retry_time": 0 },
    });
    let file = with_plugins(echo_upstream().await, &[("opentelemetry", config)]);
    let start = Start::of_file(&file).env("KONG_TRACING_INSTRUMENTATIONS", "all");
    let gateway = start.serving();
    assert_eq!(gateway.get("/all").send().await.status, 200);
    gateway.logged("entries are lost");
    let text = gateway.admin("/metrics").send().await.text();
    let line = text.lines().find(|line| line.starts_with("kong_log_queue_lost_entries_total "));
    assert_ne!(line, Some("kong_log_queue_lost_entries_total 0"), "{text}");
}

#[tokio::test]
async fn configurations_that_cannot_be_are_refused() {
    let gateway = Gateway::empty();
    gateway
        .refuses(
            "opentelemetry",
            &[
                (json!({}), "at least one of these fields must be non-empty"),
                (json!({ "traces_endpoint": "nowhere" }), "expected a url"),
                (
                    json!({ "traces_endpoint": "http://a", "sampling_rate": 2 }),
                    "value should be between 0 and 1",
                ),
                (
                    json!({ "traces_endpoint": "http://a", "header_type": "morse" }),
                    "expected one of",
                ),
            ],
        )
        .await;
}
