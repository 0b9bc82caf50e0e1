//! What requests hold of their VM while they wait.

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_lua::{Functions, PreFunctionLayer, Runtime};

#[tokio::test]
async fn twenty_thousand_requests_with_contexts_wait_in_one_vm() {
    let runtime = Runtime::builder().vms(1).budget(crate::support::patient()).build().unwrap();
    let source = "kong.ctx.shared.id = kong.request.get_query_arg('id')
        kong.ctx.plugin.id, ngx.ctx.id = kong.ctx.shared.id, kong.ctx.shared.id
        ngx.sleep(1)
        kong.response.exit(200, kong.ctx.shared.id .. kong.ctx.plugin.id .. ngx.ctx.id)";
    let layer = PreFunctionLayer::new(Functions::access("wait", source).unwrap()).runtime(&runtime);
    let service = layer.layer(service_fn(async |_: Request<_>| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let requests = (0..20_000).map(|id| {
        let uri = format!("http://a.example/?id={id}");
        let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        let service = service.clone();
        async move { (id, service.oneshot(request).await) }
    });
    for (id, response) in join_all(requests).await {
        let Ok(response) = response;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, format!("{id}{id}{id}"));
    }
    assert_eq!(runtime.stats().suspended, 0);
}
