//! What a harness notes of functions: `HarnessBuilder::record`.

use bytes::Bytes;
use http::{Request, Response};
use tower_lua::testing::{Call, Harness, Step};
use tower_lua::{FunctionOutcome, Phase};

/// What the function of `access` did for a GET request.
fn step_of(source: &str) -> Step {
    let mut harness = Harness::builder().shared_dict("counts", 1 << 16).access(source).record();
    harness = harness.unanswered(|host| format!("nobody answers for {host}"));
    let mut harness = harness.build().unwrap();
    harness.http("http://users.internal/7", Response::new("ada".into()));
    let request = Request::get("/orders?a=1").header("x-user", "ada").body(Bytes::new()).unwrap();
    harness.request(request).steps.remove(0)
}

/// Calls as they are written: `name(arguments) -> result`.
fn written(calls: &[Call]) -> Vec<String> {
    let all = calls.iter().map(|call| {
        let arguments = call.arguments.as_ref().map(|list| format!("({})", list.join(", ")));
        let end = match (&call.result, &call.error) {
            (Some(result), _) => format!(" -> {}", result.join(", ")),
            (None, Some(error)) => format!(" raises {error}"),
            (None, None) => " ends".to_owned(),
        };
        format!("{}{}{end}", call.name, arguments.unwrap_or_default())
    });
    all.collect()
}

fn calls_of(source: &str) -> Vec<String> {
    written(&step_of(source).calls)
}

#[test]
fn calls_have_their_arguments_and_results() {
    let calls = calls_of(
        r#"
        local name = kong.request.get_header("x-user")
        kong.service.request.set_header("x-name", name:upper())
        kong.log.inspect({ 1, 2, deep = { name = name } })
        local headers = kong.request.get_headers(10)
        assert(headers["x-user"] == "ada" and next(kong.request.get_query()) == "a")
        "#,
    );
    assert_eq!(
        calls,
        [
            r#"kong.request.get_header("x-user") -> "ada""#,
            r#"kong.service.request.set_header("x-name", "ADA") -> "#,
            r#"kong.log.inspect({ 1, 2, deep = { name = "ada" } }) -> "#,
            r#"kong.request.get_headers(10) -> { ["x-name"] = "ADA", ["x-user"] = "ada" }"#,
            r#"kong.request.get_query() -> { a = "1" }"#,
        ]
    );
}

#[test]
fn variables_are_read_and_set() {
    let calls = calls_of(
        "ngx.status = 201; local s = ngx.status; ngx.header.x_a = 'b'; local uri = ngx.var.uri
         ngx.ctx.mine = 1; kong.ctx.shared.mine = 2; assert(ngx.ctx.mine == 1)",
    );
    let expected = [
        "ngx.status =(201) -> ",
        "ngx.status -> 201",
        r#"ngx.header.x_a =("b") -> "#,
        r#"ngx.var.uri -> "/orders""#,
    ];
    assert_eq!(calls, expected);
}

