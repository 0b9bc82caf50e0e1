//! `ngx.exit`, `ngx.redirect`, `ngx.exec` and `ngx.on_abort`.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};
use tower_lua::{CloseConnection, Functions, Phase, PreFunctionLayer};

use super::assert_errors;

use crate::support::{App, Events};

#[tokio::test]
async fn an_error_status_is_answered_with_the_gateways_page() {
    for (status, message) in [
        (400, "Bad request"),
        (401, "Unauthorized"),
        (404, "Not found"),
        (429, "Too many requests"),
        (500, "An unexpected error occurred"),
        (503, "The upstream server is currently unavailable"),
        (416, "Range not satisfiable"),
        (494, "Request header or cookie too large"),
        (507, "Insufficient storage"),
    ] {
        let app = App::access(&format!("return ngx.exit({status})")).await;
        let reply = app.get("/").send().await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
        let text = reply.text();
        let id = text.strip_prefix(message).and_then(|rest| rest.strip_prefix("\nrequest_id: "));
        assert_eq!(id.map(|id| id.trim_end().len()), Some(32), "{text}");
    }
}

#[tokio::test]
async fn the_page_is_in_the_format_that_the_client_asks_for() {
    let app = App::access("ngx.exit(404)").await;
    let reply = app.get("/").header("accept", "application/json").send().await;
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(reply.json()["message"], "Not found");
}

#[tokio::test]
async fn head_gets_the_headers_of_the_page() {
    let app = App::access("ngx.exit(404)").await;
    let reply = app.call(Method::HEAD, "/").send().await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.header("content-length"), "55");
    assert!(reply.body.is_empty());
}

#[tokio::test]
async fn headers_that_were_set_before_stay() {
    let app = App::access("ngx.header.www_authenticate = 'Basic' ngx.exit(401)").await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("www-authenticate"), "Basic");
}

#[tokio::test]
async fn a_redirect_is_a_location_and_a_status() {
    let app = App::access("ngx.header['Location'] = '/login' ngx.exit(302)").await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 302);
    assert_eq!(reply.header("location"), "/login");
}

#[tokio::test]
async fn ok_ends_the_phase_alone() {
    for status in ["ngx.OK", "ngx.DECLINED"] {
        let app = App::builder()
            .rewrite(&format!("ngx.exit({status}) error('never')"))
            .access(&format!("ngx.req.set_header('x-first', '1') ngx.exit({status})"))
            .access("error('never')")
            .serve()
            .await;
        let reply = app.get("/").send().await;
        assert_eq!(reply.json()["headers"]["x-first"], "1", "{status}");
    }
}

#[tokio::test]
async fn a_success_without_output_is_an_empty_answer() {
    let app = App::access("ngx.exit(200) error('never')").await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.is_empty());
    assert_eq!(reply.header("x-service"), "");
}

#[tokio::test]
async fn after_output_the_status_is_the_one_that_was_sent() {
    let events = Events::capture();
    for status in ["200", "ngx.status", "503"] {
        let source = format!("ngx.status = 410 ngx.say('own content') ngx.exit({status})");
        let reply = App::access(&source).await.get("/").send().await;
        assert_eq!(reply.status, 410, "{status}");
        assert_eq!(reply.text(), "own content\n", "{status}");
    }
    let complaint = "attempt to set status 503 via ngx.exit after sending out the response status \
                     410";
    let messages = events.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].ends_with(complaint), "{messages:?}");
}

#[tokio::test]
async fn a_function_may_exit_with_the_status_that_one_before_has_set() {
    let app =
        App::builder().access("ngx.status = 400").access("ngx.exit(ngx.status)").serve().await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().starts_with("Bad request\nrequest_id: "));
}

#[tokio::test]
async fn no_function_can_catch_it() {
    for source in [
        "pcall(ngx.exit, 403)",
        "xpcall(function() ngx.exit(403) end, print)",
        "table.sort({1, 2}, function() ngx.exit(403) end)",
        "('x'):gsub('x', function() ngx.exit(403) end)",
    ] {
        let app = App::access(&format!("{source} kong.response.exit(200)")).await;
        assert_eq!(app.get("/").send().await.status, 403, "{source}");
    }
}

