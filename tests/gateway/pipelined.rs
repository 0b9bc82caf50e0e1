//! Many requests at once for a function that never ends, and one for another beside them.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Start, echo_upstream};

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

/// Asks for an honest function while fifty pipelined requests for a hostile one are answered with
/// `status`: few may have been by then.
async fn honest_beside_fifty(hostile: serde_json::Value, status: &str) {
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
    let gateway = start.serving();
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
