//! An HTTP/1 server that functions call, which does as the path says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::peer;

/// A request as it came.
struct Request {
    line: String,
    head: String,
    body: String,
}

/// Serves requests, until the test ends: `/echo` tells what came, `/chunked` answers in chunks and with
/// a trailer, `/close` without a length, `/old` as HTTP/1.0 does, and so on.
pub async fn http_server() -> SocketAddr {
    let connections = Arc::new(AtomicUsize::new(0));
    peer(move |stream| {
        let number = connections.fetch_add(1, Ordering::Relaxed);
        serve(stream, number)
    })
    .await
}

/// Serves the requests of one connection, the `number`th.
pub async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, number: usize) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        let path = path.strip_prefix("http://there").unwrap_or(&path).to_owned();
        if path.starts_with("/slow") {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
        let answer = answer(&path, &request, number);
        if stream.write_all(answer.as_bytes()).await.is_err() || !path.is_persistent() {
            return;
        }
    }
}

trait Persistence {
    fn is_persistent(&self) -> bool;
}

impl Persistence for String {
    fn is_persistent(&self) -> bool {
        !["/close", "/old", "/broken", "/nonsense"].iter().any(|path| self.starts_with(path))
    }
}

async fn read(stream: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Request> {
    let (mut line, mut head) = (String::new(), String::new());
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    loop {
        let before = head.len();
        stream.read_line(&mut head).await.ok()?;
        if head[before..].trim_end().is_empty() {
            break;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let mut body = String::from_utf8_lossy(&body).into_owned();
    if lower.contains("transfer-encoding: chunked") {
        while !body.ends_with("0\r\n\r\n") {
            stream.read_line(&mut body).await.ok()?;
        }
    }
    Some(Request { line: line.trim_end().to_owned(), head: head.trim_end().to_owned(), body })
}

fn answer(path: &str, request: &Request, number: usize) -> String {
    let sized = |extra: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\n{extra}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    match path.split('?').next().unwrap_or_default() {
        "/echo" => {
            let mut fields: Vec<_> = request.head.lines().collect();
            fields.sort_unstable();
            sized("", &format!("{}\n{}\n\n{}", request.line, fields.join("\n"), request.body))
        }
        "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                       5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nX-Sum: 12\r\n\r\n"
            .to_owned(),
        "/close" => "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end".to_owned(),
        "/old" => "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold".to_owned(),
        "/empty" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "/interim" => {
            format!("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n{}", sized("", "after the hints"))
        }
        "/headers" => sized("X-One: 1\r\nx-two: 2\r\nSet-Cookie: a\r\nset-cookie: b\r\n", "x"),
        "/broken" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly so much".to_owned(),
        "/nonsense" => "nonsense\r\n\r\n".to_owned(),
        "/redirect" => "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\
                        Content-Length: 0\r\n\r\n"
            .to_owned(),
        "/connection" => sized("", &number.to_string()),
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    }
}
