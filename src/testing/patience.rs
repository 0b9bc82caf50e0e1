//! How long a request may take by the machine's clock, whatever time it is for functions.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::sync::oneshot;

/// What comes of `exchange`, or a 504 if it takes longer than `limit`.
pub(super) async fn within(
    limit: Option<Duration>,
    exchange: impl Future<Output = Response<Bytes>>,
) -> Response<Bytes> {
    let Some(limit) = limit else { return exchange.await };
    let (done, is_done) = mpsc::channel::<()>();
    let (tell, told) = oneshot::channel();
    let watch = move || {
        // Ends with the sender, too, when the exchange is over.
        if is_done.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = tell.send(());
        }
    };
    let watching = std::thread::Builder::new().name("patience".to_owned()).spawn(watch);
    let (mut told, mut exchange) = (pin!(told), pin!(exchange));
    let response = poll_fn(|cx| {
        if matches!(told.as_mut().poll(cx), Poll::Ready(Ok(()))) {
            return Poll::Ready(given_up(limit));
        }
        exchange.as_mut().poll(cx)
    })
    .await;
    drop((done, watching));
    response
}

fn given_up(limit: Duration) -> Response<Bytes> {
    let message = format!("given up: it took longer than {limit:?}");
    tracing::error!(target: "tower_lua::function", "{message}");
    let mut response = Response::new(message.into());
    *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
    response
}
