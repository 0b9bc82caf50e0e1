//! What of a request and its response functions can change, for who records what they do.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{RequestBody, Transaction};
use crate::phase::Phase;
use crate::settings::recording::{READ, Seen};

/// How much of a body is noted, in bytes.
const MAX_BODY: usize = 16 << 10;

impl Transaction {
    /// What functions can change, as it is now: the request as it is to go on, and the response.
    pub(crate) fn seen(&self) -> Seen {
        let mut seen = Seen::new();
        self.see_request(&mut seen);
        self.see_response(&mut seen);
        seen
    }

    fn see_request(&self, seen: &mut Seen) {
        let request = &self.request;
        let mut note = |part, value: Option<String>| {
            value.map(|value| seen.insert(("request", part, None), vec![value]));
        };
        note("method", Some(request.method().to_string()));
        note("path", Some(request.upstream_path().to_owned()));
        note("query", request.query().map(str::to_owned));
        let target = request.upstream.target();
        note("target", target.map(|(host, port)| format!("{host}:{port}")));
        note("upstream", request.upstream.name().map(str::to_owned));
        note("scheme", request.upstream.scheme().map(str::to_owned));
        match &request.body {
            RequestBody::Replaced(body) => note("body", Some(text(body))),
            RequestBody::Read(body) => note(READ, Some(text(body))),
            _ => {}
        }
        see_headers("request", request.headers(), seen);
        for (name, value) in request.upstream.headers() {
            let key = ("request", "header", Some(name.to_string()));
            match value.is_empty() {
                true => seen.remove(&key),
                false => seen.insert(key, vec![value_text(value)]),
            };
        }
    }

    fn see_response(&self, seen: &mut Seen) {
        let response = &self.response;
        if response.status() != 0 {
            seen.insert(("response", "status", None), vec![response.status().to_string()]);
        }
        see_headers("response", response.headers(), seen);
        let body = match self.site.phase {
            Phase::BodyFilter => Some(text(&self.chunk.data)),
            _ => response.own_body().map(|body| text(&body)),
        };
        body.map(|body| seen.insert(("response", "body", None), vec![body]));
    }
}

fn see_headers(message: &'static str, headers: &HeaderMap, seen: &mut Seen) {
    for name in headers.keys() {
        let values = headers.get_all(name).iter().map(value_text).collect();
        seen.insert((message, "header", Some(HeaderName::to_string(name))), values);
    }
}

fn value_text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn text(body: &Bytes) -> String {
    let shown = String::from_utf8_lossy(&body[..body.len().min(MAX_BODY)]).into_owned();
    if body.len() <= MAX_BODY { shown } else { format!("{shown}… ({} bytes)", body.len()) }
}
