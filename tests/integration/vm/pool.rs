//! Which VM a request gets, and what the VMs keep.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use tower::{Layer, ServiceExt};
use tower_lua::{Functions, PreFunctionLayer, Runtime};

use crate::support::{App, KeepAlive, echo, serve};

#[tokio::test]
async fn a_vm_is_made_when_it_is_first_needed() {
    let runtime = Runtime::builder().vms(8).build().unwrap();
    assert_eq!(runtime.stats().vms, 1);
    let clone = runtime.clone();
    assert_eq!(clone.stats(), runtime.stats());
}

#[tokio::test]
async fn no_vms_are_one() {
    assert_eq!(Runtime::builder().vms(0).build().unwrap().stats().vms, 1);
}

#[tokio::test]
async fn a_memory_limit_that_no_vm_fits_in_is_an_error() {
    let budget = tower_lua::Budget::default().memory(1000);
    let error = Runtime::builder().budget(budget).build().unwrap_err();
    let message = error.to_string();
    assert!(message.contains("the memory limit is 1000 bytes"), "{message}");
}

#[tokio::test]
async fn globals_of_a_function_persist_from_request_to_request() {
    let app =
        App::access("count = (count or 0) + 1 kong.response.exit(200, tostring(count))").await;
    for expected in ["1", "2", "3"] {
        assert_eq!(app.get("/").send().await.text(), expected);
    }
}

#[tokio::test]
async fn globals_of_a_function_are_not_seen_by_another() {
    let app = App::builder()
        .access("secret = 'kept'")
        .access("kong.response.exit(200, tostring(secret))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "nil");
}

#[tokio::test]
async fn replaced_sets_are_forgotten() {
    let runtime = Runtime::builder().vms(1).build().unwrap();
    let large = |number: usize| {
        let text = "x".repeat(100_000);
        Functions::access("large", format!("local kept = '{text}{number}' keep = kept")).unwrap()
    };
    let (layer, handle) = PreFunctionLayer::reloadable(large(0));
    let addr = serve(layer.runtime(&runtime).layer(echo())).await;
    let client = KeepAlive::new();
    let mut used = Vec::new();
    for number in 1..=200 {
        handle.reload(large(number));
        client.get(addr, "/").await;
        used.push(runtime.stats().used_memory);
    }
    let (early, late) = (used[..50].iter().max().unwrap(), used[150..].iter().max().unwrap());
    assert!(*late < early + (2 << 20), "{early} bytes at first, {late} at last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_keeps_its_vm_through_all_phases() {
    let app = App::builder()
        .runtime(|runtime| runtime.vms(4))
        .rewrite("kong.ctx.shared.seen = {'rewrite'} ngx.sleep(0.001)")
        .access("table.insert(kong.ctx.shared.seen, 'access') ngx.sleep(0.001)")
        .header_filter(
            "table.insert(kong.ctx.shared.seen, 'header_filter')
             kong.response.set_header('x-seen', table.concat(kong.ctx.shared.seen, ' '))",
        )
        .serve()
        .await;
    let calls: Vec<_> = (0..64).map(|_| tokio::spawn(app.get("/").send())).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().header("x-seen"), "rewrite access header_filter");
    }
    assert!(app.runtime.stats().vms <= 4);
}

/// A body of a known length, which is the status that a function answers with.
struct Asking(Option<Box<dyn FnOnce() -> String + Send>>);

impl Body for Asking {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let asked = self.0.take().map(|ask| ask());
        Poll::Ready(asked.map(|status| Ok(Frame::data(status.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(3)
    }
}

#[tokio::test]
async fn a_body_that_runs_functions_in_the_only_vm_while_a_function_reads_it_stops_nobody() {
    let runtime = Runtime::builder().vms(1).build().unwrap();
    let layer = |function: &str| {
        let functions = Functions::access("test", function).unwrap();
        PreFunctionLayer::new(functions).runtime(&runtime)
    };
    let inner = layer("kong.response.exit(200)").layer(echo());
    let outer = layer("kong.response.exit(200, (kong.request.get_raw_body()))").layer(echo());
    let mut texts = Vec::new();
    for _ in 0..2 {
        let inner = inner.clone();
        let ask = move || {
            let asked = inner.clone().oneshot(Request::new(Empty::<Bytes>::new()));
            let Ok(response) = asked.now_or_never().expect("it waits for nothing");
            response.status().as_str().to_owned()
        };
        let Ok(response) = outer.clone().oneshot(Request::new(Asking(Some(Box::new(ask))))).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        texts.push(String::from_utf8(body.to_vec()).unwrap());
    }
    // The first is waited for; the second is there while the function holds the VM.
    assert_eq!(texts, ["200", "500"]);
}
