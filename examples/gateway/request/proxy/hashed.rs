//! What an upstream hashes of a request, so that those that are alike go to the same target.

use http::Request;
use http::header::{COOKIE, HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use tower_lua::{Consumer, Credential};

use crate::configured::entities::uuid;
use crate::configured::upstream::{HashInput, Upstream};
use crate::in_force::balancer;
use crate::request::flight::{Flight, Matched};
use crate::request::uri;

/// The hash of a request, if it has one, and a cookie that the client is to get for it.
#[derive(Default)]
pub(super) struct Hashed {
    pub(super) hash: Option<u64>,
    pub(super) cookie: Option<HeaderValue>,
}

impl Hashed {
    /// What `upstream` hashes of a request.
    pub(super) fn of<B>(
        upstream: &Upstream,
        request: &Request<B>,
        flight: &Flight,
        matched: &Matched,
    ) -> Self {
        for input in upstream.hash_inputs() {
            if let Some(value) = value(input, request, flight, matched) {
                return Self { hash: Some(balancer::hash(&value)), cookie: None };
            }
            if let HashInput::Cookie(name) = input {
                let value = uuid::random();
                let cookie = cookie(name, &value, &upstream.hash_on_cookie_path);
                return Self { hash: Some(balancer::hash(value.as_bytes())), cookie };
            }
        }
        Self::default()
    }
}

fn value<B>(
    input: HashInput<'_>,
    request: &Request<B>,
    flight: &Flight,
    matched: &Matched,
) -> Option<Vec<u8>> {
    match input {
        HashInput::Consumer => {
            let consumer = request.extensions().get::<Consumer>().and_then(Consumer::id);
            let credential = || request.extensions().get::<Credential>().and_then(Credential::id);
            consumer.or_else(credential).map(|id| id.as_bytes().to_vec())
        }
        HashInput::Ip => Some(flight.client.to_string().into_bytes()),
        HashInput::Header(name) => joined(request.headers(), name),
        HashInput::Cookie(name) => cookie_value(request.headers(), name),
        HashInput::Path => Some(uri::normalize(matched.uri.path()).into_owned()),
        HashInput::QueryArg(name) => query_arg(matched.uri.query()?, name),
        HashInput::UriCapture(name) => {
            let captured = matched.captures.as_ref()?.named(name)?;
            Some(captured.as_bytes().to_vec())
        }
    }
}

/// All values of a header, as one.
fn joined(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

fn cookie_value(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let headers = headers.get_all(COOKIE).iter();
    let mut cookies = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    cookies.find_map(|cookie| {
        let value = cookie.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(value.to_vec())
    })
}

/// The values of an argument, in order, as one.
fn query_arg(query: &str, name: &str) -> Option<Vec<u8>> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "true")));
    let named = pairs.filter(|(key, _)| decode(key) == name.as_bytes());
    let mut values: Vec<_> = named.map(|(_, value)| decode(value)).collect();
    values.sort_unstable();
    (!values.is_empty()).then(|| values.join(&b","[..]))
}

// Kong: writes `Same-Site`, which means nothing to browsers.
fn cookie(name: &str, value: &str, path: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("{name}={value}; Path={path}; SameSite=Lax; HttpOnly")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_one_value_however_often_it_is_there() {
        let value = |query| query_arg(query, "a b").map(|value| String::from_utf8(value).unwrap());
        assert_eq!(value("a+b=2&c=3&a%20b=1").as_deref(), Some("1,2"));
        assert_eq!(value("a+b").as_deref(), Some("true"));
        assert_eq!(value("c=3"), None);
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("xs=0; s=1;t=2"));
        assert_eq!(cookie_value(&headers, "s").as_deref(), Some(&b"1"[..]));
        assert_eq!(cookie_value(&headers, "t").as_deref(), Some(&b"2"[..]));
        assert_eq!(cookie_value(&headers, "u"), None);
    }
}
