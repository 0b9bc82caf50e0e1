//! `ngx.socket`.

mod client;
mod connect;
mod hostile;
mod keepalive;
mod limits;
mod network;
mod options;
mod receive;
mod receiveuntil;
mod request;
mod send;
mod servers;
mod tls;
mod udp;
mod websocket;

use std::net::SocketAddr;

use crate::support::{App, SHOW};

/// Asserts what each source prints, with `sock` connected to a peer of its own.
async fn assert_prints(peer: SocketAddr, cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        let source = format!(
            "local sock = ngx.socket.tcp()
             assert(sock:connect('127.0.0.1', PORT))
             {SHOW}
             {source}"
        );
        assert_eq!(App::reach(peer, &source).await, *expected, "{source}");
    }
}