#[tokio::test]
async fn the_source_of_such_an_answer_is_error() {
    for status in [200, 302, 403] {
        let app = App::builder()
            .access(&format!("ngx.exit({status})"))
            .log("require('recorder')(kong.response.get_source(), ngx.status)")
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(1).await, [format!("error {status}")]);
    }
}

#[tokio::test]
async fn in_header_filter_the_function_goes_on_and_the_page_takes_the_place_of_the_body() {
    let app = App::builder()
        .header_filter("ngx.exit(403) ngx.header.x_after = 'yes'")
        .header_filter("ngx.header.x_next = 'yes'")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().starts_with("Forbidden\nrequest_id: "));
    assert_eq!((reply.header("x-after"), reply.header("x-next")), ("yes", "yes"));
}

#[tokio::test]
async fn ok_in_header_filter_is_nothing_at_all() {
    let app = App::builder()
        .header_filter("ngx.exit(ngx.OK) ngx.header.x_after = 'yes'")
        .header_filter("ngx.header.x_next = 'yes'")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("x-service")), (200, "echo"));
    assert_eq!((reply.header("x-after"), reply.header("x-next")), ("yes", "yes"));
}

// Where the server does not close the connection.
#[tokio::test]
async fn error_is_a_500() {
    let app = App::access("ngx.exit(ngx.ERROR)").await;
    assert_eq!(app.get("/").send().await.status, 500);
}

#[tokio::test]
async fn what_is_no_status_is_refused() {
    let unfit = "bad argument to 'ngx.exit': does not accept NGX_AGAIN or NGX_DONE";
    assert_errors(&[
        ("ngx.exit()", "bad argument #1 to 'exit' (number expected, got nil)"),
        ("ngx.exit('503')", "bad argument #1 to 'exit' (number expected, got string)"),
        ("ngx.exit(ngx.AGAIN)", unfit),
        ("ngx.exit(ngx.DONE)", unfit),
        ("ngx.exit(99)", "bad argument to 'ngx.exit': invalid status 99"),
        ("ngx.exit(1000)", "bad argument to 'ngx.exit': invalid status 1000"),
        ("ngx.exit(-3)", "bad argument to 'ngx.exit': invalid status -3"),
        ("ngx.exit(99.9)", "bad argument to 'ngx.exit': invalid status 99"),
        ("ngx.exit(1/0)", "bad argument to 'ngx.exit': invalid status 2147483647"),
    ])
    .await;
}

#[tokio::test]
async fn the_fraction_of_a_status_is_left_out() {
    assert_eq!(App::access("ngx.exit(503.9)").await.get("/").send().await.status, 503);
    let reply = App::access("ngx.exit(-0.5)").await.get("/").send().await;
    assert_eq!(reply.header("x-service"), "echo");
}

#[tokio::test]
async fn a_redirect_ends_the_request() {
    for (arguments, status, location) in [
        ("'/foo'", 302, "/foo"),
        ("'/foo?a=b'", 302, "/foo?a=b"),
        ("'http://example.org/'", 302, "http://example.org/"),
        ("'/foo', 301", 301, "/foo"),
        ("'/foo', '303'", 303, "/foo"),
        ("'/foo', ngx.HTTP_TEMPORARY_REDIRECT", 307, "/foo"),
        ("'/foo', ngx.HTTP_PERMANENT_REDIRECT", 308, "/foo"),
    ] {
        let app = App::builder()
            .access(&format!("pcall(ngx.redirect, {arguments}) error('never')"))
            .log("require('recorder')(ngx.status, kong.response.get_source())")
            .serve()
            .await;
        let reply = app.get("/").send().await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (status, location));
        assert!(reply.body.is_empty(), "{arguments}");
        assert_eq!(app.recorder.wait_for(1).await, [format!("{status} error")]);
    }
}

