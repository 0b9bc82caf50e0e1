//! `kong.response.exit`.

use http::Method;

use crate::support::{App, Events};

#[tokio::test]
async fn a_text_goes_as_it_is() {
    let reply =
        App::access("kong.response.exit(401, 'Invalid Credentials')").await.get("/").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (401, "Invalid Credentials"));
    assert_eq!(reply.header("content-length"), "19");
    assert!(!reply.headers.contains_key("content-type"));
}

#[tokio::test]
async fn a_table_goes_as_json() {
    let reply =
        App::access("kong.response.exit(406, {message = 'Invalid'})").await.get("/").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (406, r#"{"message":"Invalid"}"#));
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(reply.header("content-length"), "21");
}

#[tokio::test]
async fn numbers_in_json_have_sixteen_digits() {
    for (number, expected) in
        [("9007199254740992", "9007199254740992"), ("1/3", "0.3333333333333333")]
    {
        let reply = App::access(&format!("kong.response.exit(200, {{ {number} }})"))
            .await
            .get("/")
            .send()
            .await;
        assert_eq!(reply.text(), format!("[{expected}]"));
    }
}

#[tokio::test]
async fn headers_go_with_it() {
    let reply = App::access(
        "kong.response.exit(403, {}, {
           ['Content-Type'] = 'application/problem+json', ['WWW-Authenticate'] = {'Basic', 'Bearer'},
           X_Number = 1, ['X-Empty'] = '', ['X-Boolean'] = true,
         })",
    )
    .await
    .get("/")
    .send()
    .await;
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let challenges: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Basic", "Bearer"]);
    for (name, value) in [("x-number", "1"), ("x-empty", ""), ("x-boolean", "true")] {
        assert_eq!(reply.headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn the_type_may_be_named_with_an_underscore() {
    let app = App::access("kong.response.exit(200, {}, { content_type = 'text/json' })").await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.headers.get_all("content-type").iter().collect::<Vec<_>>(), ["text/json"]);
}

#[tokio::test]
async fn a_success_without_a_body_is_empty() {
    for status in [200, 201, 302, 399] {
        let reply =
            App::access(&format!("kong.response.exit({status})")).await.get("/").send().await;
        assert_eq!((reply.status.as_u16(), &*reply.text()), (status, ""));
        assert_eq!(reply.header("content-length"), "0", "{status}");
    }
}

#[tokio::test]
async fn an_error_without_a_body_gets_one() {
    let app = App::access(
        "kong.response.exit(tonumber(kong.request.get_query_arg('s')), nil, {X = 'y'})",
    )
    .await;
    for (accept, kind, beginning) in [
        ("", "text/plain; charset=utf-8", "Unauthorized\nrequest_id: "),
        (
            "application/json",
            "application/json; charset=utf-8",
            "{\n  \"message\":\"Unauthorized\",",
        ),
        ("text/html", "text/html; charset=utf-8", "<!doctype html>"),
        ("application/xml", "application/xml; charset=utf-8", "<?xml version=\"1.0\""),
    ] {
        let call = app.get("/?s=401");
        let call = if accept.is_empty() { call } else { call.header("accept", accept) };
        let reply = call.send().await;
        assert!(reply.text().starts_with(beginning), "{accept}: {}", reply.text());
        assert_eq!(reply.header("content-type"), kind);
        assert_eq!(reply.header("content-length"), reply.body.len().to_string());
        assert_eq!((reply.status.as_u16(), reply.header("x")), (401, "y"));
    }
    let reply = app.post("/?s=503").header("content-type", "application/json").send().await;
    assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn a_head_request_gets_the_headers_alone() {
    let app = App::access("kong.response.exit(200, 'hello', {['X-A'] = 'b'})").await;
    let reply = app.call(Method::HEAD, "/").send().await;
    assert_eq!((reply.header("content-length"), reply.header("x-a")), ("5", "b"));
    assert_eq!(reply.text(), "");
}

#[tokio::test]
async fn a_length_that_was_given_is_honoured() {
    let app = App::access("kong.response.exit(200, nil, {['Content-Length'] = '100'})").await;
    let reply = app.call(Method::HEAD, "/").send().await;
    assert_eq!(reply.header("content-length"), "100");
}

#[tokio::test]
async fn a_length_that_was_set_before_is_not() {
    let app = App::access(
        "kong.response.set_header('Content-Length', '100') kong.response.exit(200, 'a')",
    )
    .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.header("content-length"), &*reply.text()), ("1", "a"));
}

#[tokio::test]
async fn responses_that_can_have_no_body_have_none() {
    for status in [204, 304] {
        let app = App::access(&format!("kong.response.exit({status}, 'ignored')")).await;
        let reply = app.get("/").send().await;
        assert_eq!((reply.status.as_u16(), &*reply.text()), (status, ""));
        assert_eq!(app.get("/").send().await.status, status, "the connection is still good");
    }
}

