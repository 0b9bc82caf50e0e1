//! `kong.log.serialize` and `kong.log.set_serialize_value`.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use http::{Request, Response, StatusCode};
use tower_lua::{RequestBody, ResponseSource, ServiceTimes, Tries, Try};

use crate::support::App;

/// What `source`, with `log` for the serialized request, is worth in the log phase.
async fn serialized(before: &str, source: &str) -> String {
    let app = App::builder()
        .access(before)
        .log(&format!("local log = kong.log.serialize() require('recorder')({source})"))
        .serve()
        .await;
    let call = app.post("/path//x?a=1&a=2&b").header("host", "Example.com");
    call.header("authorization", "secret").header("x-foo", "bar").body("abc").send().await;
    let port = app.addr.port().to_string();
    app.recorder.wait_for(1).await.concat().replace(&port, "PORT")
}

#[tokio::test]
async fn it_tells_of_the_request() {
    for (source, expected) in [
        ("log.request.method", "POST"),
        ("log.request.uri", "/path//x?a=1&a=2&b"),
        ("log.request.url", "http://example.com:PORT/path//x?a=1&a=2&b"),
        ("table.concat(log.request.querystring.a), log.request.querystring.b", "12 true"),
        ("log.request.headers['X-Foo'], log.request.headers.x_foo", "bar bar"),
        ("#log.request.id", "32"),
        ("log.request.size > 100", "true"),
        ("log.client_ip", "127.0.0.1"),
        ("log.started_at == kong.request.get_start_time()", "true"),
    ] {
        assert_eq!(serialized("", source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn it_tells_of_the_response() {
    let by_service = "log.response.status, log.upstream_status, type(log.upstream_status), log.source, \
                      log.response.headers['X-Service'], log.upstream_uri";
    assert_eq!(serialized("", by_service).await, "200 200 string upstream echo /path//x?a=1&a=2&b");
    let by_kong =
        "log.response.status, '[' .. log.upstream_status .. ']', log.source, log.response.size";
    let exited = serialized("kong.response.exit(403, 'no')", by_kong).await;
    assert!(exited.starts_with("403 [] kong "), "{exited}");
}

#[tokio::test]
async fn the_uri_of_the_upstream_is_where_the_request_went() {
    let before = "kong.service.request.set_path('/new') kong.service.request.set_raw_query('c=d')";
    assert_eq!(serialized(before, "log.upstream_uri").await, "/new?c=d");
    let before = "kong.service.request.set_path('/new?own=query')";
    assert_eq!(serialized(before, "log.upstream_uri").await, "/new?own=query");
}

#[tokio::test]
async fn latencies_are_milliseconds_and_none_is_known_of_a_service_that_was_not_asked() {
    let source = "log.latencies.proxy >= 0, log.latencies.kong >= 0, \
                  log.latencies.request >= log.latencies.proxy, log.latencies.receive >= 0";
    assert_eq!(serialized("", source).await, "true true true true");
    let source = "log.latencies.proxy, log.latencies.receive";
    assert_eq!(serialized("kong.response.exit(200)", source).await, "-1 0");
}

#[tokio::test]
async fn what_is_said_of_a_service_that_is_further_in_counts() {
    let source = "local times = kong.log.serialize().latencies
                  require('recorder')(times.kong >= 20, times.proxy)";
    let service = tower::service_fn(async |_: Request<RequestBody<_>>| {
        let mut response = Response::new(String::new());
        let began = SystemTime::now() + Duration::from_millis(20);
        let times = ServiceTimes::new(began, began + Duration::from_millis(7));
        response.extensions_mut().insert(times);
        Ok::<_, Infallible>(response)
    });
    let app = App::builder().log(source).serve_around(service).await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["true 7"]);
}

#[tokio::test]
async fn a_layer_that_answers_for_the_service_took_no_time_of_its() {
    let service = tower::service_fn(async |_: Request<RequestBody<_>>| {
        let mut response = Response::new(String::new());
        response.extensions_mut().insert(ResponseSource::Exit);
        Ok::<_, Infallible>(response)
    });
    let source = "require('recorder')(kong.log.serialize().latencies.proxy)";
    let app = App::builder().log(source).serve_around(service).await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["-1"]);
}

#[tokio::test]
async fn credentials_are_redacted() {
    let app = App::builder()
        .log(
            "local headers = kong.log.serialize().request.headers
             require('recorder')(headers.authorization, headers['Proxy-Authorization'], headers.Authorization)",
        )
        .serve()
        .await;
    let call = app.get("/").header("authorization", "one").header("authorization", "two");
    call.header("proxy-authorization", "three").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["REDACTED REDACTED REDACTED"]);
    assert_eq!(serialized("", "kong.request.get_header('authorization')").await, "secret");
}

#[tokio::test]
async fn the_client_is_whom_a_trusted_proxy_names() {
    let app = App::builder()
        .runtime(|runtime| runtime.trusted_ips(["127.0.0.0/8"]))
        .log("require('recorder')(kong.log.serialize().client_ip)")
        .serve()
        .await;
    app.get("/").header("x-real-ip", "192.0.2.7").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["192.0.2.7"]);
}

