//! What servers answer that functions ask.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

/// What one of them answers.
pub(super) type Answer = dyn Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync;

/// Answers, by the URLs that they are for.
#[derive(Default)]
pub(super) struct Answers {
    known: Vec<(String, Arc<Answer>)>,
}

/// What comes before the path of a URL.
pub(super) fn origin(host: &str, port: u16) -> String {
    match port {
        443 => format!("https://{host}"),
        80 => format!("http://{host}"),
        8443 => format!("https://{host}:{port}"),
        port => format!("http://{host}:{port}"),
    }
}

impl Answers {
    /// The last one for a URL counts.
    pub(super) fn add(&mut self, url: String, answer: Arc<Answer>) {
        self.known.push((url, answer));
    }

    /// Whether anything is answered there.
    pub(super) fn know(&self, origin: &str) -> bool {
        let begins = |url: &str, with: &str| {
            url.strip_prefix(with)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '*']))
        };
        let is_there = |known: &str| match known.strip_suffix('*') {
            Some(prefix) => begins(known, origin) || origin.starts_with(prefix),
            None => begins(known, origin),
        };
        self.known.iter().any(|(known, _)| is_there(known))
    }

    /// What is answered for a URL. Its query needs not be said.
    pub(super) fn find(&self, url: &str) -> Arc<Answer> {
        let without_query = url.split('?').next().unwrap_or(url);
        let is_for = |known: &str| match known.strip_suffix('*') {
            Some(prefix) => url.starts_with(prefix),
            None => known == url || known == without_query,
        };
        let found = self.known.iter().rev().find(|(known, _)| is_for(known));
        found.map_or_else(|| nobody(url), |(_, answer)| Arc::clone(answer))
    }
}

fn nobody(url: &str) -> Arc<Answer> {
    let why = format!("the test has no answer for {url}");
    Arc::new(move |_| {
        let mut response = Response::new(Bytes::from(why.clone()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    })
}
