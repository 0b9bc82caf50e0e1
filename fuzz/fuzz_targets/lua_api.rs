//! Programs of calls of whatever functions can call. Nothing may panic, hang or end the process, and an
//! honest request is answered behind each.

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
use crate::generators::{Choices, programs};

static EXCHANGE: LazyLock<Exchange> =
    LazyLock::new(|| Exchange::new(Duration::from_millis(50)));

fuzz_target!(|data: &[u8]| {
    let program = programs::program(&mut Choices::from_bytes(data));
    let source = format!("if kong.request.get_header('x-honest') then return end {program}");
    let hostile = Request::get("/a?b=c").body(Full::<Bytes>::default()).expect("a request");
    let honest = Request::get("/").header("x-honest", "1").body(Full::default());
    let requests = vec![hostile, honest.expect("a request")];
    let responses = EXCHANGE.send(&source, "", requests, || Response::new(Full::from("inside")));
    assert_eq!(responses[1].status(), 200, "after\n{program}");
});
