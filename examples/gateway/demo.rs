//! The demonstration of Kong's documentation, with an upstream that needs no network.

use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::any;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::BoxError;
use crate::configured::schema::Object;

/// The function as the documentation prints it.
const CUSTOM_AUTH: &str = include_str!("custom-auth.lua");

/// The service `plugin-testing` at `upstream`, its route `/test`, and the function on it.
pub(crate) fn declaration(upstream: SocketAddr) -> Object {
    let declaration = json!({
        "_format_version": "3.0",
        "services": [{
            "name": "plugin-testing",
            "url": format!("http://{upstream}/headers"),
            "routes": [{ "paths": ["/test"] }],
            "plugins": [{ "name": "pre-function", "config": { "functions": [CUSTOM_AUTH] } }],
        }],
    });
    match declaration {
        Value::Object(declaration) => declaration,
        _ => Object::new(),
    }
}

/// Serves what `httpbin.org/headers` shows, the headers of the request, on a port of its own.
pub(crate) async fn serve_upstream(mut stop: watch::Receiver<()>) -> Result<SocketAddr, BoxError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let app =
        Router::new().route("/headers", any(|headers: HeaderMap| async move { show(&headers) }));
    tokio::spawn(async move {
        let stopped = async move {
            let _ = stop.changed().await;
        };
        if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
            tracing::error!("the demonstration's upstream: {error}");
        }
    });
    Ok(addr)
}

fn show(headers: &HeaderMap) -> impl IntoResponse + use<> {
    let mut shown = Map::new();
    for (name, value) in headers {
        let words = name.as_str().split('-').map(capitalized);
        let name = words.collect::<Vec<_>>().join("-");
        shown.insert(name, Value::from(String::from_utf8_lossy(value.as_bytes())));
    }
    ([(CONTENT_TYPE, "application/json")], format!("{:#}\n", json!({ "headers": shown })))
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// Says what to try, of clients at `addr` and of browsers at `page`.
pub(crate) fn explain(addr: Option<SocketAddr>, page: Option<SocketAddr>) {
    let Some(addr) = addr else { return };
    println!("The demonstration of Kong's documentation is being served. Try:\n");
    println!("  curl -i http://{addr}/test                                # 401");
    println!("  curl -i http://{addr}/test -H 'x-custom-auth: demo'       # 200\n");
    if let Some(page) = page {
        println!("The function is to be seen and changed at http://{page}/\n");
    }
}
