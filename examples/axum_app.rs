//! An axum application with a function of Kong's documentation in front of its routes.
//!
//! ```console
//! $ cargo run --example axum_app
//! $ curl -i localhost:3000/                             # 401 Invalid Credentials
//! $ curl -i localhost:3000/ -H 'x-custom-auth: demo'    # 200
//! ```

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Router, middleware};
use tower_lua::{Connection, Functions, PreFunctionLayer};

const CUSTOM_AUTH: &str = include_str!("gateway/custom-auth.lua");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // These two lines are all it takes.
    let functions = Functions::access("custom-auth", CUSTOM_AUTH)?;
    let app = Router::new().route("/", get(hello)).layer(PreFunctionLayer::new(functions));

    // And this is for functions that ask where a request comes from: `kong.client.get_ip()`.
    let app = app.layer(middleware::map_request(tell_connection));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn hello(headers: HeaderMap) -> String {
    let seen = headers.contains_key("x-custom-auth");
    format!("Hello! Did the credentials reach this handler? {seen}\n")
}

async fn tell_connection(peer: ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(Connection::new(peer.0));
    request
}
