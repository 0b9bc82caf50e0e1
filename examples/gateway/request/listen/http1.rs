//! [`Http1`]: a connection of HTTP/1, to its end or until it is given away.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1::Connection;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::BoxError;
use crate::request::handover::Handover;

/// A connection of HTTP/1. hyper's own upgrades give it away after a response with status 101; here it
/// goes to a function in the middle of a request, too.
pub(super) struct Http1<T, S: HttpService<Incoming>> {
    connection: Option<Connection<TokioIo<T>, S>>,
    handover: Arc<Handover>,
}

impl<T, S, B> Http1<T, S>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    pub(super) const fn new(
        connection: Connection<TokioIo<T>, S>,
        handover: Arc<Handover>,
    ) -> Self {
        Self { connection: Some(connection), handover }
    }

    /// Lets it end with the request in flight.
    pub(super) fn graceful_shutdown(&mut self) {
        if let Some(connection) = &mut self.connection {
            Pin::new(connection).graceful_shutdown();
        }
    }
}

impl<T, S, B> Future for Http1<T, S>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        let this = &mut *self;
        let connection = this.connection.as_mut().expect("polled after completion");
        let polled = Pin::new(connection).poll(cx);
        if !this.handover.is_due(matches!(polled, Poll::Ready(Ok(())))) {
            return polled;
        }
        // The request in flight is dropped with what hyper knows of the connection.
        let parts = this.connection.take().expect("looked at above").into_parts();
        this.handover.give(parts.io.into_inner(), parts.read_buf);
        Poll::Ready(Ok(()))
    }
}
