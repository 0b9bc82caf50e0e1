//! A service that speaks in bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Answers each connection with the same bytes, and keeps what it was asked.
pub struct KeptHead {
    pub addr: SocketAddr,
    asked: Arc<Mutex<UnboundedReceiver<String>>>,
}

impl KeptHead {
    pub async fn answering(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, asked) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                let mut chunk = [0; 4096];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut chunk).await {
                        Ok(count @ 1..) => head.extend_from_slice(&chunk[..count]),
                        _ => break,
                    }
                }
                let _ = sender.send(String::from_utf8_lossy(&head).into_owned());
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { addr, asked: Arc::new(Mutex::new(asked)) }
    }

    /// The next request that it got, as it came.
    pub async fn asked(&self) -> String {
        self.asked.lock().await.recv().await.unwrap()
    }
}
