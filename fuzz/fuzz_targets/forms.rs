//! Bodies of forms, urlencoded, multipart and JSON: read, or refused.

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
use crate::generators::messages::{self, Message};
use crate::generators::Choices;

static EXCHANGE: LazyLock<Exchange> =
    LazyLock::new(|| Exchange::new(Duration::from_millis(250)));

// Short JSON is read in another way where nothing is said of lengths. A name that comes twice is refused by
// `set_body`, as Kong does.
const SOURCE: &str = "
    local cjson = require('cjson.safe')
    local form, other = kong.request.get_body(), kong.request.get_body(nil, nil, 0)
    assert(cjson.encode(form) == cjson.encode(other))
    pcall(kong.service.request.set_body, form or {}, 'multipart/form-data')
    ngx.req.read_body() ngx.req.get_post_args()
    kong.response.exit(200)";

const CONTENT_TYPES: [&str; 3] = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "application/json",
];

fuzz_target!(|data: &[u8]| {
    let [first, rest @ ..] = data else { return };
    // Bodies that are made of pieces, and those that the fuzzer makes itself.
    let (content_type, body) = match CONTENT_TYPES.get(usize::from(*first)) {
        Some(content_type) => ((*content_type).to_owned(), rest.to_vec()),
        None => {
            let Message { content_type, body, .. } = messages::message(&mut Choices::from_bytes(rest));
            (content_type, body)
        }
    };
    let request = Request::post("/").header("content-type", content_type);
    let request = request.body(Full::<Bytes>::from(body)).expect("a request");
    let inside = || Response::new(Full::from("inside"));
    let responses = EXCHANGE.send(SOURCE, "", vec![request], inside);
    assert_eq!(responses[0].status(), 200);
});
