//! Calls that take long, and where they are then.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tower_lua::{Functions, Phase, PreFunctionLayer, Runtime};

use crate::support::{Event, Events, echo};

/// What is logged of slow calls when the functions run for one request.
async fn slow_calls(functions: Functions, limit: Duration) -> Vec<Event> {
    let events = Events::capture();
    let runtime = Runtime::builder().vms(1).slow_function(limit).build().unwrap();
    let layer = PreFunctionLayer::new(functions).runtime(&runtime);
    let service = ServiceBuilder::new().layer(layer).service(echo());
    let request = Request::new(Full::<Bytes>::default());
    drop(service.oneshot(request).await.unwrap());
    events.all().into_iter().filter(|event| event.target == "tower_lua::slow").collect()
}

#[tokio::test]
async fn a_call_that_computes_for_long_is_told_of_with_its_line() {
    let source = "local function spin()\n  while ngx.now() < ngx.req.start_time() + 0.05 do\n    ngx.update_time()\n  end\nend\nspin()\nlocal done";
    let set = Functions::builder("busy")
        .function(Phase::Access, "local _ = 1")
        .function(Phase::Access, source)
        .build()
        .unwrap();
    let [event] = slow_calls(set, Duration::from_millis(20)).await.try_into().unwrap();
    assert_eq!((event.field("functions"), event.field("phase")), ("busy", "access"));
    assert_eq!(event.level, "WARN");
    assert!(event.message().starts_with("[pre-function] busy: access[2]: slow: it took "));
    let traceback = event.field("traceback");
    assert!(traceback.contains("in function 'spin'"), "{traceback}");
    assert!(traceback.contains("]:6: in function"), "{traceback}");
    assert!(event.field("elapsed_ms").parse::<f64>().unwrap() >= 20.0);
    assert_eq!(event.field("request_id").len(), 32);
}

#[tokio::test]
async fn a_call_that_waits_for_long_is_told_of_with_where_it_waits() {
    let source = "local function nap()\n  ngx.sleep(0.03)\nend\nnap()\nngx.sleep(0.001)";
    let set = Functions::access("waiting", source).unwrap();
    let [event] = slow_calls(set, Duration::from_millis(20)).await.try_into().unwrap();
    let traceback = event.field("traceback");
    assert!(traceback.contains("]:2: in function 'nap'"), "{traceback}");
    let [elapsed, cpu] =
        ["elapsed_ms", "cpu_ms"].map(|name| event.field(name).parse::<f64>().unwrap());
    assert!(elapsed >= 31.0 && cpu < elapsed, "{elapsed} {cpu}");
}

#[tokio::test]
async fn calls_that_are_quick_are_not_told_of() {
    let set = Functions::access("quick", "ngx.sleep(0.001) for i = 1, 1e4 do end").unwrap();
    assert!(slow_calls(set, Duration::from_secs(60)).await.is_empty());
}
