//! Functions that use up their time or memory again and again, and whoever shares a thread with them.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use tower::Layer;
use tower_lua::{Functions, Phase, PreFunctionLayer, Runtime};

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

/// What a function does that uses up its memory, and the status that it is answered with.
const GREEDY: &[(&str, u16)] = &[
    ("local t = {} while true do t[#t + 1] = {} end", 500),
    ("local s = ('x'):rep(1e9)", 500),
    ("ngx.re.sub(('a'):rep(1e6), 'a+', ('$0'):rep(1e5))", 500),
    (
        "local q, v = {}, ('v'):rep(1e6) for i = 1, 1e3 do q[i] = v end ngx.encode_args({ q = q })",
        500,
    ),
    ("pcall(function() local t = {} while true do t[#t + 1] = {} end end)", 200),
    ("local t = {} pcall(function() while true do t[#t + 1] = {} end end) ngx.sleep(0.001)", 500),
];

#[tokio::test]
async fn a_function_that_uses_up_its_memory_again_and_again_is_refused() {
    for (source, status) in GREEDY {
        let app = App::builder().budget(patient().memory(16 << 20)).access(source).serve().await;
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(app.get("/").send().await.status.as_u16());
        }
        assert_eq!(statuses[..8], [*status; 8], "{source}");
        assert_eq!(statuses[8..], [503; 4], "{source}");
        assert_eq!(app.runtime.stats().refused_calls, 4, "{source}");
    }
}

#[tokio::test]
async fn a_function_that_finds_no_memory_because_others_hold_it_is_not_refused() {
    let app = App::builder()
        .budget(patient().memory(16 << 20))
        .access(
            "if kong.request.get_query_arg('hold') then
               ngx.req.read_body()
               ngx.req.set_body_data(('x'):rep(tonumber(kong.request.get_query_arg('hold'))))
               ngx.sleep(1000)
             end",
        )
        .header_filter("kong.response.set_raw_body(('x'):rep(2e6))")
        .serve()
        .await;
    for (place, size) in [7_500_000, 4_000_000, 2_000_000].into_iter().enumerate() {
        let held = app.get(&format!("/?hold={size}"));
        tokio::spawn(held.try_send());
        while app.runtime.stats().suspended <= place {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    for _ in 0..12 {
        assert_eq!(app.get("/").send().await.status, 500);
    }
    assert_eq!(app.runtime.stats().refused_calls, 0);
}

#[tokio::test]
async fn a_filter_that_uses_up_its_time_or_memory_again_and_again_is_refused() {
    for source in ["while true do end", "local t = {} while true do t[#t + 1] = {} end"] {
        for phase in [Phase::HeaderFilter, Phase::BodyFilter, Phase::Log] {
            let budget = patient().call_time(Duration::from_millis(50)).memory(4 << 20);
            let app = App::builder().budget(budget).function(phase, source).serve().await;
            let mut calls = 0;
            while app.runtime.stats().refused_calls == 0 {
                let reply = app.get("/").try_send().await.map(|reply| reply.status.as_u16());
                let is_right = match phase {
                    Phase::HeaderFilter => matches!(reply, Ok(500 | 503)),
                    Phase::BodyFilter => reply.is_err(),
                    _ => matches!(reply, Ok(200)),
                };
                assert!(is_right, "{phase}: {reply:?}");
                calls += 1;
            }
            assert!(calls > 8, "{phase}: refused after {calls} calls");
        }
    }
}

#[tokio::test]
async fn a_function_of_a_set_that_fails_open_is_refused_and_the_request_goes_on() {
    let budget = patient().call_time(Duration::from_millis(20));
    let app = App::builder().budget(budget).access("while true do end").fail_open().serve().await;
    for _ in 0..12 {
        assert_eq!(app.get("/").send().await.status, 200);
    }
    assert_eq!(app.runtime.stats().refused_calls, 4);
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

/// Ways to use up one's share: the set, and what the client gets.
fn exhausting() -> Vec<(&'static str, Functions)> {
    const LOOP: &str = "while true do end";
    let set = |phase, source| Functions::builder("hostile").function(phase, source);
    [
        ("access", set(Phase::Access, LOOP)),
        ("open", set(Phase::Access, LOOP).fail_open(true)),
        ("memory", set(Phase::Access, "local t = {} while true do t[#t + 1] = {} end")),
        ("header_filter", set(Phase::HeaderFilter, LOOP)),
        ("body_filter", set(Phase::BodyFilter, LOOP)),
        ("log", set(Phase::Log, LOOP)),
    ]
    .map(|(name, set)| (name, set.build().unwrap()))
    .to_vec()
}

#[tokio::test]
async fn an_honest_request_beside_many_that_use_up_their_share_is_answered_after_a_few_budgets() {
    for (name, hostile) in exhausting() {
        // On the one thread, and in the one VM, that all of them share.
        let budget = patient().call_time(Duration::from_millis(100)).memory(16 << 20);
        let runtime = Runtime::builder().vms(1).budget(budget).build().unwrap();
        let layer = |functions| PreFunctionLayer::new(functions).runtime(&runtime).layer(echo());
        let hostile = serve(layer(hostile)).await;
        let honest = "kong.response.exit(200, 'honest')";
        let honest = serve(layer(Functions::access("honest", honest).unwrap())).await;
        let get = |addr| Call::new(addr, Method::GET, "/");
        let _ = get(hostile).try_send().await;
        let many = join_all((0..16).map(|_| get(hostile).try_send()));
        let other = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert_eq!(get(honest).send().await.text(), "honest", "{name}");
            runtime.stats().refused_calls
        };
        // Had it been answered after the others, some of them would have been refused before.
        let (_, refused_before) = tokio::join!(many, other);
        assert_eq!(refused_before, 0, "{name}");
        while runtime.stats().refused_calls == 0 {
            let _ = get(hostile).try_send().await;
        }
    }
}
