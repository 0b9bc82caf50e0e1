//! `kong.request`: the request line, the connection, the query.

use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt};
use tower_lua::{Connection, Functions, PreFunctionLayer, UriCaptures};

use crate::support::App;

/// What `source` is worth for a request that comes with extensions or a version of its own.
async fn eval_of(request: http::request::Builder, source: &str) -> String {
    let source = format!("kong.response.exit(200, tostring({source}))");
    let layer = PreFunctionLayer::new(Functions::access("test", &source).expect("Lua"));
    let service = layer.layer(tower::service_fn(|_| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::default()))
    }));
    let request = request.body(Full::<Bytes>::default()).expect("a valid request");
    let response = service.oneshot(request).await.expect("never fails");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

async fn eval_at(path: &str, source: &str) -> String {
    App::eval_for(source, |app| app.get(path)).await.text()
}

#[tokio::test]
async fn scheme_and_port_are_those_of_the_connection() {
    let app = App::access(
        "kong.response.exit(200, kong.request.get_scheme() .. ' ' .. kong.request.get_port())",
    )
    .await;
    let reply = app.get("/").header("host", "example.com:8080").send().await;
    assert_eq!(reply.text(), format!("http {}", app.addr.port()));
}

#[tokio::test]
async fn a_tls_connection_makes_the_scheme_https_and_its_default_port_443() {
    let connection = Connection::new("192.0.2.1:5000".parse().unwrap()).with_tls(true);
    let request = Request::builder().uri("/").header("host", "a").extension(connection);
    let source = "kong.request.get_scheme() .. ' ' .. kong.request.get_port()";
    assert_eq!(eval_of(request, source).await, "https 443");
}

#[tokio::test]
async fn without_a_connection_scheme_and_port_are_what_the_request_says() {
    let source = "kong.request.get_scheme() .. ' ' .. kong.request.get_port()";
    for (request, expected) in [
        (Request::builder().uri("/"), "http 80"),
        (Request::builder().uri("/").header("host", "a:8080"), "http 8080"),
        (Request::builder().uri("https://a/"), "https 443"),
        (Request::builder().uri("https://a:8443/").header("host", "b:1"), "https 8443"),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(eval_of(request, source).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn the_host_is_lower_case_and_has_no_port() {
    for (host, expected) in [
        ("EXAMPLE.com:8080", "example.com"),
        ("example.com.", "example.com"),
        ("[::1]:8080", "[::1]"),
        ("192.0.2.1", "192.0.2.1"),
    ] {
        let reply =
            App::eval_for("kong.request.get_host()", |app| app.get("/").header("host", host)).await;
        assert_eq!(reply.text(), expected, "{host}");
    }
}

#[tokio::test]
async fn the_host_in_the_request_line_wins_over_the_header() {
    let app = App::access("kong.response.exit(200, kong.request.get_host())").await;
    let request = "GET http://line.example/ HTTP/1.1\r\nhost: header.example\r\n\
                   connection: close\r\n\r\n";
    let answer = app.raw(request).await;
    assert!(answer.ends_with("\r\n\r\nline.example"), "{answer}");
}

#[tokio::test]
async fn a_request_without_a_host_is_for_the_server() {
    let source = "kong.response.exit(200, table.concat({ kong.request.get_host(),
        kong.request.get_forwarded_host(), ngx.var.host, ngx.var.server_name }, ' '))";
    let app = App::access(source).await;
    let answer = app.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.ends_with("\r\n\r\nkong kong kong kong"), "{answer}");
    let named = App::builder().access(source).runtime(|runtime| runtime.server_name("shop.test"));
    let answer = named.serve().await.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.ends_with("\r\n\r\nshop.test shop.test shop.test shop.test"), "{answer}");
}

