//! How the names of headers are written in HTTP/1: as they came, or as functions have written them.
//!
//! hyper remembers how the names of a message came, and writes them so again where it is told to keep
//! case. What it remembers it puts into the message's extensions, as a type that nobody else can name:
//! there is no other way to read it than to have hyper write a head, and to make it than to have hyper
//! read one. Here it does both, in memory. Messages whose names nobody has a wish for never come here.

use std::cell::RefCell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue, Request};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use tower_lua::HeaderNames;

use super::listen::MOST_FIELDS;

/// The names of `headers` as hyper would write them: one text for each value.
pub(crate) fn names(headers: &HeaderMap, extensions: &Extensions) -> Vec<String> {
    let mirror = Mirror::default();
    mirror.reflect(headers, extensions.clone());
    let head = mirror.0.borrow();
    written(&head.sent).map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Has hyper write the names as functions have written them.
pub(crate) fn apply(headers: &HeaderMap, extensions: &mut Extensions) {
    let Some(names) = extensions.get::<HeaderNames>() else { return };
    let mirror = Mirror::default();
    mirror.0.borrow_mut().names = Some(names.clone());
    if let Some(remembered) = mirror.reflect(headers, extensions.clone()) {
        extensions.extend(remembered);
    }
}

/// The names in the lines of a head, after its first line.
fn written(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head.split(|&byte| byte == b'\n').skip(1);
    lines.filter_map(|line| line.iter().position(|&byte| byte == b':').map(|end| &line[..end]))
}

/// A connection that shows hyper the head that it has written, as a response.
#[derive(Clone, Default)]
struct Mirror(Rc<RefCell<Reflection>>);

#[derive(Default)]
struct Reflection {
    /// How functions have written names, if a response is wanted.
    names: Option<HeaderNames>,
    sent: Vec<u8>,
    answer: Vec<u8>,
    /// How much of the answer has been read.
    read: usize,
}

impl Mirror {
    /// Sends a head, and gives what hyper says of the response to it.
    fn reflect(&self, headers: &HeaderMap, extensions: Extensions) -> Option<Extensions> {
        let mut request = Request::new(Empty::<Bytes>::new());
        for name in headers.iter().map(|(name, _)| name.clone()) {
            request.headers_mut().append(name, HeaderValue::from_static(""));
        }
        *request.extensions_mut() = extensions;
        let cx = &mut Context::from_waker(Waker::noop());
        let mut builder = http1::Builder::new();
        builder.max_headers(MOST_FIELDS).preserve_header_case(true).title_case_headers(true);
        let Poll::Ready(Ok((mut sender, connection))) =
            pin!(builder.handshake(self.clone())).poll(cx)
        else {
            return None;
        };
        let (mut response, mut connection) = (pin!(sender.send_request(request)), pin!(connection));
        // Nothing here waits for anybody else: it is done after as many turns as there are steps.
        for _ in 0..STEPS {
            if let Poll::Ready(response) = response.as_mut().poll(cx) {
                return response.ok().map(|response| response.into_parts().0.extensions);
            }
            let _ = connection.as_mut().poll(cx);
        }
        None
    }
}

/// To write the head, to read it, and to hand it over, with some to spare.
const STEPS: usize = 8;

impl Reflection {
    /// A response whose names are those of the head that was sent, and functions'.
    fn answer(&self, names: &HeaderNames) -> Vec<u8> {
        let mut answer = b"HTTP/1.1 204 No Content\r\n".to_vec();
        for name in written(&self.sent) {
            let set = http::HeaderName::from_bytes(name).ok();
            let set = set.as_ref().and_then(|name| names.get(name));
            answer.extend_from_slice(set.map_or(name, str::as_bytes));
            answer.extend_from_slice(b":\r\n");
        }
        answer.extend_from_slice(b"\r\n");
        answer
    }
}

impl Write for Mirror {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().sent.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Read for Mirror {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut reflection = self.0.borrow_mut();
        if reflection.answer.is_empty()
            && reflection.sent.ends_with(b"\r\n\r\n")
            && let Some(names) = &reflection.names
        {
            reflection.answer = reflection.answer(names);
        }
        let rest = &reflection.answer[reflection.read..];
        let length = rest.len().min(buffer.remaining());
        if length == 0 {
            return Poll::Pending;
        }
        buffer.put_slice(&rest[..length]);
        reflection.read += length;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has_written_are_in_title_case() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-a", "1"), ("content-length", "5"), ("x-a", "2"), ("te", "x")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let extensions = Extensions::new();
        assert_eq!(names(&headers, &extensions), ["X-A", "X-A", "Content-Length", "Te"]);
    }
}
