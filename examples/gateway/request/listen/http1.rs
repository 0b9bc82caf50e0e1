//! A connection of HTTP/1, to its end or until it is given away.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1::Connection;
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_lua::ClientStream;

use super::stop::Stop;
use crate::BoxError;
use crate::request::handover::Handover;

/// Serves a connection to its end: when the gateway stops, that of the request in flight. hyper's own upgrades
/// give it away after a response with status 101; here it goes to a function in the middle of a request, too.
pub(super) async fn serve<T, S, B>(
    connection: Connection<TokioIo<T>, S>,
    handover: &Handover,
    mut stop: Stop,
) -> hyper::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<BoxError>,
    B: Body + 'static,
    B::Error: Into<BoxError>,
{
    let mut held = Some(connection);
    let mut stops = false;
    poll_fn(move |cx| {
        let connection = held.as_mut().expect("polled after completion");
        if !stops && Pin::new(&mut stop).poll(cx).is_ready() {
            stops = true;
            Pin::new(&mut *connection).graceful_shutdown();
        }
        let polled = Pin::new(connection).poll(cx);
        if !handover.is_due(matches!(polled, Poll::Ready(Ok(())))) {
            return polled;
        }
        // The request in flight is dropped with what hyper knows of the connection.
        let parts = held.take().expect("looked at above").into_parts();
        handover.give(ClientStream::new(parts.io.into_inner(), parts.read_buf));
        Poll::Ready(Ok(()))
    })
    .await
}
