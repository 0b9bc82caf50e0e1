//! VMs that functions fill, and the requests of others meanwhile.

use std::time::Duration;

use crate::support::{App, Events, patient};

/// Functions that fill a VM and keep it full, by turns.
const HOARDERS: &[&str] = &[
    "local t = {} while true do t[#t + 1] = {} end",
    "kept = kept or {} while true do kept[#kept + 1] = {} end",
    "local t = {} pcall(function() for i = 1, 1e7 do t[i] = ('x'):rep(10000) .. i end end) ngx.sleep(5)",
    "kong.ctx.shared.t = {} pcall(function() for i = 1, 1e7 do
       kong.ctx.shared.t[i] = ('x'):rep(10000) .. i end end) ngx.sleep(5)",
    "for i = 1, 1e5 do kong.cache:get('k' .. i, nil, function() return ('x'):rep(1e5) end) end",
];

/// One that does so after the response.
const HOARDER_IN_LOG: &str = "local t = {} pcall(function() for i = 1, 1e7 do t[i] = ('x'):rep(10000) .. i end end) ngx.sleep(5)";

async fn hoarding() -> App {
    let mut builder = App::builder()
        .budget(patient().memory(16 << 20))
        .log(&format!("if kong.request.get_query_arg('place') == 'log' then {HOARDER_IN_LOG} end"));
    for (place, source) in HOARDERS.iter().enumerate() {
        builder = builder.access(&format!(
            "if kong.request.get_query_arg('place') == '{place}' then {source} end"
        ));
    }
    builder.access("kong.ctx.shared.text = ('y'):rep(1e5)").serve().await
}

#[tokio::test]
async fn honest_requests_are_answered_between_those_that_fill_a_vm() {
    let app = hoarding().await;
    for _ in 0..2 {
        let places = HOARDERS.iter().enumerate().map(|(place, source)| (place.to_string(), source));
        for (place, source) in places.chain([("log".to_owned(), &HOARDER_IN_LOG)]) {
            let call = app.get(&format!("/?place={place}"));
            let hoarding = tokio::spawn(call.try_send());
            for _ in 0..4 {
                assert_eq!(app.get("/").send().await.status, 200, "beside {source}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            hoarding.abort();
        }
    }
    assert!(app.runtime.stats().used_memory < 16 << 20);
}

#[tokio::test]
async fn a_vm_that_is_full_of_what_functions_keep_is_replaced_with_a_word() {
    let events = Events::capture();
    let app = App::builder()
        .budget(patient().memory(16 << 20))
        .access(
            "if kong.request.get_query_arg('fill') then
               kept = {} for i = 1, 1000 do kept[i] = ('x'):rep(9e3) .. i end
             end",
        )
        .serve()
        .await;
    assert_eq!(app.get("/?fill=1").send().await.status, 200);
    assert_eq!(app.get("/").send().await.status, 200);
    assert_eq!(app.runtime.stats().replaced_vms, 1);
    assert!(app.runtime.stats().used_memory < 8 << 20);
    assert!(events.messages().iter().any(|message| message.contains("has been replaced")));
}

#[tokio::test]
async fn a_request_that_waits_in_a_vm_ends_there_when_another_has_taken_its_place() {
    let app = App::builder()
        .budget(patient().memory(16 << 20))
        .access(
            "kong.ctx.shared.mine = 'mine'
             if kong.request.get_query_arg('wait') then ngx.sleep(0.3) end
             if kong.request.get_query_arg('fill') then
               kept = {} for i = 1, 1000 do kept[i] = ('x'):rep(9e3) .. i end
             end",
        )
        .header_filter("kong.response.set_header('x-mine', kong.ctx.shared.mine)")
        .serve()
        .await;
    let waiting = tokio::spawn(app.get("/?wait=1").send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(app.get("/?fill=1").send().await.header("x-mine"), "mine");
    assert_eq!(app.runtime.stats().replaced_vms, 1);
    assert_eq!(app.get("/").send().await.header("x-mine"), "mine");
    assert_eq!(waiting.await.unwrap().header("x-mine"), "mine");
}
