//! [`Socket`]: a connection that is asked more often than it has something.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::noted::Noted;

/// A connection that notes only once who is to be woken when something comes.
pub(crate) struct Socket {
    stream: TcpStream,
    reader: Noted,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, reader: Noted::default() }
    }

    fn has_something(&self) -> bool {
        self.stream.try_io(Interest::READABLE, || Ok(())).is_ok()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.reader.has(cx) && !this.has_something() {
            return Poll::Pending;
        }
        let stream = Pin::new(&mut this.stream);
        this.reader.ask(cx, |cx| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::poll;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::coop;
    use tokio::time::timeout;

    use super::*;

    async fn connected() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Socket::new(listener.accept().await.unwrap().0), other)
    }

    /// The next byte, whom somebody waits for who has looked in vain several times.
    async fn next_byte(socket: &mut Socket) -> u8 {
        for _ in 0..3 {
            assert!(poll!(Box::pin(socket.read_u8())).is_pending());
        }
        timeout(Duration::from_secs(10), socket.read_u8()).await.expect("woken").unwrap()
    }

    #[tokio::test]
    async fn who_has_looked_in_vain_is_woken_each_time() {
        let (mut socket, mut other) = connected().await;
        let read =
            tokio::spawn(
                async move { [next_byte(&mut socket).await, next_byte(&mut socket).await] },
            );
        for byte in 0..2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            other.write_u8(byte).await.unwrap();
        }
        assert_eq!(read.await.unwrap(), [0, 1]);
    }

    #[tokio::test]
    async fn another_task_that_looks_is_woken_in_the_place_of_the_first() {
        let (mut socket, mut other) = connected().await;
        assert!(poll!(Box::pin(socket.read_u8())).is_pending());
        let second = tokio::spawn(async move { next_byte(&mut socket).await });
        tokio::task::yield_now().await;
        other.write_u8(7).await.unwrap();
        assert_eq!(second.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_task_that_has_had_its_turn_is_woken() {
        let (mut socket, mut other) = connected().await;
        other.write_u8(1).await.unwrap();
        let read = tokio::spawn(async move {
            let mut bytes = [0; 8];
            assert_eq!(socket.read(&mut bytes).await.unwrap(), 1);
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
            socket.read(&mut bytes).await.map(|count| bytes[..count].to_vec())
        });
        // Not before it has waited with its turn over, and once more.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        other.write_u8(2).await.unwrap();
        let read = timeout(Duration::from_secs(10), read).await.expect("woken");
        assert_eq!(read.unwrap().unwrap(), [2]);
    }
}
