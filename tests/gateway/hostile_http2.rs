//! Clients that speak HTTP/2 in order to harm, frame by frame. Whatever they do, others are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinHandle;

use crate::support::{Gateway, echo_upstream, kong_yml, serve};

async fn gateway() -> Gateway {
    Gateway::of_file(&kong_yml(echo_upstream().await, &json!({}), &json!({})))
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `GET / HTTP/2` of `a`, as HPACK has it.
const GET: &[u8] = b"\x82\x86\x84\x41\x01a";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A length with a prefix of seven bits.
fn length(of: usize) -> Vec<u8> {
    let Some(mut rest) = of.checked_sub(127) else { return vec![of as u8] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
    bytes
}

/// A field with a name that HPACK is not to remember.
fn field(name: &str, value: &[u8]) -> Vec<u8> {
    [&[0][..], &length(name.len()), name.as_bytes(), &length(value.len()), value].concat()
}

/// A connection, of which whatever comes is read.
struct Hostile {
    stream: OwnedWriteHalf,
    /// The kinds of the frames that have come when the connection has ended.
    read: JoinHandle<Vec<u8>>,
}

impl Hostile {
    async fn connect(addr: SocketAddr, settings: &[u8]) -> Self {
        let (mut reads, mut writes) = TcpStream::connect(addr).await.unwrap().into_split();
        writes.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        writes.write_all(&frame(SETTINGS, 0, 0, settings)).await.unwrap();
        let read = tokio::spawn(async move {
            let mut kinds = Vec::new();
            let mut head = [0; 9];
            while reads.read_exact(&mut head).await.is_ok() {
                kinds.push(head[3]);
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                if reads.read_exact(&mut vec![0; length]).await.is_err() {
                    break;
                }
            }
            kinds
        });
        Self { stream: writes, read }
    }

    /// Sends until the other side has had enough, or all is sent: how many of the pieces it took.
    async fn send(&mut self, pieces: impl Iterator<Item = Vec<u8>>) -> usize {
        let mut count = 0;
        for piece in pieces {
            if self.read.is_finished() || self.stream.write_all(&piece).await.is_err() {
                break;
            }
            count += 1;
        }
        count
    }

    /// Waits until the other side has closed the connection: the kinds of the frames that came.
    async fn closed(self) -> Vec<u8> {
        let read = tokio::time::timeout(Duration::from_secs(60), self.read).await;
        read.expect("a connection that is closed").unwrap()
    }
}

async fn is_answered(gateway: &Gateway) {
    assert_eq!(gateway.get("/").send().await.status, 200);
    assert_eq!(gateway.get("/").http2().send().await.status, 200);
}

#[tokio::test]
async fn streams_that_are_reset_as_soon_as_they_are_opened_end_the_connection() {
    let gateway = gateway().await;
    let mut hostile = Hostile::connect(gateway.proxy, &[]).await;
    let streams = (0..200_000).map(|number| {
        let stream = 2 * number + 1;
        let cancelled = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, GET), cancelled].concat()
    });
    let sent = hostile.send(streams).await;
    assert!(sent < 200_000, "all were taken");
    let _ = hostile.closed().await;
    is_answered(&gateway).await;
}

#[tokio::test]
async fn a_head_that_goes_on_and_on_ends_the_connection() {
    let gateway = gateway().await;
    let mut hostile = Hostile::connect(gateway.proxy, &[]).await;
    hostile.send([frame(HEADERS, END_STREAM, 1, GET)].into_iter()).await;
    let piece = field("x-a", &[b'a'; 16_000]);
    let pieces = std::iter::repeat_n(frame(CONTINUATION, 0, 1, &piece), 100_000);
    let sent = hostile.send(pieces).await;
    assert!(sent < 100_000, "1.6 GB of a head were taken");
    let _ = hostile.closed().await;
    // So do frames without anything in them.
    let mut hostile = Hostile::connect(gateway.proxy, &[]).await;
    hostile.send([frame(HEADERS, END_STREAM, 1, GET)].into_iter()).await;
    let empty = std::iter::repeat_n(frame(CONTINUATION, 0, 1, &[]), 1_000_000);
    assert!(hostile.send(empty).await < 1_000_000, "a million empty frames were taken");
    is_answered(&gateway).await;
}

#[tokio::test]
async fn a_head_that_is_too_long_reaches_no_service() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let counting = Router::new().fallback(any(async move || {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    let gateway = Gateway::of_file(&kong_yml(serve(counting).await, &json!({}), &json!({})));
    let mut hostile = Hostile::connect(gateway.proxy, &[]).await;
    let fields = (0..300).flat_map(|number| field(&format!("x-{number}"), &[b'a'; 1000]));
    let fields: Vec<_> = fields.collect();
    let mut pieces = vec![frame(HEADERS, END_STREAM, 1, GET)];
    pieces.extend(fields.chunks(16_000).map(|piece| frame(CONTINUATION, 0, 1, piece)));
    pieces.push(frame(CONTINUATION, END_HEADERS, 1, &[]));
    pieces.push(frame(GOAWAY, 0, 0, &[0; 8]));
    hostile.send(pieces.into_iter()).await;
    let _ = hostile.closed().await;
    assert_eq!(count.load(Ordering::SeqCst), 0);
    is_answered(&gateway).await;
}

#[tokio::test]
async fn streams_that_never_take_their_bodies_keep_nobody_else_waiting() {
    let gateway = gateway().await;
    // SETTINGS_INITIAL_WINDOW_SIZE is 0.
    let mut hostile = Hostile::connect(gateway.proxy, &[0, 4, 0, 0, 0, 0]).await;
    let streams =
        (0..50).map(|number| frame(HEADERS, END_HEADERS | END_STREAM, 2 * number + 1, GET));
    assert_eq!(hostile.send(streams).await, 50);
    is_answered(&gateway).await;
    assert!(!hostile.read.is_finished());
}

#[tokio::test]
async fn a_flood_of_pings_keeps_nobody_else_waiting() {
    let gateway = gateway().await;
    let mut hostile = Hostile::connect(gateway.proxy, &[]).await;
    let pings = std::iter::repeat_n(frame(PING, 0, 0, &[0; 8]).repeat(100), 1_000);
    hostile.send(pings).await;
    is_answered(&gateway).await;
}
