//! What an observer is told of calls, and the name that a TLS client asked for.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt};
use tower_lua::{FunctionOutcome, Functions, Phase, PreFunctionLayer, Runtime, Tls};

use crate::support::echo;

/// The outcomes of the calls that one request makes.
async fn outcomes(functions: Functions) -> Vec<(Phase, usize, FunctionOutcome)> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let runtime = Runtime::builder()
        .vms(1)
        .observer(move |call| {
            assert_eq!((call.set, call.plugin.name()), ("set", "pre-function"));
            log.lock().unwrap().push((call.phase, call.index, call.outcome));
        })
        .build()
        .unwrap();
    let layer = PreFunctionLayer::new(functions).runtime(&runtime);
    let service = ServiceBuilder::new().layer(layer).service(echo());
    let response = service.oneshot(Request::new(Full::<Bytes>::default())).await.unwrap();
    drop(response);
    std::mem::take(&mut *seen.lock().unwrap())
}

#[tokio::test]
async fn each_call_is_told_with_its_place_and_its_end() {
    let set = Functions::builder("set")
        .function(Phase::Rewrite, "local _ = 1")
        .function(Phase::Access, "ngx.sleep(0.001)")
        .function(Phase::Access, "return kong.response.exit(200)")
        .function(Phase::Access, "error('never run')")
        .function(Phase::Log, "error('on purpose')")
        .build()
        .unwrap();
    assert_eq!(
        outcomes(set).await,
        [
            (Phase::Rewrite, 1, FunctionOutcome::Returned),
            (Phase::Access, 1, FunctionOutcome::Waited),
            (Phase::Access, 1, FunctionOutcome::Returned),
            (Phase::Access, 2, FunctionOutcome::Exited),
            (Phase::Log, 1, FunctionOutcome::Failed),
        ]
    );
}

#[tokio::test]
async fn a_call_is_told_with_its_error_and_the_time_of_all_its_stretches() {
    let set = Functions::builder("set")
        .function(Phase::Access, "ngx.sleep(0.01) for i = 1, 1e4 do end ngx.sleep(0.01)")
        .function(Phase::Log, "error('on purpose')")
        .build()
        .unwrap();
    let id = set.id();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let observe = move |call: &tower_lua::FunctionCall<'_>| {
        assert_eq!(call.set_id, id);
        let error = call.error.map(|error| {
            assert_eq!((error.function_set_id(), error.function_index()), (Some(id), Some(1)));
            error.is_runtime()
        });
        log.lock().unwrap().push((call.time, call.elapsed, call.cpu_time, error));
    };
    let runtime = Runtime::builder().vms(1).observer(observe).build().unwrap();
    let layer = PreFunctionLayer::new(set).runtime(&runtime);
    let service = ServiceBuilder::new().layer(layer).service(echo());
    let response = service.oneshot(Request::new(Full::<Bytes>::default())).await.unwrap();
    drop(response);
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let [first, second, third, log] = seen.try_into().unwrap();
    let slept = std::time::Duration::from_millis(20);
    assert!(first.1 < second.1 && second.1 < third.1 && third.1 >= slept, "{third:?}");
    assert!(first.2 <= second.2 && second.2 <= third.2 && third.2 < third.1, "{third:?}");
    assert!(third.0 < third.1);
    assert_eq!([first.3, second.3, third.3, log.3], [None, None, None, Some(true)]);
}

#[tokio::test]
async fn functions_see_the_server_name_that_a_client_asked_for() {
    let source = "return kong.response.exit(200, ngx.var.ssl_server_name or 'none')";
    let functions = Functions::access("name", source).unwrap();
    let runtime = Runtime::builder().vms(1).build().unwrap();
    let layer = PreFunctionLayer::new(functions).runtime(&runtime);
    for (tls, wanted) in [
        (
            Some(Tls::new("TLSv1.3", "TLS_AES_256_GCM_SHA384").with_server_name("shop.test")),
            "shop.test",
        ),
        (None, "none"),
    ] {
        let mut request = Request::new(Full::<Bytes>::default());
        if let Some(tls) = tls {
            request.extensions_mut().insert(tls);
        }
        let service = ServiceBuilder::new().layer(layer.clone()).service(echo());
        let response = service.oneshot(request).await.unwrap();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        assert_eq!(body, wanted);
    }
}
