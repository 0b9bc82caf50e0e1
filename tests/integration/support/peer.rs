//! Servers that functions reach out to.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_lua::{Network, RuntimeBuilder, Sandbox};

use super::{App, Server};

/// Serves each connection with `serve`, on a port of its own, until the test ends.
pub async fn peer<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("bound above");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    addr
}

/// A server that says `text` to whoever connects, and closes the connection.
pub async fn says(text: &'static str) -> SocketAddr {
    peer(move |mut stream| async move {
        let _ = stream.write_all(text.as_bytes()).await;
    })
    .await
}

/// A server that gives back what it gets.
pub async fn echoes() -> SocketAddr {
    peer(|mut stream| async move {
        let (mut reader, mut writer) = stream.split();
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
    })
    .await
}

/// A server that takes what it gets and says nothing.
pub async fn silent() -> SocketAddr {
    peer(|mut stream| async move {
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
    })
    .await
}

/// Lets functions reach everything.
pub fn reaching(builder: RuntimeBuilder) -> RuntimeBuilder {
    let sandbox = Sandbox::default().allow_require("cjson").allow_require("cjson.safe");
    builder.sandbox(sandbox.network(Network::any()))
}

impl App {
    /// What `source` prints in `access`, with `PORT` in it being the port of `peer`, in an application
    /// whose functions may reach everything.
    pub async fn reach(peer: SocketAddr, source: &str) -> String {
        let app = Self::reaching(peer, source).await;
        app.get("/").send().await.text()
    }

    /// Such an application.
    pub async fn reaching(peer: SocketAddr, source: &str) -> Self {
        let source = source.replace("PORT", &peer.port().to_string());
        Self::builder().runtime(reaching).access(&source).serve().await
    }
}

impl Server {
    /// What `source` prints in `access`, with `SERVER` in it being the server's address.
    pub async fn reach(&self, source: &str) -> String {
        self.app(source, reaching).await.get("/").send().await.text()
    }

    /// An application with `source` in it.
    pub async fn app(
        &self,
        source: &str,
        runtime: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> App {
        let source = source.replace("SERVER", &self.address());
        App::builder().runtime(runtime).access(&source).serve().await
    }
}
