//! Headers of any bytes: seen by functions, and set by them.

#![no_main]
#![expect(dead_code, reason = "other targets have more uses for the generators")]

#[path = "../generators/mod.rs"]
mod generators;

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;

use crate::generators::exchange::Exchange;
use crate::generators::{Choices, headers};

static EXCHANGE: LazyLock<Exchange> =
    LazyLock::new(|| Exchange::new(Duration::from_millis(250)));

const SOURCE: &str = "
    local text = kong.request.get_raw_body()
    for _, set in ipairs { kong.response.set_header, kong.response.add_header, kong.service.request.set_header,
      kong.service.request.add_header, ngx.req.set_header } do
      pcall(set, 'x-set', text) pcall(set, text, 'x') pcall(set, text, { text, text })
    end
    for name, value in pairs(kong.request.get_headers(1000)) do
      pcall(kong.response.set_header, name, value) pcall(kong.service.request.set_header, name, value)
    end";

const RESPONSE: &str = "
    for name, value in pairs(kong.response.get_headers()) do pcall(kong.response.set_header, 'x-' .. name, value) end";

fuzz_target!(|data: &[u8]| {
    let choices = &mut Choices::from_bytes(data);
    let mut request = Request::new(Full::<Bytes>::default());
    *request.headers_mut() = headers::headers(choices);
    *request.body_mut() = Full::from(headers::literal(choices).1);
    let answered = headers::headers(choices);
    let inside = move || {
        let mut response = Response::new(Full::from("inside"));
        *response.headers_mut() = answered.clone();
        response
    };
    let responses = EXCHANGE.send(SOURCE, RESPONSE, vec![request], inside);
    assert_eq!(responses[0].status(), 200);
});
