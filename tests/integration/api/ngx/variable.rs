//! `ngx.var`.

use http::Method;
use tower_lua::Phase;

use super::{assert_errors, assert_values};
use crate::support::App;

/// What the variables are worth in access, of a request for `path` with some headers.
async fn of_request(path: &str, variables: &[(&str, &str)]) {
    for (name, value) in variables {
        let expression = format!("ngx.var.{name}");
        let reply = App::eval_for(&expression, |app| {
            app.call(Method::POST, path)
                .header("host", "Example.com:8000")
                .header("content-type", "text/own")
                .header("x-many", "a")
                .header("x-many", "b")
                .header("cookie", "first=1; Second=two=2")
                .header("cookie", b"third=\xff")
                .body("hello")
        });
        assert_eq!(reply.await.text(), *value, "{name}");
    }
}

#[tokio::test]
async fn the_request_line_is_there() {
    of_request(
        "/a%20b/../c?q=1&Flag&e=%20",
        &[
            ("request_method", "POST"),
            ("request_uri", "/a%20b/../c?q=1&Flag&e=%20"),
            ("uri", "/c"),
            ("document_uri", "/c"),
            ("URI", "/c"),
            ("request", "POST /a%20b/../c?q=1&Flag&e=%20 HTTP/1.1"),
            ("server_protocol", "HTTP/1.1"),
            ("scheme", "http"),
            ("https", ""),
        ],
    )
    .await;
}

#[tokio::test]
async fn arguments_are_there_as_they_came() {
    of_request(
        "/?q=1&Flag&e=%20&q=2",
        &[
            ("args", "q=1&Flag&e=%20&q=2"),
            ("query_string", "q=1&Flag&e=%20&q=2"),
            ("is_args", "?"),
            ("arg_q", "1"),
            ("arg_Q", "1"),
            ("arg_e", "%20"),
            ("arg_flag", "nil"),
            ("arg_none", "nil"),
        ],
    )
    .await;
    of_request("/", &[("args", "nil"), ("is_args", ""), ("arg_q", "nil")]).await;
    of_request("/?", &[("args", ""), ("is_args", "")]).await;
}