#[test]
fn methods_of_dictionaries_caches_clients_and_modules_are_calls() {
    let calls = calls_of(
        r#"
        ngx.shared.counts:incr("a", 1, 0)
        assert(kong.cache:get("key", nil, function() return kong.request.get_method() end) == "GET")
        local client = require("resty.http").new()
        local answer = assert(client:request_uri("http://users.internal/7"))
        assert(answer.status == 200 and answer.body == "ada")
        assert(require("cjson").encode({ a = ngx.null }) == '{"a":null}')
        "#,
    );
    let begins = |call: &str| call.split(['(', ' ']).next().unwrap().to_owned();
    let names: Vec<_> = calls.iter().map(|call| begins(call)).collect();
    let expected = [
        "ngx.shared.counts:incr",
        "kong.cache:get",
        "kong.request.get_method",
        "require",
        "resty.http.new",
        "resty.http:request_uri",
        "require",
        "cjson.encode",
    ];
    assert_eq!(names, expected, "{calls:#?}");
    assert!(calls[5].contains("http://users.internal/7"), "{}", calls[5]);
    assert_eq!(calls[7], r#"cjson.encode({ a = ngx.null }) -> "{\"a\":null}""#);
}

#[test]
fn what_ends_the_function_has_no_result() {
    let step = step_of("kong.log.warn('go'); kong.response.exit(403, { message = 'no' })");
    assert_eq!(step.outcome, FunctionOutcome::Exited);
    assert_eq!(written(&step.calls)[1], r#"kong.response.exit(403, { message = "no" }) ends"#);
    assert!(step.logs[0].message.ends_with("go"), "{:?}", step.logs);
}

#[test]
fn errors_are_those_of_their_calls_and_stand_where_they_would() {
    let step = step_of("local ok = pcall(kong.request.get_header)\nkong.request.get_header(nil)");
    let calls = written(&step.calls);
    assert!(calls[0].starts_with("kong.request.get_header() raises "), "{calls:?}");
    assert!(calls[1].starts_with("kong.request.get_header(nil) raises "), "{calls:?}");
    let failed = step.failure.unwrap();
    assert_eq!(failed.position.as_ref().map(|(_, line)| *line), Some(2), "{failed:?}");
    let source = "local ok, err = pcall(ngx.log)\nngx.req.set_uri()";
    let plain = Harness::builder().access(source).build().unwrap().request(Request::default());
    let noted =
        Harness::builder().access(source).record().build().unwrap().request(Request::default());
    assert_eq!(plain.logs, noted.logs, "messages are the same");
}

#[test]
fn what_nobody_answers_for_is_refused() {
    let calls = calls_of(
        r#"
        require("resty.http").new():request_uri("http://others.internal/")
        local udp = ngx.socket.udp()
        udp:setpeername("127.0.0.1", 53)
        ngx.socket.tcp():connect("unix:/run/some.sock")
        "#,
    );
    let all = calls.join("\n");
    assert!(all.contains(r#"-> nil, "nobody answers for others.internal:80""#), "{all}");
    assert!(all.contains("there is no socket for datagrams"), "{all}");
    assert!(all.contains("there is no Unix domain socket"), "{all}");
}

#[test]
fn changes_are_of_the_request_as_it_goes_on_and_of_the_response() {
    let mut harness = Harness::builder()
        .access(
            "kong.request.get_raw_body(); kong.service.request.set_path('/v2')
             kong.service.request.set_header('x-a', 'b'); kong.service.request.clear_header('x-old')
             kong.service.request.set_raw_body('new'); kong.service.set_target('there', 8080)",
        )
        .function(Phase::HeaderFilter, "kong.response.set_header('x-seen', 'yes')")
        .function(Phase::BodyFilter, "ngx.arg[1] = (ngx.arg[1] or ''):upper()")
        .function(Phase::Log, "kong.log('end')")
        .record()
        .build()
        .unwrap();
    harness.upstream(|_| Response::new("hello".into()));
    let request = Request::post("/v1").header("x-old", "1").body("old".into()).unwrap();
    let steps = harness.request(request).steps;
    let of = |phase: Phase| {
        let steps = steps.iter().filter(|step| step.phase == phase);
        let changes = Step::changes_of(steps).into_iter().map(|change| {
            let name = change.name.map(|name| format!(" {name}")).unwrap_or_default();
            format!(
                "{} {}{name}: {:?} {:?}",
                change.message, change.part, change.before, change.after
            )
        });
        changes.collect::<Vec<_>>()
    };
    let access = of(Phase::Access);
    for expected in [
        r#"request path: ["/v1"] ["/v2"]"#,
        r#"request header x-a: [] ["b"]"#,
        r#"request header x-old: ["1"] []"#,
        r#"request target: [] ["there:8080"]"#,
    ] {
        assert!(access.contains(&expected.to_owned()), "{expected} in {access:#?}");
    }
    assert!(
        access
            .iter()
            .any(|change| change.starts_with("request body: ") && change.ends_with(r#"["new"]"#))
    );
    assert_eq!(of(Phase::HeaderFilter), [r#"response header x-seen: [] ["yes"]"#]);
    assert_eq!(of(Phase::BodyFilter), [r#"response body: ["hello"] ["HELLO"]"#]);
    assert!(of(Phase::Log).is_empty());
}

#[test]
fn who_only_reads_a_body_changes_nothing() {
    let mut harness =
        Harness::builder().access("kong.request.get_raw_body()").record().build().unwrap();
    let exchange = harness.request(Request::post("/").body("old".into()).unwrap());
    assert_eq!(exchange.steps[0].changes(), []);
}

#[test]
fn time_and_memory_are_measured_and_waiting_is_told_apart() {
    let step = step_of("ngx.sleep(60); local t = {} for i = 1, 20000 do t[i] = {} end");
    assert_eq!(step.outcome, FunctionOutcome::Returned);
    assert!(step.waited.as_secs() == 60 && step.time.as_secs() < 60, "{step:?}");
    assert!(step.allocated > 500_000, "{}", step.allocated);
    assert!(!step.cpu_time.is_zero());
}

#[test]
fn a_function_that_calls_without_end_is_noted_up_to_a_point() {
    let step = step_of("while true do kong.request.get_method() end");
    assert!(step.failure.unwrap().message.contains("budget"));
    assert!(step.calls.len() == 2000 && step.calls_left_out > 0, "{}", step.calls.len());
}

#[test]
fn errors_that_a_function_catches_are_noted_up_to_a_point() {
    let long = "local name = string.rep('x', 300000)";
    let step = step_of(&format!("{long} for _ = 1, 10 do pcall(require, name) end"));
    let errors = step.calls.iter().filter_map(|call| call.error.as_deref());
    let bytes: usize = errors.map(str::len).sum();
    assert!((1 << 20..2 << 20).contains(&bytes), "{bytes}");
    assert_eq!(step.calls.len() + step.calls_left_out, 10);
    assert!(step.calls_left_out > 0);
}

#[test]
fn a_request_that_takes_too_long_is_given_up() {
    let source = "local s = require('ngx.semaphore').new(0)
        while true do ngx.sleep(0.001); s:wait(0.001) end";
    let harness = Harness::builder().access(source).record();
    let harness = harness.patience(std::time::Duration::from_millis(50)).runtime(|runtime| {
        runtime.budget(
            tower_lua::Budget::default()
                .request_time(std::time::Duration::from_secs(60))
                .call_time(std::time::Duration::from_secs(60)),
        )
    });
    let exchange = harness.build().unwrap().request(Request::default());
    assert_eq!(exchange.response.status(), 504);
    assert_eq!(exchange.steps[0].outcome, FunctionOutcome::Waited);
}

#[test]
fn light_threads_and_timers_are_noted_too() {
    let mut harness = Harness::builder()
        .access(
            "local t = ngx.thread.spawn(function() return kong.request.get_path() end)
             ngx.thread.wait(t); ngx.timer.at(0, function() ngx.log(ngx.WARN, 'later') end)",
        )
        .record()
        .build()
        .unwrap();
    let steps = harness.request(Request::default()).steps;
    let names: Vec<_> = steps[0].calls.iter().map(|call| &*call.name).collect();
    assert_eq!(
        names,
        ["ngx.thread.spawn", "kong.request.get_path", "ngx.thread.wait", "ngx.timer.at"]
    );
    let timer = steps.iter().find(|step| step.phase == Phase::Timer).unwrap();
    assert_eq!(timer.calls[0].name, "ngx.log");
}

#[test]
fn functions_run_as_they_would() {
    let source = r##"
        assert(type(kong) == "table" and type(kong.log) == "table" and type(ngx.null) == "userdata")
        assert(ngx.HTTP_OK == 200 and kong.version_num > 0)
        for name, value in pairs(kong.request) do assert(type(name) == "string" and type(value) == "function") end
        assert(kong.request.get_header == kong.request.get_header)
        kong.mine = function() return "mine" end
        assert(kong.mine() == "mine")
        local ok, err = pcall(error, { code = 7 })
        assert(not ok and err.code == 7)
        assert(select("#", ngx.re.match("a", "b")) == 1 and select("#", kong.log("x")) == 0)
        return kong.response.exit(200, "done")
    "##;
    let mut harness = Harness::builder().access(source).record().build().unwrap();
    let exchange = harness.request(Request::default());
    assert_eq!(exchange.response.body(), "done", "{:?}", exchange.logs);
}