#[tokio::test]
async fn what_is_no_redirect_is_refused() {
    let allowed = "only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, \
                   ngx.HTTP_PERMANENT_REDIRECT, ngx.HTTP_SEE_OTHER, and \
                   ngx.HTTP_TEMPORARY_REDIRECT are allowed";
    assert_errors(&[
        ("ngx.redirect()", "expecting one or two arguments"),
        ("ngx.redirect('/', 302, 1)", "expecting one or two arguments"),
        ("ngx.redirect(nil)", "bad argument #1 to 'redirect' (string expected, got nil)"),
        ("ngx.redirect('/', {})", "bad argument #2 to 'redirect' (number expected, got table)"),
        ("ngx.redirect('/', 200)", allowed),
        ("ngx.redirect('/', 304)", allowed),
        (
            "ngx.redirect('/a\\r\\nSet-Cookie: b')",
            "unsafe byte \"0x0d\" in redirect uri \"/a\\x0D\\x0ASet-Cookie: b\"",
        ),
    ])
    .await;
    let app =
        App::access("ngx.say('a') local _, why = pcall(ngx.redirect, '/') ngx.say(why)").await;
    let reply = app.get("/").send().await;
    let message = "a\nattempt to call ngx.redirect after sending out the headers\n";
    assert_eq!((reply.status.as_u16(), &*reply.text()), (200, message));
}

#[tokio::test]
async fn exec_leads_the_request_elsewhere() {
    for (arguments, uri) in [
        ("'/other'", "/other"),
        ("'/other?a=b'", "/other?a=b"),
        ("'/other', 'c=6'", "/other?c=6"),
        ("'/other?a=3', 'c=6&d'", "/other?a=3&c=6&d"),
        ("'/other', {a = 'hello world'}", "/other?a=hello%20world"),
        ("'/other', nil", "/other"),
        ("'/other', 7", "/other?7"),
        ("'/a b%20c'", "/a%20b%20c"),
    ] {
        let app = App::builder()
            .access(&format!("pcall(ngx.exec, {arguments}) error('never')"))
            .access("error('never')")
            .serve()
            .await;
        let reply = app.get("/path?old=1").send().await;
        assert_eq!(reply.json()["uri"], uri, "{arguments}");
    }
}

#[tokio::test]
async fn exec_leaves_out_what_is_left_of_the_phases() {
    let app = App::builder()
        .rewrite("ngx.var.upstream_uri = '/forgotten' ngx.exec('/other')")
        .rewrite("error('never')")
        .access("error('never')")
        .header_filter("ngx.header.x_uri = ngx.var.uri .. ' ' .. ngx.var.request_uri")
        .post_function(
            Phase::Access,
            "ngx.req.set_header('x-internal', tostring(ngx.req.is_internal()))",
        )
        .serve()
        .await;
    let reply = app.get("/path").send().await;
    assert_eq!(reply.json()["uri"], "/other");
    assert_eq!(reply.json()["headers"]["x-internal"], "true");
    assert_eq!(reply.header("x-uri"), "/other /path");
}

#[tokio::test]
async fn whoever_routes_is_told_that_a_request_was_led_elsewhere() {
    let service = tower::service_fn(|request: http::Request<_>| async move {
        let _: &http::Request<tower_lua::RequestBody<tower_lua::RequestBody<_>>> = &request;
        let redirect = request.extensions().get::<tower_lua::InternalRedirect>();
        let original = redirect.map_or("none", tower_lua::InternalRedirect::original);
        let body = format!("{} from {original}", request.uri());
        Ok(http::Response::new(http_body_util::Full::new(bytes::Bytes::from(body))))
    });
    let app = App::builder()
        .rewrite(
            "if ngx.var.uri == '/exec' then ngx.exec('/other?x') end
             if ngx.var.uri == '/jump' then ngx.req.set_uri('/other', true) end
             if ngx.var.uri == '/set' then ngx.req.set_uri('/other') end",
        )
        .serve_around(service)
        .await;
    for (path, answer) in [
        ("/exec", "/other?x from /exec"),
        ("/jump", "/other from /jump"),
        ("/set", "/other from none"),
        ("/", "/ from none"),
    ] {
        assert_eq!(app.get(path).send().await.text(), answer, "{path}");
    }
}

#[tokio::test]
async fn a_router_inside_finds_the_other_path() {
    let handler = |request: axum::extract::Request| async move { request.uri().to_string() };
    let router = axum::Router::new().route("/new", axum::routing::get(handler));
    let app = App::builder()
        .access("if ngx.var.uri == '/old' then ngx.exec('/new', {from = 'old'}) end")
        .serve_around(router)
        .await;
    assert_eq!(app.get("/old").send().await.text(), "/new?from=old");
    assert_eq!(app.get("/none").send().await.status, 404);
}

