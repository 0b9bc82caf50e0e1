//! Services behind the gateway.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket};

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

/// An address that nobody listens on before its test does, for nobody else can: tests that run beside it, and what
/// they start, are given ports by the hundred.
pub struct Reserved(TcpSocket);

impl Reserved {
    pub fn new() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// The same address once more, for who listens there when another does no more.
    pub fn again(&self) -> Self {
        Self::at(self.addr())
    }

    fn at(addr: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseport(true).unwrap();
        socket.bind(addr).unwrap();
        Self(socket)
    }

    pub fn addr(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub fn listen(self) -> TcpListener {
        self.0.listen(1024).unwrap()
    }
}

/// An address that nobody ever listens on.
pub fn unused_addr() -> SocketAddr {
    Box::leak(Box::new(Reserved::new())).addr()
}
