//! A server at the other end of a function's connection: it speaks as much HTTP/1.1 as `resty.http`.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::answers::{Answers, origin};

/// How much is on its way at once.
const BUFFER: usize = 64 << 10;

/// Begins to serve a connection to a host: the client's end of it.
pub(super) fn connection(host: String, port: u16, answers: Arc<Mutex<Answers>>) -> DuplexStream {
    let (client, server) = tokio::io::duplex(BUFFER);
    tokio::spawn(serve(server, host, port, answers));
    client
}

async fn serve(mut stream: DuplexStream, host: String, port: u16, answers: Arc<Mutex<Answers>>) {
    let mut read = BytesMut::new();
    while let Some((request, path)) = request(&mut stream, &mut read).await {
        // Nothing is encrypted here: who asks for port 443 means `https`.
        let url = format!("{}{path}", origin(&host, port));
        let answer = answers.lock().find(&url);
        let is_head = request.method() == http::Method::HEAD;
        let response = answer(request);
        if stream.write_all(&written(&response, is_head)).await.is_err() {
            return;
        }
    }
}

/// Reads a request, and its path. `None` is the end, or what is none.
async fn request(
    stream: &mut DuplexStream,
    read: &mut BytesMut,
) -> Option<(Request<Bytes>, String)> {
    let (request, path, length) = loop {
        let mut headers = [httparse::EMPTY_HEADER; 128];
        let mut head = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) = head.parse(read).ok()? {
            let path = head.path?.to_owned();
            let mut request = Request::builder().method(head.method?).uri(&path);
            for field in head.headers.iter() {
                request = request.header(field.name, field.value);
            }
            break (request.body(()).ok()?, path, length);
        }
        fill(stream, read).await?;
    };
    read.advance(length);
    let body = body(stream, read, request.headers()).await?;
    Some((request.map(|()| body), path))
}

async fn body(
    stream: &mut DuplexStream,
    read: &mut BytesMut,
    headers: &HeaderMap,
) -> Option<Bytes> {
    let is_chunked = headers.get(header::TRANSFER_ENCODING).is_some();
    if is_chunked {
        return chunks(stream, read).await;
    }
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length: usize = length.unwrap_or(0);
    while read.len() < length {
        fill(stream, read).await?;
    }
    Some(read.split_to(length).freeze())
}

async fn chunks(stream: &mut DuplexStream, read: &mut BytesMut) -> Option<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let (start, size) = loop {
            match httparse::parse_chunk_size(read).ok()? {
                httparse::Status::Complete(found) => break found,
                httparse::Status::Partial => fill(stream, read).await?,
            }
        };
        let size = usize::try_from(size).ok()?;
        while read.len() < start + size + 2 {
            fill(stream, read).await?;
        }
        read.advance(start);
        body.extend_from_slice(&read.split_to(size));
        read.advance(2);
        if size == 0 {
            return Some(body.freeze());
        }
    }
}

async fn fill(stream: &mut DuplexStream, read: &mut BytesMut) -> Option<()> {
    let count = stream.read_buf(read).await.ok()?;
    (count > 0).then_some(())
}

fn written(response: &Response<Bytes>, is_head: bool) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    let mut line = |name: &str, value: &HeaderValue| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    };
    let frames = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION];
    for (name, value) in response.headers().iter().filter(|(name, _)| !frames.contains(name)) {
        line(name.as_str(), value);
    }
    line("content-length", &HeaderValue::from(response.body().len()));
    bytes.extend_from_slice(b"\r\n");
    if !is_head {
        bytes.extend_from_slice(response.body());
    }
    bytes
}
