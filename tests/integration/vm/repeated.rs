//! Functions that use up their time again and again, and whoever shares a thread with them.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use tower::Layer;
use tower_lua::{Functions, PreFunctionLayer, Runtime};

use crate::support::{App, Call, Events, echo, patient, serve};

const LOOP: &str = "if kong.request.get_query_arg('loop') then while true do end end";

async fn looping() -> App {
    let budget = patient().call_time(Duration::from_millis(20));
    App::builder().budget(budget).access(LOOP).serve().await
}

#[tokio::test]
async fn a_function_that_uses_up_its_time_again_and_again_is_refused() {
    let events = Events::capture();
    let app = looping().await;
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(app.get("/?loop=1").send().await.status.as_u16());
    }
    assert_eq!(statuses[..8], [500; 8]);
    assert_eq!(statuses[8..], [503; 4]);
    assert_eq!(app.runtime.stats().refused_calls, 4);
    let warned = |message: &String| message.contains("refused for");
    assert_eq!(events.messages().iter().filter(|message| warned(message)).count(), 1);
}

#[tokio::test]
async fn a_function_is_called_again_after_a_while() {
    let app = looping().await;
    while app.get("/?loop=1").send().await.status != 503 {}
    while app.get("/").send().await.status == 503 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.get("/?loop=1").send().await.status, 500);
}

#[tokio::test]
async fn a_call_that_ends_in_time_between_them_clears_a_function() {
    let app = looping().await;
    for _ in 0..20 {
        assert_eq!(app.get("/?loop=1").send().await.status, 500);
        assert_eq!(app.get("/").send().await.status, 200);
    }
}

#[tokio::test]
async fn another_function_of_the_set_is_not_refused() {
    let budget = patient().call_time(Duration::from_millis(20));
    let app = App::builder()
        .budget(budget)
        .access(LOOP)
        .header_filter("kong.response.set_header('x-filter', 'ran')")
        .serve()
        .await;
    for _ in 0..10 {
        assert_eq!(app.get("/?loop=1").send().await.headers["x-filter"], "ran");
    }
}

#[tokio::test]
async fn an_honest_request_beside_many_that_loop_is_answered_after_a_few_budgets() {
    // On the one thread, and in the one VM, that all of them share.
    let budget = patient().call_time(Duration::from_millis(100));
    let runtime = Runtime::builder().vms(1).budget(budget).build().unwrap();
    let serve_one = |source: &str| {
        let functions = Functions::access("one", source).unwrap();
        serve(PreFunctionLayer::new(functions).runtime(&runtime).layer(echo()))
    };
    let looping = serve_one("while true do end").await;
    let honest = serve_one("kong.response.exit(200, 'honest')").await;
    let get = |addr| Call::new(addr, Method::GET, "/").send();
    assert_eq!(get(looping).await.status, 500);
    let many = join_all((0..16).map(|_| get(looping)));
    let other = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(get(honest).await.text(), "honest");
        runtime.stats().refused_calls
    };
    // Had it been answered after the others, some of them would have been refused before.
    let (_, refused_before) = tokio::join!(many, other);
    assert_eq!(refused_before, 0);
    assert!(runtime.stats().refused_calls > 0);
}
