//! [`Asked`]: the request of a dry run, and what is around it.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::{Value, json};

use crate::configured::entities::{Draft, Kind};
use crate::configured::problem::Problem;
use crate::configured::schema::{Given, Object};

/// The request of a dry run, and what is around it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: Request<Bytes>,
    /// Who sends it.
    pub(crate) client: IpAddr,
    pub(crate) is_encrypted: bool,
    /// What the service answers; it says what it was asked if there is nothing.
    pub(crate) upstream: Option<Response<Bytes>>,
    /// What others answer whom functions ask, by their URLs.
    pub(crate) answers: Vec<(String, Response<Bytes>)>,
}

/// A URL that something is answered for.
///
/// # Errors
///
/// When it is none.
pub(crate) fn address(url: &str) -> Result<String, String> {
    let is_one = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    is_one.then(|| url.to_owned()).ok_or_else(|| {
        format!("http: '{url}' is no URL: expected http://… or https://…, with * at the end for all that begin with it")
    })
}

/// An answer of a status that there is.
///
/// # Errors
///
/// When there is none such.
pub(crate) fn answer(status: u16, body: Bytes) -> Result<Response<Bytes>, String> {
    let status = StatusCode::from_u16(status).ok().filter(|status| !status.is_informational());
    let mut answer = Response::new(body);
    *answer.status_mut() = status.ok_or("status: expected a number from 200 to 999".to_owned())?;
    Ok(answer)
}

/// The same answer again.
pub(super) fn copy(answer: &Response<Bytes>) -> Response<Bytes> {
    let mut copy = Response::new(answer.body().clone());
    *copy.status_mut() = answer.status();
    copy.headers_mut().clone_from(answer.headers());
    copy
}

/// A header of a name and a value.
///
/// # Errors
///
/// When there can be none such.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let known = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| format!("headers: '{name}' is no name of a header"))?;
    let value = value.trim();
    if known == HOST && !value.is_empty() && value.parse::<Authority>().is_err() {
        return Err(format!("headers: '{value}' is no host: expected a name, as in example.com"));
    }
    let value = HeaderValue::from_str(value)
        .map_err(|_| format!("headers: '{name}' has a value that no header can have"))?;
    Ok((known, value))
}

impl Asked {
    /// A request for a path, or for a URL, whose scheme and host count then.
    ///
    /// # Errors
    ///
    /// When there is no such method or path.
    pub(crate) fn new(method: &str, path: &str) -> Result<Self, String> {
        let known = Method::from_bytes(method.as_bytes());
        let method = known.map_err(|_| format!("method: '{method}' is none"))?;
        let wrong = || format!("path: '{path}' is none: expected /… or a URL");
        let uri: Uri = path.parse().map_err(|_| wrong())?;
        if !path.starts_with('/') && uri.scheme().is_none() {
            return Err(wrong());
        }
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        let host = uri.authority().map_or("localhost", Authority::as_str);
        let host = HeaderValue::from_str(host).map_err(|_| wrong())?;
        request.headers_mut().insert(HOST, host);
        let is_encrypted = uri.scheme_str() == Some("https");
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| wrong())?;
        let client = Ipv4Addr::LOCALHOST.into();
        Ok(Self { request, client, is_encrypted, upstream: None, answers: Vec::new() })
    }

    /// Adds a header; there is one `Host`.
    pub(crate) fn header(&mut self, name: &HeaderName, value: HeaderValue) {
        let headers: &mut HeaderMap = self.request.headers_mut();
        if *name == HOST {
            headers.insert(HOST, value);
        } else {
            headers.append(name, value);
        }
    }

    /// Says what the body is, if nobody has said it.
    pub(crate) fn content_type(&mut self, kind: &'static str) {
        let headers = self.request.headers_mut();
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }

    /// Sets the body.
    pub(crate) fn body(&mut self, body: Bytes) {
        if !body.is_empty() {
            self.request.headers_mut().insert(CONTENT_LENGTH, body.len().into());
        }
        *self.request.body_mut() = body;
    }
}

/// A plugin for all requests, and a service for all of them.
///
/// # Errors
///
/// When its configuration is none.
pub(crate) fn with_plugin(name: &str, config: &Value) -> Result<Draft, Problem> {
    let mut draft = Draft::empty();
    let service = json!({ "name": "upstream", "host": "upstream.internal" });
    let service = draft.insert(Kind::Services, object(service), Given::Typed)?;
    let route = json!({
        "name": "all",
        "paths": ["/"],
        "strip_path": false,
        "service": { "id": service.id() },
    });
    draft.insert(Kind::Routes, object(route), Given::Typed)?;
    let plugin = json!({ "name": name, "config": config });
    draft.insert(Kind::Plugins, object(plugin), Given::Typed)?;
    Ok(draft)
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
