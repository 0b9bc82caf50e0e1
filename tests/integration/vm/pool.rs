//! Which VM a request gets, and what the VMs keep.

use tower::Layer;
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
