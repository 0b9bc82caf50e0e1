//! The time that functions may run.

use std::time::Duration;

use tower_lua::{Budget, Phase};

use crate::support::{App, Events, patient};

const SHORT: Duration = Duration::from_millis(30);

fn short() -> Budget {
    patient().call_time(SHORT)
}

/// Functions that would run for hours.
const ENDLESS: &[&str] = &[
    "while true do end",
    "repeat until false",
    "for i = 1, 1e15 do end",
    "while true do pcall(error) end",
    "while true do pcall(function() while true do end end) end",
    "xpcall(function() while true do end end, function() while true do end end)",
    "while true do coroutine.wrap(function() while true do end end)() end",
    "coroutine.wrap(function() pcall(function() while true do end end) while true do end end)()",
    "local function f() return f() end f()",
    "while true do local s = ('x'):rep(1000) end",
    "table.sort({3, 2, 1}, function() while true do end end)",
    "('a'):gsub('a', function() while true do end end)",
    "for _ in function() return 1 end do end",
    "local t = {} while true do t[#t % 100 + 1] = {} end",
    "while true do kong.request.get_path() end",
    "while true do ngx.now() end",
    "while true do pcall(kong.request.get_header, 5) end",
    "while true do local s = ngx.encode_base64(('x'):rep(1e6)) end",
    "local s = ('a'):rep(1e6) while true do s:find('b', 1, true) end",
    "local s = ('a'):rep(30) .. 'b' s:find(('a-'):rep(28) .. 'c')",
    "(' '):rep(1e6):match('^(.-)%s*$') (' '):rep(1e6):gsub('%s*$', 'x')",
    "local s = ('a,'):rep(1e5) while true do for w in s:gmatch('[^,]+') do end end",
];

#[tokio::test]
async fn a_function_that_never_ends_is_stopped_and_the_vm_serves_the_next_request() {
    let mut builder = App::builder().budget(short());
    for (place, source) in ENDLESS.iter().enumerate() {
        builder = builder.access(&format!(
            "if kong.request.get_query_arg('place') ~= '{place}' then return end {source}"
        ));
    }
    let app = builder.serve().await;
    for (place, source) in ENDLESS.iter().enumerate() {
        let stopped = app.get(&format!("/?place={place}")).send();
        let reply = tokio::time::timeout(Duration::from_secs(20), stopped).await;
        assert_eq!(
            reply.unwrap_or_else(|_| panic!("still runs: {source}")).status,
            500,
            "{source}"
        );
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
}

#[tokio::test]
async fn the_log_says_that_the_budget_is_exhausted_and_where() {
    let events = Events::capture();
    let app = App::builder().budget(short()).access("local x = 1\nwhile true do end").serve().await;
    app.get("/").send().await;
    let event = events.all().into_iter().find(|event| event.target == "tower_lua::function");
    let event = event.unwrap_or_else(|| panic!("{:?}", events.messages()));
    let text = format!("{event:?}");
    assert!(text.contains("CPU budget exhausted"), "{text}");
    assert!(text.contains(":2"), "{text}");
}

#[tokio::test]
async fn each_phase_has_the_budget() {
    for phase in [Phase::Rewrite, Phase::Access, Phase::HeaderFilter] {
        let app = App::builder().budget(short()).function(phase, "while true do end").serve().await;
        assert_eq!(app.get("/").send().await.status, 500, "{phase}");
    }
    let app = App::builder().budget(short()).body_filter("while true do end").serve().await;
    assert!(app.get("/").try_send().await.is_err());
    let app = App::builder().budget(short()).log("while true do end").serve().await;
    for _ in 0..2 {
        assert_eq!(app.get("/").send().await.status, 200);
    }
}

#[tokio::test]
async fn time_that_a_function_waits_does_not_count() {
    let app = App::builder()
        .budget(patient().call_time(Duration::from_millis(200)))
        .access("ngx.sleep(0.3) ngx.sleep(0.3) kong.response.exit(200, 'awake')")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "awake");
}

#[tokio::test]
async fn a_function_that_waits_between_its_loops_is_stopped_all_the_same() {
    let app = App::builder()
        .budget(short())
        .access("while true do for i = 1, 1e5 do end ngx.sleep(0.001) end")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 500);
}

#[tokio::test]
async fn the_functions_of_a_request_have_a_budget_together() {
    // Ten milliseconds or more, whatever the machine.
    let work = "for i = 1, 3000000 do end";
    let budget = patient().request_time(Duration::from_millis(300));
    let app = App::builder().budget(budget.clone()).access(work).serve().await;
    assert_eq!(app.get("/").send().await.status, 200);
    let mut builder = App::builder().budget(budget);
    for _ in 0..80 {
        builder = builder.access(work);
    }
    assert_eq!(builder.serve().await.get("/").send().await.status, 500);
}

#[tokio::test]
async fn where_a_set_fails_open_the_request_goes_on_after_a_stopped_function() {
    let app = App::builder()
        .fail_open()
        .budget(short())
        .access("while true do end")
        .access("kong.service.request.set_header('x-second', 'ran')")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.json()["headers"]["x-second"], "ran");
}

#[tokio::test]
async fn without_a_budget_lua_is_compiled_and_long_work_ends() {
    let app = App::builder()
        .budget(Budget::unlimited())
        .access(
            "local n = 0 for i = 1, 1e8 do n = n + i % 7 end kong.response.exit(200, tostring(n))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "299999997");
}

#[tokio::test]
async fn a_match_is_within_the_budget_whatever_a_client_sends() {
    for (pattern, body) in [
        (r"\w+@\w+|\d+;", "a".repeat(1 << 20)),
        (r"\w++@|\d;", "a".repeat(1 << 20)),
        (r"(?=\w+)@|\d;", "a".repeat(1 << 20)),
        (r"(?:(?=\w++)a)*b|\d;", "a".repeat(1 << 20)),
        (r"\w{2000}@|\d;", "a".repeat(1 << 20)),
    ] {
        for options in ["", "jo"] {
            let app = App::builder()
                .budget(short())
                .access(&format!(
                    "if kong.request.get_method() == 'GET' then return end
                     local body = kong.request.get_raw_body(0)
                     local found, why = ngx.re.match(body, [[{pattern}]], '{options}')
                     kong.response.exit(200, tostring(found) .. tostring(why))"
                ))
                .serve()
                .await;
            let started = std::time::Instant::now();
            let reply = app.post("/").body(body.clone()).send().await;
            // A search that never ends takes minutes here.
            assert!(started.elapsed() < Duration::from_secs(20), "{pattern}");
            assert!(reply.status == 500 || reply.text().contains("-47"), "{pattern} {reply:?}");
            assert_eq!(app.get("/").send().await.status, 200, "after {pattern}");
        }
    }
}

#[tokio::test]
async fn a_search_in_a_long_text_comes_to_its_end() {
    let text = App::eval(
        r#"(function()
            local long = ("a"):rep(3000)
            local from = ngx.re.find(long .. "@b " .. long, [[\w+@\w+|\d+;]])
            local at = ngx.re.find(long .. "q", [[(?=q)q]])
            local utf = ngx.re.find(("ä"):rep(5000) .. "q", [[(?=q)q]], "u")
            return from, at, utf, ngx.re.find(long, [[(?=q)q]])
        end)()"#,
    )
    .await;
    assert_eq!(text, "1, 3001, 10001, nil");
}