#[tokio::test]
async fn an_http2_request_has_its_authority_as_host_header() {
    let source = r#"kong.request.get_header("Host") == kong.request.get_headers().host,
                    kong.request.get_headers().host, kong.request.get_host()"#;
    let reply = App::eval_for(source, |app| app.get("/").http2()).await;
    let text = reply.text();
    assert!(text.starts_with("true, 127.0.0.1:") && text.ends_with(", 127.0.0.1"), "{text}");
}

#[tokio::test]
async fn the_http_version_is_a_number() {
    for (version, expected) in [
        (Version::HTTP_10, "1"),
        (Version::HTTP_11, "1.1"),
        (Version::HTTP_2, "2"),
        (Version::HTTP_3, "3"),
    ] {
        let request = Request::builder().version(version);
        assert_eq!(eval_of(request, "kong.request.get_http_version()").await, expected);
    }
}

#[tokio::test]
async fn the_method_may_be_any() {
    for method in ["GET", "DELETE", "PROPFIND", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let reply =
            App::eval_for("kong.request.get_method()", |app| app.call(method.clone(), "/")).await;
        assert_eq!(reply.text(), method.as_str());
    }
}

#[tokio::test]
async fn the_path_is_normalised_and_the_raw_path_is_not() {
    let source = "kong.request.get_path(), kong.request.get_raw_path(), \
                  kong.request.get_path_with_query()";
    for (path, expected) in [
        ("/", "/, /, /"),
        ("/a/b?c=d", "/a/b, /a/b, /a/b?c=d"),
        ("/a?", "/a, /a, /a?"),
        ("//a///b/", "/a/b/, //a///b/, //a///b/"),
        ("/a/./b/../c", "/a/c, /a/./b/../c, /a/./b/../c"),
        ("/%61%2fb%3f", "/a%2Fb%3F, /%61%2fb%3f, /%61%2fb%3f"),
        ("/t%C3%A4", "/tä, /t%C3%A4, /t%C3%A4"),
        ("/a?b=/../c", "/a, /a, /a?b=/../c"),
    ] {
        assert_eq!(eval_at(path, source).await, expected, "{path}");
    }
}

#[tokio::test]
async fn the_raw_query_is_what_follows_the_question_mark() {
    for (path, expected) in
        [("/", "[]"), ("/?", "[]"), ("/?a=%20b&c", "[a=%20b&c]"), ("/?a?b", "[a?b]")]
    {
        let seen = eval_at(path, "'[' .. kong.request.get_raw_query() .. ']'").await;
        assert_eq!(seen, expected, "{path}");
    }
}

#[tokio::test]
async fn a_query_argument_is_decoded_and_the_first_of_its_name() {
    let path = "/?a=1&a=2&b&c=&Foo=x&d=%7B+%2B%zz&%65=e&n=%00%ff";
    for (name, expected) in [
        ("a", "1"),
        ("b", "true"),
        ("c", ""),
        ("foo", "nil"),
        ("Foo", "x"),
        ("d", "{ +%zz"),
        ("e", "e"),
        ("missing", "nil"),
    ] {
        let seen = eval_at(path, &format!("kong.request.get_query_arg('{name}')")).await;
        assert_eq!(seen, expected, "{name}");
    }
    assert_eq!(eval_at(path, "kong.request.get_query_arg('n'):byte(1, 2)").await, "0, 255");
}

