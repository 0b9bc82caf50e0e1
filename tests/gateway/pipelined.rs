//! Many requests at once for a function that never ends, and one for another beside them.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, Start, echo_upstream};

#[tokio::test]
async fn fifty_requests_for_a_loop_do_not_keep_an_honest_one_waiting_for_more_than_a_few() {
    honest_beside_fifty(json!({ "access": ["while true do end"] }), "HTTP/1.1 500").await;
}

#[tokio::test]
async fn nor_do_those_whose_filter_loops_or_whose_set_fails_open() {
    honest_beside_fifty(json!({ "header_filter": ["while true do end"] }), "HTTP/1.1 500").await;
    let open = json!({ "access": ["while true do end"], "fail_open": true });
    honest_beside_fifty(open, "HTTP/1.1 200").await;
}

#[tokio::test]
async fn nor_do_those_that_fill_the_memory() {
    let filling = "local t = {} while true do t[#t + 1] = {} end";
    honest_beside_fifty(json!({ "access": [filling] }), "HTTP/1.1 500").await;
}

#[tokio::test]
async fn nor_do_fifty_streams_of_one_connection() {
    let gateway = beside_an_honest_one(json!({ "access": ["while true do end"] })).await;
    let mut hostile = TcpStream::connect(gateway.proxy).await.unwrap();
    // `GET /loop` of `a`, as HPACK has it, in frames of HEADERS that end their streams.
    let head = b"\x82\x86\x04\x05/loop\x41\x01a";
    let stream = |number: u8| [&[0, 0, 12, HEADERS, 5, 0, 0, 0, number][..], head].concat();
    let streams: Vec<_> = (0..50).flat_map(|count| stream(2 * count + 1)).collect();
    let opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    hostile.write_all(&[&opening[..], &streams].concat()).await.unwrap();
    // The first has its answer, so that all are there.
    while next_frame(&mut hostile).await != HEADERS {}
    assert_eq!(gateway.get("/honest").send().await.status, 200);
    let mut answers = vec![0; 1 << 20];
    let length = hostile.try_read(&mut answers).unwrap_or_default();
    let (mut rest, mut count) = (&answers[..length], 1);
    while let [a, b, c, kind, _, _, _, _, _, after @ ..] = rest {
        count += usize::from(*kind == HEADERS);
        rest = after.get(u32::from_be_bytes([0, *a, *b, *c]) as usize..).unwrap_or_default();
    }
    assert!(count < 7, "{count} were answered before the honest request");
}

/// The kind of frame that an answer begins with.
const HEADERS: u8 = 1;

/// The kind of the next frame.
async fn next_frame(stream: &mut TcpStream) -> u8 {
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    head[3]
}

/// Asks for an honest function while fifty pipelined requests for a hostile one are answered with
/// `status`: few may have been by then.
async fn honest_beside_fifty(hostile: serde_json::Value, status: &str) {
    let gateway = beside_an_honest_one(hostile).await;
    let mut hostile = TcpStream::connect(gateway.proxy).await.unwrap();
    hostile.write_all("GET /loop HTTP/1.1\r\nhost: a\r\n\r\n".repeat(50).as_bytes()).await.unwrap();
    // The first has its answer, so that all are there.
    hostile.readable().await.unwrap();
    assert_eq!(gateway.get("/honest").send().await.status, 200);
    let mut answers = vec![0; 1 << 20];
    let length = hostile.try_read(&mut answers).unwrap();
    let answers = String::from_utf8_lossy(&answers[..length]);
    let count = answers.matches(status).count();
    assert!(count < 7, "{count} of {status} came before the honest request was answered");
}

/// A gateway of one worker, with functions at `/loop`, and none at `/honest`.
async fn beside_an_honest_one(hostile: serde_json::Value) -> Gateway {
    let looping = json!({ "name": "pre-function", "config": hostile });
    let file = json!({ "_format_version": "3.0", "services": [{
        "name": "shop",
        "url": format!("http://{}", echo_upstream().await),
        "routes": [
            { "name": "loop", "paths": ["/loop"], "plugins": [looping] },
            { "name": "honest", "paths": ["/honest"] },
        ],
    }]});
    let start = Start::of_file(&file.to_string()).env("KONG_NGINX_WORKER_PROCESSES", "1");
    start.serving()
}
