//! How the names of a message's headers came.
//!
//! hyper remembers it where it is told to keep case, and puts it into the message's extensions as a type that
//! nobody else can name: there is no other way to read it than to have hyper write a head. Here it does, in
//! memory. Messages whose names no function asks for never come here.

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
use memchr::memchr;

/// The names of `headers` as hyper would write them: one text for each value.
pub(crate) fn names(headers: &HeaderMap, extensions: &Extensions) -> Vec<String> {
    let mirror = Mirror::default();
    mirror.reflect(headers, extensions.clone());
    let head = mirror.0.borrow();
    let lines = head.split(|&byte| byte == b'\n').skip(1);
    let names = lines.filter_map(|line| Some(&line[..memchr(b':', line)?]));
    names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// A connection that keeps what is written to it, and never answers.
#[derive(Clone, Default)]
struct Mirror(Rc<RefCell<Vec<u8>>>);

impl Mirror {
    /// Has hyper write a head.
    fn reflect(&self, headers: &HeaderMap, extensions: Extensions) {
        let mut request = Request::new(Empty::<Bytes>::new());
        for name in headers.iter().map(|(name, _)| name.clone()) {
            request.headers_mut().append(name, HeaderValue::from_static(""));
        }
        *request.extensions_mut() = extensions;
        let cx = &mut Context::from_waker(Waker::noop());
        let mut builder = http1::Builder::new();
        builder.preserve_header_case(true).title_case_headers(true);
        let handshake = pin!(builder.handshake(self.clone())).poll(cx);
        let Poll::Ready(Ok((mut sender, connection))) = handshake else { return };
        let _response = sender.send_request(request);
        // Nothing here waits for anybody else.
        let _ = pin!(connection).poll(cx);
    }
}

impl Write for Mirror {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().extend_from_slice(bytes);
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
        _: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
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
