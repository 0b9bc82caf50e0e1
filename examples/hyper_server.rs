//! The same function on a bare hyper server, over HTTP/1 and HTTP/2.
//!
//! ```console
//! $ cargo run --example hyper_server
//! $ curl -i localhost:3000/                             # 401 Invalid Credentials
//! $ curl -i localhost:3000/ -H 'x-custom-auth: demo'    # 200
//! $ curl -i localhost:3000/ -H 'x-custom-auth: demo' --http2-prior-knowledge
//! ```

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::{ServiceBuilder, service_fn};
use tower_lua::{Functions, PreFunctionLayer, RequestBody};

const CUSTOM_AUTH: &str = include_str!("gateway/custom-auth.lua");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = Functions::access("custom-auth", CUSTOM_AUTH)?;
    let service =
        ServiceBuilder::new().layer(PreFunctionLayer::new(functions)).service(service_fn(hello));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let builder = auto::Builder::new(TokioExecutor::new());
            if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                eprintln!("connection broke: {error}");
            }
        });
    }
}

async fn hello(
    request: Request<RequestBody<Incoming>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let seen = request.headers().contains_key("x-custom-auth");
    let body = format!("Hello! Did the credentials reach this service? {seen}\n");
    Ok(Response::new(Full::new(body.into())))
}
