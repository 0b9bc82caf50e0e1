//! `tower_lua::testing`: functions in tests.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use tower_lua::testing::{Exchange, Harness};
use tower_lua::{Phase, Upstream};

/// What comes of a GET request for `/`.
fn get(harness: &mut Harness) -> Exchange {
    harness.request(Request::get("/").body(Bytes::new()).unwrap())
}

fn text(exchange: &Exchange) -> &str {
    std::str::from_utf8(exchange.response.body()).unwrap()
}

#[test]
fn a_request_passes_all_phases() {
    let mut harness = Harness::builder()
        .function(Phase::Rewrite, "kong.ctx.shared.way = 'rewrite'")
        .access("kong.service.request.set_header('x-way', kong.ctx.shared.way .. ' access')")
        .post_function(
            Phase::HeaderFilter,
            "kong.response.set_header('x-status', kong.response.get_status())",
        )
        .function(Phase::BodyFilter, "ngx.arg[1] = (ngx.arg[1] or ''):upper()")
        .function(Phase::Log, "kong.log.warn('status ', ngx.status)")
        .build()
        .unwrap();
    harness.upstream(|request| {
        let body = Bytes::from(format!("{} {:?}", request.uri(), request.body()));
        Response::builder().status(StatusCode::ACCEPTED).body(body).unwrap()
    });
    let request = Request::post("/path?a=1").body(Bytes::from("hello")).unwrap();
    let exchange = harness.request(request);
    assert_eq!(exchange.response.status(), StatusCode::ACCEPTED);
    assert_eq!(exchange.response.headers()["x-status"], "202");
    assert_eq!(text(&exchange), "/PATH?A=1 B\"HELLO\"");
    let forwarded = exchange.forwarded.as_ref().unwrap();
    assert_eq!(forwarded.method(), Method::POST);
    assert_eq!(forwarded.headers()["x-way"], "rewrite access");
    assert_eq!(forwarded.body(), "hello");
    assert_eq!(exchange.logs.len(), 1);
    assert_eq!(exchange.logs[0].level, "warn");
    assert!(exchange.logs[0].message.ends_with("status 202"), "{:?}", exchange.logs);
}

#[test]
fn what_a_function_answers_reaches_no_service() {
    let mut harness = Harness::builder().access("kong.response.exit(403, 'no')").build().unwrap();
    let exchange = get(&mut harness);
    assert_eq!((exchange.response.status().as_u16(), text(&exchange)), (403, "no"));
    assert!(exchange.forwarded.is_none());
}

#[test]
fn what_functions_ask_of_the_forwarder_is_seen() {
    let source = "kong.service.set_target('canary', 8080)";
    let mut harness = Harness::builder().access(source).build().unwrap();
    let forwarded = get(&mut harness).forwarded.unwrap();
    let upstream = forwarded.extensions().get::<Upstream>().unwrap();
    assert_eq!(upstream.target(), Some(("canary", 8080)));
}

#[test]
fn a_failure_is_in_the_log() {
    let mut harness = Harness::builder().access("local a = nil; a.b = 1").build().unwrap();
    let exchange = get(&mut harness);
    assert_eq!(exchange.response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(exchange.logs[0].level, "err");
    assert!(exchange.logs[0].message.contains("attempt to index local 'a'"), "{:?}", exchange.logs);
    let wrong = Harness::builder().access("this is not lua").build().unwrap_err();
    assert!(wrong.to_string().contains("'=' expected"), "{wrong}");
}

#[test]
fn time_takes_no_time() {
    let began = std::time::Instant::now();
    let start = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let mut harness = Harness::builder()
        .shared_dict("counters", 1 << 16)
        .access("ngx.sleep(600) kong.response.exit(200, {ngx.time(), (ngx.shared.counters:incr('a', 1, 0, 3600))})")
        .function(Phase::Log, "ngx.sleep(20) kong.log.warn('at ', ngx.time())")
        .now(start)
        .build()
        .unwrap();
    let exchange = get(&mut harness);
    assert_eq!(text(&exchange), "[1000000600,1]");
    assert!(exchange.logs[0].message.ends_with("at 1000000620"), "{:?}", exchange.logs);
    let since = harness.now().duration_since(start).unwrap();
    assert!(since >= Duration::from_secs(620) && since < Duration::from_secs(621), "{since:?}");
    assert!(text(&get(&mut harness)).ends_with(",2]"));
    harness.advance(Duration::from_secs(3600));
    assert!(text(&get(&mut harness)).ends_with(",1]"));
    harness.set_now(start);
    assert!(text(&get(&mut harness)).starts_with("[1000000600,"));
    assert!(began.elapsed() < Duration::from_secs(30), "somebody has waited");
}

#[test]
fn timers_run_when_their_time_has_come() {
    let source = "ngx.timer.at(60, function() ngx.shared.flags:set('ran', true) end)";
    let mut harness =
        Harness::builder().shared_dict("flags", 1 << 16).access(source).build().unwrap();
    get(&mut harness);
    let ran = |harness: &mut Harness| {
        let source = "kong.response.exit(200, tostring(ngx.shared.flags:get('ran')))";
        text(&harness.run(source).unwrap()).to_owned()
    };
    assert_eq!(ran(&mut harness), "nil");
    harness.advance(Duration::from_secs(61));
    assert_eq!(ran(&mut harness), "true");
}

#[test]
fn servers_that_functions_ask_are_the_tests() {
    let source = r#"
        local http = require("resty.http")
        local client = http.new()
        local one = assert(client:request_uri("https://users.internal/7?full=1", {
          method = "PUT", body = ("x"):rep(200000), headers = { ["x-a"] = "b" },
        }))
        assert(client:connect { scheme = "https", host = "users.internal", port = 8443, ssl_verify = true })
        local chunks = { "a", "b" }
        local two = assert(client:request {
          method = "POST", path = "/chunks", headers = { ["transfer-encoding"] = "chunked" },
          body = function() local chunk = table.remove(chunks, 1)
            return chunk and ("%x\r\n%s\r\n"):format(#chunk, chunk) or (chunk == nil and not done and (function() done = true return "0\r\n\r\n" end)() or nil) end,
        })
        local three = assert(http.new():request_uri("http://nobody.internal/"))
        kong.response.exit(200, { one.status, one.headers["x-got"], #one.body, two:read_body(), three.status })
    "#;
    let mut harness = Harness::builder().access(source).build().unwrap();
    harness.http_with("https://users.internal/*", |request| {
        let got = format!(
            "{} {} {}",
            request.method(),
            request.headers()["x-a"].to_str().unwrap(),
            request.body().len()
        );
        Response::builder()
            .status(201)
            .header("x-got", got)
            .body(vec![b'y'; 100_000].into())
            .unwrap()
    });
    harness.http_with("https://users.internal:8443/chunks", |request| {
        Response::new(request.into_body())
    });
    assert_eq!(text(&get(&mut harness)), r#"[201,"PUT b 200000",100000,"ab",502]"#);
}

#[test]
fn variables_are_the_tests() {
    let source = "kong.response.exit(200, { kong.vault.get('{vault://env/api-key}'), os.getenv('API_KEY'), tostring(os.getenv('PATH')) })";
    let mut harness = Harness::builder().access(source).variable("API_KEY", "abc").build().unwrap();
    assert_eq!(text(&get(&mut harness)), r#"["abc","abc","nil"]"#);
}