#[tokio::test]
async fn a_fraction_of_a_status_is_cut_off() {
    let app = App::access("kong.response.exit(299.99)").await;
    assert_eq!(app.get("/").send().await.status, 299);
}

#[tokio::test]
async fn a_large_body_arrives_whole() {
    let app = App::access("kong.response.exit(200, ('0123456789'):rep(200000))").await;
    assert_eq!(app.get("/").send().await.text(), "0123456789".repeat(200_000));
}

#[tokio::test]
async fn nothing_can_catch_it() {
    for source in [
        "pcall(kong.response.exit, 200, 'out')",
        "pcall(function() pcall(function() kong.response.exit(200, 'out') end) end)",
        "xpcall(kong.response.exit, function() end, 200, 'out')",
        "('a'):gsub('a', function() kong.response.exit(200, 'out') end)",
        "table.sort({1, 2}, function() kong.response.exit(200, 'out') end)",
    ] {
        let app = App::access(&format!("{source} kong.response.exit(500, 'went on')")).await;
        assert_eq!(app.get("/").send().await.text(), "out", "{source}");
    }
}

#[tokio::test]
async fn later_functions_of_the_request_do_not_run_those_of_the_response_do() {
    let app = App::builder()
        .rewrite("kong.response.exit(200, 'out')")
        .rewrite("require('recorder')('rewrite')")
        .access("require('recorder')('access')")
        .header_filter("require('recorder')('header_filter')")
        .body_filter("if ngx.arg[2] then require('recorder')('body_filter') end")
        .log("require('recorder')('log')")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "out");
    assert_eq!(app.recorder.wait_for(3).await, ["header_filter", "body_filter", "log"]);
}

#[tokio::test]
async fn in_header_filter_it_replaces_the_response_and_the_function_goes_on() {
    let app = App::builder()
        .header_filter(
            "kong.response.exit(418, {short = true})
             kong.response.set_header('X-Still', 'here')",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (418, r#"{"short":true}"#));
    assert_eq!((reply.header("x-still"), reply.header("x-service")), ("here", "echo"));
    assert_eq!(reply.header("content-length"), "14");
}

#[tokio::test]
async fn in_header_filter_the_last_one_counts_and_none_is_no_body() {
    let app = App::builder()
        .header_filter("kong.response.exit(403, 'long enough') kong.response.exit(201)")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (201, ""));
}

#[tokio::test]
async fn body_filter_sees_what_header_filter_put_in_the_place_of_the_body() {
    let app = App::builder()
        .header_filter("kong.response.exit(200, 'replaced')")
        .body_filter("if ngx.arg[1] ~= '' then ngx.arg[1] = '[' .. ngx.arg[1] .. ']' end")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "[replaced]");
}

#[tokio::test]
async fn wrong_arguments_are_refused_and_can_be_caught() {
    for (arguments, message) in [
        ("", "code must be a number"),
        (", '200'", "code must be a number"),
        (", 99", "code must be a number between 100 and 599"),
        (", 600", "code must be a number between 100 and 599"),
        (", 200, print", "body must be a nil, string or table"),
        (", 200, false", "body must be a nil, string or table"),
        (", 200, 0", "body must be a nil, string or table"),
        (", 200, ngx.null", "body must be a nil, string or table"),
        (", 200, nil, 'X: a'", "headers must be a nil or table"),
        (", 200, nil, {[2] = 'foo'}", "invalid header name \"2\": got number, expected string"),
        (
            ", 200, nil, {foo = print}",
            "invalid header value for \"foo\": got function, expected string, \
                                       number, boolean or array of strings",
        ),
        (
            ", 200, nil, {foo = {print}}",
            "invalid header value in array \"foo\": got function, expected string",
        ),
        (
            ", 200, {print}",
            "body encoding failed while flushing response: Cannot serialise function: type \
                            not supported",
        ),
        (
            ", 200, {0/0}",
            "body encoding failed while flushing response: Cannot serialise number: must not \
                          be NaN or Infinity",
        ),
    ] {
        let source = format!("select(2, pcall(kong.response.exit{arguments}))");
        assert_eq!(App::eval(&source).await, message, "{arguments}");
    }
}

#[tokio::test]
async fn a_table_that_json_cannot_express_is_a_500() {
    let app = App::access("kong.response.exit(200, {print})").await;
    assert_eq!(app.get("/").send().await.status, 500);
}

#[tokio::test]
async fn transfer_encoding_is_left_out_with_a_warning() {
    let events = Events::capture();
    let app =
        App::access("kong.response.exit(200, 'test', {['Transfer-Encoding'] = 'gzip'})").await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.header("transfer-encoding"), &*reply.text()), ("", "test"));
    let message = events.messages().concat();
    assert!(message.ends_with("manually setting Transfer-Encoding. Ignored."), "{message}");
}