#[tokio::test]
async fn values_are_set_added_and_replaced() {
    for (calls, source, expected) in [
        ("('v', 1)", "log.v", "1"),
        ("('v', 1) set('v', 2)", "log.v", "2"),
        ("('v', 1) set('v', nil)", "tostring(log.v)", "nil"),
        ("('v', 1, { mode = 'add' }) set('v', 2, { mode = 'add' })", "log.v", "1"),
        ("('v', 1, { mode = 'replace' })", "tostring(log.v)", "nil"),
        ("('v', 1) set('v', 2, { mode = 'replace' })", "log.v", "2"),
        ("('v', false) set('v', 2, { mode = 'add' })", "tostring(log.v)", "false"),
        ("('v', 1, {}) set('w', ngx.null)", "log.v, log.w == ngx.null", "1 true"),
        (
            "('v', { s = 'a', n = { 1, { true } } })",
            "log.v.s, log.v.n[1], log.v.n[2][1]",
            "a 1 true",
        ),
        ("('client_ip', 'hidden')", "log.client_ip", "hidden"),
        ("('request.headers.x-foo', nil)", "tostring(log.request.headers['X-Foo'])", "nil"),
        (
            "('request.headers.authorization', 'own', { mode = 'replace' })",
            "log.request.headers.Authorization",
            "own",
        ),
    ] {
        let before = format!("local set = kong.log.set_serialize_value set{calls}");
        assert_eq!(serialized(&before, source).await, expected, "{calls}");
    }
}

#[tokio::test]
async fn dots_in_a_key_lead_into_tables_unless_they_are_escaped() {
    for (calls, source, expected) in [
        ("('a.b.c', 1)", "log.a.b.c", "1"),
        ("('a.b', 1) set('a.c', 2)", "log.a.b, log.a.c", "1 2"),
        ("('a.b', 1, { mode = 'add' })", "log.a.b", "1"),
        ("('a.b.c', 1, { mode = 'replace' })", "tostring(log.a)", "nil"),
        (r"('a\\.b\\.c', 1)", "log['a.b.c']", "1"),
        (r"('a.b\\.c', 1)", "log.a['b.c']", "1"),
        ("('.a', 1)", "log['.a']", "1"),
        ("('a..b', 1)", "log.a[''].b", "1"),
        ("('', 1)", "log['']", "1"),
    ] {
        let before = format!("local set = kong.log.set_serialize_value set{calls}");
        assert_eq!(serialized(&before, source).await, expected, "{calls}");
    }
}

#[tokio::test]
async fn values_of_all_plugins_and_phases_come_together() {
    let app = App::builder()
        .rewrite("kong.log.set_serialize_value('seen', 'rewrite')")
        .post_function(
            tower_lua::Phase::BodyFilter,
            "kong.log.set_serialize_value('seen', 'body_filter', { mode = 'replace' })",
        )
        .log("kong.log.set_serialize_value('more', 'log')")
        .log("local log = kong.log.serialize() require('recorder')(log.seen, log.more)")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["body_filter log"]);
}

#[tokio::test]
async fn what_a_log_cannot_hold_is_refused_when_it_is_serialized() {
    let unfit = "value must be nil, a number, string, boolean or a non-self-referencial table containing \
                 numbers, string and booleans";
    for (value, message) in [
        ("'v', print", unfit),
        ("'v', { f = print }", unfit),
        ("'v', { [print] = 1 }", unfit),
        ("'v', (function() local t = {} t.t = t return t end)()", unfit),
        (
            "'source.x', 1",
            "The key 'source.x' could not be used as a serialize value. Subkey 'source' is not \
                           a table. It's upstream",
        ),
    ] {
        let app = App::builder()
            .log(&format!(
                "kong.log.set_serialize_value({value})
                 require('recorder')(select(2, pcall(kong.log.serialize)))"
            ))
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(1).await, [message], "{value}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (arguments, message) in [
        ("", "key must be a string"),
        (", 1, 2", "key must be a string"),
        (", 'a', 1, { mode = 'invalid' }", "mode must be 'set', 'add' or 'replace'"),
        (", 'a', 1, { mode = 1 }", "mode must be 'set', 'add' or 'replace'"),
        (", 'a', 1, 7", "options must be a table"),
    ] {
        let source = format!("select(2, pcall(kong.log.set_serialize_value{arguments}))");
        assert_eq!(App::eval(&source).await, message, "{arguments}");
    }
}

#[tokio::test]
async fn tries_are_what_the_forwarder_tells_of_them() {
    let source = "local tries, data = kong.log.serialize().tries, ngx.ctx.balancer_data
                  local first, second = tries[1], tries[2]
                  require('recorder')(#tries, first.ip, first.port, first.state, first.code,
                    first.balancer_start, second.ip, second.state, data.try_count, #data.tries,
                    ngx.var.upstream_addr)";
    let service = tower::service_fn(async |_: Request<RequestBody<_>>| {
        let mut response = Response::new(String::new());
        let began = SystemTime::UNIX_EPOCH + Duration::from_millis(7);
        let tried = |addr: &str| Try::new(addr.parse().unwrap(), began);
        let first = tried("192.0.2.7:80").failed(StatusCode::BAD_GATEWAY);
        let tries = Tries::from_iter([first, tried("[2001:db8::1]:443")]);
        response.extensions_mut().insert(tries);
        Ok::<_, Infallible>(response)
    });
    let app = App::builder().log(source).serve_around(service).await;
    app.get("/").send().await;
    assert_eq!(
        app.recorder.wait_for(1).await,
        ["2 192.0.2.7 80 failed 502 7 2001:db8::1 nil 2 2 192.0.2.7:80, [2001:db8::1]:443"]
    );
}

#[tokio::test]
async fn nothing_is_told_of_tries_that_nobody_tells_of() {
    let source = "log.tries, ngx.var.upstream_addr, ngx.ctx.balancer_data.try_count";
    assert_eq!(serialized("", source).await, "nil nil 1");
}