#[tokio::test]
async fn the_query_is_a_table_with_arrays_for_what_comes_several_times() {
    let source = "kong.request.get_query().a, kong.request.get_query().b, \
                  kong.request.get_query().c";
    assert_eq!(eval_at("/?a=1&b=x&a&a=3", source).await, r#"["1",true,"3"], x, nil"#);
    assert_eq!(eval_at("/", "next(kong.request.get_query())").await, "nil");
}

#[tokio::test]
async fn a_query_ends_after_a_hundred_arguments_unless_another_number_is_given() {
    let path = format!(
        "/?{}",
        (1..=150).map(|n| format!("&a{n}={n}")).collect::<String>().replacen('&', "", 1)
    );
    for (max, expected) in [("", "100, truncated"), ("150", "150, nil"), ("7", "7, truncated")] {
        let source = format!(
            "(function() local args, err = kong.request.get_query({max}) \
             local n = 0 for _ in pairs(args) do n = n + 1 end return n, err end)()"
        );
        assert_eq!(eval_at(&path, &source).await, expected, "{max}");
    }
}

#[tokio::test]
async fn the_number_of_arguments_has_to_be_between_1_and_1000() {
    for (max, message) in [
        ("'10'", "max_args must be a number"),
        ("false", "max_args must be a number"),
        ("0", "max_args must be >= 1"),
        ("1001", "max_args must be <= 1000"),
        ("1/0", "max_args must be <= 1000"),
    ] {
        let source = format!("select(2, pcall(kong.request.get_query, {max}))");
        assert_eq!(App::eval(&source).await, message, "{max}");
    }
}

#[tokio::test]
async fn a_query_argument_is_named_by_a_string() {
    for name in ["nil", "1", "{}", "true"] {
        let source = format!("select(2, pcall(kong.request.get_query_arg, {name}))");
        assert_eq!(App::eval(&source).await, "query argument name must be a string", "{name}");
    }
}

#[tokio::test]
async fn the_start_time_is_in_milliseconds() {
    let millis = || std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let before = millis();
    let seen: u64 =
        App::eval("('%d'):format(kong.request.get_start_time())").await.parse().unwrap();
    assert!((before..=millis()).contains(&seen), "{seen}");
}

#[tokio::test]
async fn the_start_time_may_be_another_that_a_function_has_noted() {
    let app = App::builder()
        .access(
            "ngx.ctx.KONG_PROCESSING_START = 1500.5
             kong.response.exit(200, tostring(kong.request.get_start_time()))",
        )
        .log("require('recorder')(kong.log.serialize().started_at, ngx.req.start_time() > 1e9)")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "1500.5");
    assert_eq!(app.recorder.wait_for(1).await, ["1500.5 true"]);
}

#[tokio::test]
async fn what_a_router_captured_is_there_by_number_and_by_name() {
    let captures =
        UriCaptures::default().with_unnamed("v1").with_unnamed("7").with_named("user", "alice");
    let source = r#"(function()
        local captures = kong.request.get_uri_captures()
        return captures.unnamed[1] .. captures.unnamed[2] .. captures.named.user
    end)()"#;
    assert_eq!(eval_of(Request::builder().extension(captures), source).await, "v17alice");
    let source = "#kong.request.get_uri_captures().unnamed, \
                  next(kong.request.get_uri_captures().named)";
    assert_eq!(App::eval(source).await, "0, nil");
}

#[tokio::test]
async fn what_a_function_has_put_in_the_place_of_the_routers_captures_counts() {
    let app = App::builder()
        .extension(UriCaptures::default().with_unnamed("7").with_named("id", "7"))
        .access(
            "local given = ngx.re.match('/users/ada', [[/users/(?<name>\\w+)]])
             ngx.ctx.router_matches = { uri_captures = given }
             local found = kong.request.get_uri_captures()
             require('recorder')(found.unnamed[0], found.unnamed[1], #found.unnamed,
               found.named.name, found.named.id)
             ngx.ctx.router_matches = {}
             found = kong.request.get_uri_captures()
             require('recorder')(require('cjson').encode(found.unnamed), next(found.named))",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["/users/ada ada 1 ada nil", "[] nil"]);
}

#[tokio::test]
async fn the_original_path_stays_when_functions_change_where_the_request_goes() {
    let app = App::access(
        "kong.service.request.set_path('/new')
         kong.service.request.set_raw_query('x=1')
         kong.response.exit(200, kong.request.get_path() .. ' ' .. kong.request.get_path_with_query()
           .. ' ' .. kong.request.get_raw_query())",
    )
    .await;
    assert_eq!(app.get("/old?a=b").send().await.text(), "/old /old?a=b x=1");
}
