//! Services behind the gateway.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use super::echo::echo;

/// Serves `app` on a port of its own, until the test ends.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    addr
}

/// A service that answers with what it was asked, as JSON.
pub async fn echo_upstream() -> SocketAddr {
    serve(Router::new().fallback_service(echo())).await
}

/// An address that nothing listens on.
pub async fn unused_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
