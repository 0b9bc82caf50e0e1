//! Functions that have the client's connection.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, unused_addr, with_plugins};

#[tokio::test]
async fn a_function_speaks_another_protocol_with_the_client() {
    let access = "ngx.status = 101
        ngx.header.Upgrade = 'lines'
        ngx.send_headers()
        ngx.flush(true)
        local sock = assert(ngx.req.socket(true))
        sock:send('you said ' .. sock:receive() .. '\\n')";
    let log = "kong.log.err('after ', ngx.status)";
    let plugin = ("pre-function", json!({ "access": [access], "log": [log] }));
    let file = with_plugins(unused_addr().await, &[plugin]);
    let gateway = Gateway::of_file(&file);
    let mut stream = TcpStream::connect(gateway.proxy).await.unwrap();
    let request =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\nhello\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{all}");
    assert!(all.ends_with("\r\n\r\nyou said hello\n"), "{all}");
    gateway.logged("after 101");
}