#[tokio::test]
async fn what_is_nowhere_is_refused() {
    assert_errors(&[
        ("ngx.exec()", "expecting one or two arguments, but got 0"),
        ("ngx.exec('/', '', '')", "expecting one or two arguments, but got 3"),
        ("ngx.exec({})", "bad argument #1 to 'exec' (string expected, got table)"),
        ("ngx.exec('')", "The uri argument is empty"),
        ("ngx.exec('/../x')", "unsafe uri"),
        ("ngx.exec('/%2e%2e/x')", "unsafe uri"),
        ("ngx.exec('/%00')", "unsafe uri"),
        ("ngx.exec('?a=b')", "unsafe uri"),
        ("ngx.exec('@named')", "no location named \"@named\""),
        (
            "ngx.exec('/', true)",
            "bad argument #2 to 'exec' (string, number, or table expected, but got boolean)",
        ),
    ])
    .await;
    let app = App::access("ngx.say('a') local _, why = pcall(ngx.exec, '/') ngx.say(why)").await;
    let message = "a\nattempt to call ngx.exec after sending out response headers\n";
    assert_eq!(app.get("/").send().await.text(), message);
}

#[tokio::test]
async fn nothing_is_called_when_the_client_goes_away() {
    let source = "ngx.on_abort(function() error('never') end)";
    assert_eq!(App::eval(source).await, "nil, lua_check_client_abort is off");
}

#[tokio::test]
async fn a_status_without_a_page_is_an_empty_answer() {
    for status in [417, 418, 422, 423, 428, 431, 451, 456, 508, 511, 599] {
        for exit in ["ngx.exit", "kong.response.exit"] {
            let app = App::access(&format!("return {exit}({status})")).await;
            let reply = app.get("/").send().await;
            assert_eq!((reply.status.as_u16(), &*reply.text()), (status, ""), "{exit}");
            assert_eq!((reply.header("content-length"), reply.header("content-type")), ("0", ""));
        }
    }
}

#[tokio::test]
async fn an_exit_in_header_filter_replaces_what_a_function_has_printed() {
    for answer in ["ngx.say('hi') return ngx.exit(200)", "return kong.response.exit(200, 'hi')"] {
        let app = App::builder().access(answer).header_filter("return ngx.exit(403)").serve().await;
        for call in [app.get("/"), app.get("/").http2()] {
            let reply = call.send().await;
            assert_eq!(reply.status, 403);
            assert!(reply.text().starts_with("Forbidden\nrequest_id: "), "{}", reply.text());
        }
    }
}

#[tokio::test]
async fn the_closing_of_a_connection_is_asked_for() {
    for (access, header_filter) in [
        ("return ngx.exit(444)", ""),
        ("ngx.say('hi') return ngx.exit(444)", ""),
        ("ngx.say('hi')", "return ngx.exit(444)"),
        ("", "return ngx.exit(444)"),
    ] {
        let functions = Functions::builder("closing").function(Phase::Access, access);
        let functions = functions.function(Phase::HeaderFilter, header_filter).build().unwrap();
        let service = service_fn(|_: Request<_>| async {
            Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from(
                "service",
            ))))
        });
        let mut layered = PreFunctionLayer::new(functions).layer(service);
        let request = Request::new(Full::<Bytes>::default());
        let response = layered.call(request).await.unwrap();
        assert!(
            response.extensions().get::<CloseConnection>().is_some(),
            "{access}{header_filter}"
        );
    }
}

#[tokio::test]
async fn in_header_filter_created_and_no_content_replace_the_response() {
    for (exit, status, body) in [(201, 201, ""), (204, 204, ""), (202, 200, "hi\n")] {
        let app = App::builder()
            .access("ngx.say('hi')")
            .header_filter(&format!("return ngx.exit({exit})"))
            .serve()
            .await;
        for call in [app.get("/"), app.get("/").http2()] {
            let reply = call.send().await;
            assert_eq!((reply.status.as_u16(), &*reply.text()), (status, body), "{exit}");
        }
    }
}
