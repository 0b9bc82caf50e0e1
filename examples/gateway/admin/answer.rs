//! [`Answer`]: what the Admin API answers, and the headers that all answers have.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::configured::problem::Problem;

/// An answer before it is sent.
pub(super) struct Answer {
    status: StatusCode,
    body: Option<Content>,
    headers: HeaderMap,
}

enum Content {
    Value(Value),
    /// JSON that is written already.
    Written(String),
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(Content::Value(body)), headers: HeaderMap::new() }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub(super) fn created(body: Value) -> Self {
        Self::new(StatusCode::CREATED, body)
    }

    /// The same with JSON that is written already.
    pub(super) fn created_as(json: String) -> Self {
        let body = Some(Content::Written(json));
        Self { status: StatusCode::CREATED, body, headers: HeaderMap::new() }
    }

    pub(super) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, headers: HeaderMap::new() }
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// What it says, where that is not written yet.
    pub(super) const fn body(&self) -> Option<&Value> {
        match &self.body {
            Some(Content::Value(body)) => Some(body),
            _ => None,
        }
    }

    /// Adds headers `Warning`.
    pub(super) fn warn(&mut self, warnings: Vec<HeaderValue>) {
        for warning in warnings {
            self.headers.append(header::WARNING, warning);
        }
    }

    /// What can be asked for: what `methods` say.
    pub(super) fn options(methods: &[&str], request: &HeaderMap) -> Self {
        let mut names = methods.to_vec();
        names.extend(methods.contains(&"GET").then_some("HEAD"));
        names.push("OPTIONS");
        names.sort_unstable();
        let names = HeaderValue::from_str(&names.join(", ")).expect("names of methods");
        let wanted = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let content_type = HeaderValue::from_static("Content-Type");
        let mut answer = Self::no_content();
        answer.headers.insert(header::ALLOW, names.clone());
        answer.headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, names);
        answer.headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.unwrap_or(content_type));
        answer
    }

    /// The answer as it is sent, to a page of `origin`, after `latency`.
    pub(super) fn into_response(self, origin: Option<HeaderValue>, latency: Duration) -> Response {
        const LATENCY: HeaderName = HeaderName::from_static("x-kong-admin-latency");
        const SERVER: HeaderValue =
            HeaderValue::from_static(concat!("tower-lua/", env!("CARGO_PKG_VERSION")));
        let has_body = self.body.is_some();
        let body = self.body.map(|body| match body {
            Content::Value(value) => Body::from(value.to_string()),
            Content::Written(json) => Body::from(json),
        });
        let body = body.unwrap_or_default();
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        *headers = self.headers;
        if has_body {
            let json = HeaderValue::from_static("application/json; charset=utf-8");
            headers.insert(header::CONTENT_TYPE, json);
        }
        let any = HeaderValue::from_static("*");
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.unwrap_or(any));
        let latency = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        headers.insert(LATENCY, latency.into());
        headers.insert(header::SERVER, SERVER);
        response
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::new(problem.status, problem.body)
    }
}
