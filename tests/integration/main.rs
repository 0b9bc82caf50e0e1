use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Empty};
use tower::{ServiceExt, service_fn, Layer};
use tower_lua::*;

#[tokio::test]
async fn demo() {
    let f = Functions::access("custom-auth", r#"
local custom_auth = kong.request.get_header("x-custom-auth")
if not custom_auth then
  return kong.response.exit(401, "Invalid Credentials")
end
kong.request.clear_header('x-custom-auth')
"#).unwrap();
    let svc = PreFunctionLayer::new(f).layer(service_fn(|r: Request<RequestBody<Empty<Bytes>>>| async move {
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(format!("{:?}", r.headers())))))
    }));
    let r = svc.clone().oneshot(Request::new(Empty::new())).await.unwrap();
    println!("{:?}", r.status());
    println!("{:?}", r.headers());
    println!("{:?}", r.into_body().collect().await.unwrap().to_bytes());
    let r = svc.clone().oneshot(Request::builder().header("x-custom-auth", "demo").body(Empty::new()).unwrap()).await.unwrap();
    println!("{:?}", r.status());
    println!("{:?}", r.into_body().collect().await.unwrap().to_bytes());
    let f = Functions::access("x", "ngx.sleep(0.1) error('boom')").unwrap();
    let svc = PreFunctionLayer::new(f).layer(service_fn(|r: Request<RequestBody<Empty<Bytes>>>| async move {
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(format!("{:?}", r.headers())))))
    }));
    let r = svc.clone().oneshot(Request::new(Empty::new())).await.unwrap();
    println!("{:?}", r.status());
    println!("{:?}", r.into_body().collect().await.unwrap().to_bytes());
}
