//! An axum application with a function of Kong's documentation in front of its routes.
//!
//! ```console
//! $ cargo run --example axum_app
//! $ curl -i localhost:3000/                             # 401 Invalid Credentials
//! $ curl -i localhost:3000/ -H 'x-custom-auth: demo'    # 200
//! ```

use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use tower_lua::{Functions, PreFunctionLayer, Runtime};

const CUSTOM_AUTH: &str = include_str!("gateway/custom-auth.lua");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = Functions::access("custom-auth", CUSTOM_AUTH)?;
    // With the feature `axum`, functions know what axum knows: `kong.client.get_ip()`, for one.
    let runtime = Runtime::builder().connection(tower_lua::axum::describe).build()?;
    let app = Router::new()
        .route("/", get(hello))
        .layer(PreFunctionLayer::new(functions).runtime(&runtime));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn hello(headers: HeaderMap) -> String {
    let seen = headers.contains_key("x-custom-auth");
    format!("Hello! Did the credentials reach this handler? {seen}\n")
}