#[tokio::test]
async fn headers_and_cookies_are_there() {
    of_request(
        "/",
        &[
            ("host", "example.com"),
            ("http_host", "Example.com:8000"),
            ("http_x_many", "a, b"),
            ("HTTP_X_MANY", "a, b"),
            ("http_none", "nil"),
            ("cookie_first", "1"),
            ("cookie_second", "two=2"),
            ("cookie_third == '\\255'", "true"),
            ("cookie_none", "nil"),
            ("http_cookie == 'first=1; Second=two=2; third=\\255'", "true"),
            ("content_type", "text/own"),
            ("content_length", "5"),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_path_is_decoded_before_its_dots_are_resolved() {
    for (path, uri) in [
        ("/a%20b", "/a b"),
        ("/a//b/./c/", "/a/b/c/"),
        ("/a%2F..%2Fb", "/b"),
        ("/%2e%2e/a", "/a"),
        ("/a%2541", "/a%41"),
        ("/a+b%zz", "/a+b%zz"),
        ("/%3Fa%23", "/?a#"),
    ] {
        let reply = App::eval_for("ngx.var.uri", |app| app.get(path)).await;
        assert_eq!(reply.text(), uri, "{path}");
    }
}

#[tokio::test]
async fn the_connection_is_there() {
    assert_values(&[
        ("ngx.var.remote_addr", "127.0.0.1"),
        ("ngx.var.realip_remote_addr", "127.0.0.1"),
        ("ngx.var.server_addr", "127.0.0.1"),
        ("tonumber(ngx.var.remote_port) > 0", "true"),
        ("tonumber(ngx.var.server_port) == kong.request.get_port()", "true"),
        ("ngx.var.server_name", "kong"),
        ("tonumber(ngx.var.pid) == ngx.worker.pid()", "true"),
    ])
    .await;
}

#[tokio::test]
async fn a_request_without_a_host_is_for_the_server() {
    let source = "(function() ngx.req.clear_header('Host') return ngx.var.host end)()";
    assert_values(&[(source, "kong")]).await;
}

#[tokio::test]
async fn a_trusted_proxy_names_the_client() {
    let app = App::builder()
        .runtime(|runtime| runtime.trusted_ips(["127.0.0.0/8"]))
        .access("kong.response.exit(200, ngx.var.remote_addr .. ' ' .. ngx.var.realip_remote_addr)")
        .serve()
        .await;
    let reply = app.get("/").header("x-real-ip", "10.1.2.3").send().await;
    assert_eq!(reply.text(), "10.1.2.3 127.0.0.1");
}

#[tokio::test]
async fn times_are_written_as_nginx_writes_them() {
    assert_values(&[
        ("ngx.var.msec:match('^%d+%.%d%d%d$') ~= nil", "true"),
        ("ngx.var.request_time:match('^%d+%.%d%d%d$') ~= nil", "true"),
        ("#ngx.var.time_local, ngx.var.time_local:match('^%d+/%a+/%d+:%d+:%d+:%d+ [+-]%d+$') ~= nil", "26, true"),
        ("#ngx.var.time_iso8601, ngx.var.time_iso8601:match('^[%d-]+T[%d:]+[+-]%d%d:%d%d$') ~= nil", "25, true"),
    ])
    .await;
}

#[tokio::test]
async fn a_request_has_an_id() {
    let source = "#ngx.var.request_id, ngx.var.request_id == ngx.var.kong_request_id";
    assert_eq!(App::eval(source).await, "32, true");
}

#[tokio::test]
async fn the_body_is_there_once_it_was_read() {
    let source = "ngx.var.request_body, \
                  (function() ngx.req.read_body() return ngx.var.request_body end)()";
    let reply = App::eval_for(source, |app| app.post("/").body("hello")).await;
    assert_eq!(reply.text(), "nil, hello");
}

#[tokio::test]
async fn the_response_is_there_when_it_is_there() {
    let app = App::builder()
        .access("require('recorder')(ngx.var.status, ngx.var.upstream_status)")
        .header_filter(
            "ngx.status = 201 ngx.header.x_service = {'own', 'values'}
             require('recorder')(ngx.var.status, ngx.var.upstream_status)
             require('recorder')(ngx.var.sent_http_x_service, ngx.var.upstream_http_content_type)",
        )
        .log(
            "require('recorder')(tonumber(ngx.var.body_bytes_sent) > 0, \
             tonumber(ngx.var.bytes_sent) > tonumber(ngx.var.body_bytes_sent))",
        )
        .serve()
        .await;
    app.get("/").send().await;
    let entries = ["000 nil", "201 200", "own, values application/json", "true true"];
    assert_eq!(app.recorder.wait_for(4).await, entries);
}

#[tokio::test]
async fn unknown_names_and_captures_are_nil() {
    assert_values(&[("ngx.var.no_such_variable, ngx.var[1], ngx.var['']", "nil, nil, nil")]).await;
}

#[tokio::test]
async fn the_arguments_can_be_set() {
    for (value, uri) in [
        ("'a=3&b=42'", "/?a=3&b=42"),
        ("'a b'", "/?a%20b"),
        ("nil", "/"),
        ("''", "/"),
        ("7", "/?7"),
    ] {
        let app = App::access(&format!("ngx.var.args = {value}")).await;
        assert_eq!(app.get("/?old=1").send().await.json()["uri"], uri, "{value}");
    }
}

#[tokio::test]
async fn the_upstream_gets_another_path_that_the_functions_do_not_see() {
    let app = App::access(
        "ngx.var.upstream_uri = '/other'
         require('recorder')(ngx.var.upstream_uri, ngx.var.uri, kong.request.get_path())",
    )
    .await;
    assert_eq!(app.get("/path?a=1").send().await.json()["uri"], "/other?a=1");
    assert_eq!(app.recorder.entries(), ["/other /path /path"]);
}

#[tokio::test]
async fn the_upstream_gets_another_host() {
    let app = App::access("ngx.var.upstream_host = 'example.org'").await;
    assert_eq!(app.get("/").send().await.json()["headers"]["host"], "example.org");
}

#[tokio::test]
async fn the_scheme_of_the_upstream_can_be_set() {
    let source = "(function() local before = ngx.var.upstream_scheme ngx.var.upstream_scheme = \
                  'https' return before, ngx.var.upstream_scheme, ngx.var.scheme end)()";
    assert_eq!(App::eval(source).await, "http, https, http");
}

#[tokio::test]
async fn what_cannot_be_set_says_so() {
    let unknown = |name: &str| {
        format!(
            "variable \"{name}\" not found for writing; maybe it is a built-in variable that is \
             not changeable or you forgot to use \"set ${name} '';\" in the config file to define \
             it first"
        )
    };
    assert_errors(&[
        ("ngx.var.Mine = 'x'", &unknown("mine")),
        ("ngx.var.http_host = 'x'", &unknown("http_host")),
        ("ngx.var.query_string = 'x'", "variable \"query_string\" not changeable"),
        ("ngx.var.URI = 'x'", "variable \"uri\" not changeable"),
        ("ngx.var.binary_remote_addr = 'x'", "variable \"binary_remote_addr\" not changeable"),
        ("ngx.var[1] = 'x'", "bad variable name"),
        ("local _ = ngx.var[true]", "bad variable name"),
        ("ngx.var.upstream_uri = '/a b'", "variable \"upstream_uri\": invalid uri character"),
        ("ngx.var.args = ('x'):rep(70000)", "variable \"args\": uri too long"),
    ])
    .await;
}

#[tokio::test]
async fn the_client_has_a_name_and_an_address_in_bytes() {
    for (authorization, user) in [
        ("Basic YWxpY2U6c2VjcmV0", "alice"),
        ("basic YWxpY2U6c2VjcmV0", "alice"),
        ("Bearer YWxpY2U6c2VjcmV0", "nil"),
        ("Basic !!!", "nil"),
        ("Basic", "nil"),
    ] {
        let call = |app: &App| app.get("/").header("authorization", authorization);
        assert_eq!(
            App::eval_for("ngx.var.remote_user", call).await.text(),
            user,
            "{authorization}"
        );
    }
    assert_values(&[
        ("ngx.var.remote_user", "nil"),
        ("ngx.var.binary_remote_addr == '\\127\\0\\0\\1'", "true"),
        ("ngx.var.http2 == ''", "true"),
        ("ngx.var.proxy_add_x_forwarded_for", "127.0.0.1"),
        ("ngx.var.request_body_file", "nil"),
    ])
    .await;
    assert_eq!(App::eval_for("ngx.var.http2", |app| app.get("/").http2()).await.text(), "h2");
    let call = |app: &App| app.get("/").header("x-forwarded-for", "10.0.0.1");
    let source = "ngx.var.proxy_add_x_forwarded_for, ngx.var.upstream_x_forwarded_for";
    let both = "10.0.0.1, 127.0.0.1, 10.0.0.1, 127.0.0.1";
    assert_eq!(App::eval_for(source, call).await.text(), both);
}

#[tokio::test]
async fn the_service_gets_what_was_set_of_who_forwards() {
    let app = App::access(
        "ngx.var.upstream_x_forwarded_for = '192.0.2.1'
         ngx.var.upstream_x_forwarded_host = 'shop.example'
         ngx.var.upstream_x_forwarded_proto = ''
         ngx.var.upstream_te = 'trailers'
         require('recorder')(ngx.var.upstream_x_forwarded_for, ngx.var.upstream_x_forwarded_host)
         require('recorder')(ngx.var.upstream_x_forwarded_port == '', ngx.var.upstream_via == '')",
    )
    .await;
    let call =
        app.get("/").header("x-forwarded-for", "10.0.0.1").header("x-forwarded-proto", "ftp");
    let headers = &call.send().await.json()["headers"];
    assert_eq!(headers["x-forwarded-for"], "192.0.2.1");
    assert_eq!(headers["x-forwarded-host"], "shop.example");
    assert_eq!(headers["te"], "trailers");
    assert!(headers.get("x-forwarded-proto").is_none());
    assert_eq!(app.recorder.entries(), ["192.0.2.1 shop.example", "true true"]);
}

#[tokio::test]
async fn variables_of_kong_keep_what_they_were_set_to() {
    for name in ["ctx_ref", "limit_rate", "upstream_connection", "upstream_upgrade"] {
        let source = format!(
            "(function() local before = ngx.var.{name} ngx.var.{name} = 7 return before == '', ngx.var.{name} end)()"
        );
        assert_eq!(App::eval(&source).await, "true, 7", "{name}");
    }
    let source = "(function() local before = ngx.var.kong_proxy_mode ngx.var.kong_proxy_mode = 'grpc' \
                  return before, ngx.var.kong_proxy_mode end)()";
    assert_eq!(App::eval(source).await, "http, grpc");
}

#[tokio::test]
async fn the_answer_of_the_service_is_there() {
    let service = tower::service_fn(|request: http::Request<_>| async move {
        let _: &http::Request<tower_lua::RequestBody<tower_lua::RequestBody<_>>> = &request;
        let response = http::Response::builder()
            .header("set-cookie", "session=abc; Path=/")
            .header("set-cookie", "theme = dark");
        Ok(response.body(http_body_util::Full::new(bytes::Bytes::new())).unwrap())
    });
    let app = App::builder()
        .header_filter(
            "require('recorder')(ngx.var.upstream_cookie_session, ngx.var.upstream_cookie_none)
             require('recorder')((ngx.var.upstream_response_time:match('^%d+%.%d%d%d$')) ~= nil,
               ngx.var.upstream_header_time == ngx.var.upstream_response_time)
             require('recorder')(ngx.var.request_completion == '')",
        )
        .log("require('recorder')(ngx.var.request_completion)")
        .serve_around(service)
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(4).await, ["abc nil", "true true", "true", "OK"]);
    assert_values(&[("ngx.var.upstream_response_time, ngx.var.upstream_cookie_a", "nil, nil")])
        .await;
}

#[tokio::test]
async fn another_layer_sees_what_was_set() {
    let app = App::builder()
        .access("ngx.var.ctx_ref = 'mine'")
        .post_function(Phase::Access, "ngx.req.set_header('x-ref', ngx.var.ctx_ref)")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.json()["headers"]["x-ref"], "mine");
}
