//! `kong.response`: status, headers and source.

use tower_lua::Phase;

use crate::support::{App, Events};

/// An application that does `source` to the echo service's response.
async fn filtering(source: &str) -> App {
    App::builder().header_filter(source).serve().await
}

/// What `source` is worth in `header_filter`.
async fn eval(source: &str) -> String {
    let app = filtering(&format!("require('recorder')({source})")).await;
    app.get("/").send().await;
    app.recorder.entries().concat()
}

#[tokio::test]
async fn the_status_can_be_read_and_replaced() {
    let app = App::builder()
        .header_filter(
            "local before = kong.response.get_status()
             kong.response.set_status(418.9)
             require('recorder')(before, kong.response.get_status())",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 418);
    assert_eq!(app.recorder.entries(), ["200 418"]);
}

#[tokio::test]
async fn the_services_status_comes_after_one_that_was_set_before() {
    let app = App::access("kong.response.set_status(404)").await;
    assert_eq!(app.get("/").send().await.status, 200);
}

#[tokio::test]
async fn a_status_is_a_number_between_100_and_599() {
    for (status, message) in [
        ("", "code must be a number"),
        (", '200'", "code must be a number"),
        (", 99.9", "code must be a number between 100 and 599"),
        (", 600", "code must be a number between 100 and 599"),
        (", 0/0", "code must be a number between 100 and 599"),
    ] {
        let seen = eval(&format!("select(2, pcall(kong.response.set_status{status}))")).await;
        assert_eq!(seen, message, "{status}");
    }
}

#[tokio::test]
async fn a_header_can_be_replaced_added_to_and_removed() {
    for (source, expected) in [
        ("set_header('X-Service', 'new')", &["new"][..]),
        ("set_header('x_service', 'new')", &["new"]),
        ("set_header('X-Service', {'a', 'b'})", &["a", "b"]),
        ("set_header('X-Service', {})", &[]),
        ("set_header('X-Service', '')", &[""]),
        ("set_header('X-Service', 1.5)", &["1.5"]),
        ("set_header('X-Service', false)", &["false"]),
        ("add_header('X-Service', 'b')", &["echo", "b"]),
        ("add_header('X-Service', {'b', 'c'})", &["echo", "b", "c"]),
        ("clear_header('X-SERVICE')", &[]),
        ("clear_header('x_service')", &[]),
        ("set_headers({ x_service = {'a', 'b'} })", &["a", "b"]),
        ("set_headers({})", &["echo"]),
    ] {
        let reply = filtering(&format!("kong.response.{source}")).await.get("/").send().await;
        let values: Vec<_> = reply.headers.get_all("x-service").iter().collect();
        assert_eq!(values, expected, "{source}");
    }
}

#[tokio::test]
async fn a_header_set_before_the_service_answers_is_sent() {
    let app = App::access("kong.response.set_header('X-Early', 'a')").await;
    assert_eq!(app.get("/").send().await.header("x-early"), "a");
}

#[tokio::test]
async fn an_empty_value_is_a_space() {
    let app = filtering(
        "kong.response.set_header('X-Empty', '')
         require('recorder')('[' .. kong.response.get_header('X-Empty') .. ']')",
    )
    .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["[ ]"]);
}

#[tokio::test]
async fn no_value_and_no_name_can_begin_another_header() {
    let reply = filtering(
        r"kong.response.set_header('X-A', 'a\r\nX-Evil: b')
          kong.response.set_header('X-B\r\nX-Evil', 'c')",
    )
    .await
    .get("/")
    .send()
    .await;
    assert_eq!(reply.header("x-a"), "a%0D%0AX-Evil: b");
    assert!(!reply.headers.contains_key("x-evil"), "{:?}", reply.headers);
}

#[tokio::test]
async fn a_value_may_be_long_but_not_endless() {
    let seen = eval("select(2, pcall(kong.response.set_header, 'X', ('a'):rep(2^20)))").await;
    assert_eq!(seen, "header value too long: 1048576 bytes (limit: 131072)");
    let seen = eval("select(2, pcall(kong.response.set_header, ('a'):rep(2^20), 'X'))").await;
    assert_eq!(seen, "header name too long: 1048576 bytes");
}

#[tokio::test]
async fn there_is_an_end_to_headers() {
    let app = App::access(
        "local _, err = pcall(function()
           for i = 1, 5000 do kong.response.set_header('X-' .. i, 'v') end
         end)
         for i = 1, 5000 do kong.response.clear_header('X-' .. i) end
         kong.response.exit(200, err)",
    )
    .await;
    assert_eq!(app.get("/").send().await.text(), "too many headers (limit: 4096)");
}

#[tokio::test]
async fn transfer_encoding_is_not_for_functions() {
    let events = Events::capture();
    for source in [
        "set_header('Transfer-Encoding', 'gzip')",
        "add_header('transfer_encoding', 'gzip')",
        "set_headers({ ['Transfer-Encoding'] = 'gzip' })",
    ] {
        let reply = filtering(&format!("kong.response.{source}")).await.get("/").send().await;
        assert_eq!(reply.header("transfer-encoding"), "", "{source}");
        let message = events.messages().pop().expect(source);
        assert!(message.ends_with("manually setting Transfer-Encoding. Ignored."), "{message}");
    }
}

#[tokio::test]
async fn wrong_names_and_values_are_refused() {
    let value = "got nil, expected array of string, string, number or boolean";
    for (call, message) in [
        ("set_header", "invalid header name \"nil\": got nil, expected string".to_owned()),
        (
            "set_header, 127001, 'a'",
            "invalid header name \"127001\": got number, expected string".to_owned(),
        ),
        ("set_header, 'foo'", format!("invalid header value for \"foo\": {value}")),
        (
            "set_header, 'foo', {{}}",
            "invalid header value in array \"foo\": got table, expected string".to_owned(),
        ),
        ("set_header, '', 'a'", "header name must not be empty".to_owned()),
        (
            "add_header, true, 'a'",
            "invalid header name \"true\": got boolean, expected string".to_owned(),
        ),
        ("add_header, 'foo'", format!("invalid header value for \"foo\": {value}")),
        (
            "add_header, 'foo', {1}",
            "invalid header value in array \"foo\": got number, expected string".to_owned(),
        ),
        ("clear_header", "header name must be a string".to_owned()),
        ("set_headers", "headers must be a table".to_owned()),
        ("set_headers, {'a'}", "invalid header name \"1\": got number, expected string".to_owned()),
        (
            "set_headers, {foo = print}",
            "invalid header value for \"foo\": got function, expected string, \
                                        number, boolean or array of strings"
                .to_owned(),
        ),
        (
            "set_headers, {foo = {false}}",
            "invalid header value in array \"foo\": got boolean, expected string".to_owned(),
        ),
        ("get_header", "header name must be a string".to_owned()),
        ("get_headers, '1'", "max_headers must be a number".to_owned()),
        ("get_headers, 0", "max_headers must be >= 1".to_owned()),
        ("get_headers, 1001", "max_headers must be <= 1000".to_owned()),
    ] {
        let seen = eval(&format!("select(2, pcall(kong.response.{call}))")).await;
        assert_eq!(seen, message, "{call}");
    }
}

#[tokio::test]
async fn headers_are_found_by_any_spelling() {
    let source = "kong.response.get_header('X_SERVICE'), kong.response.get_headers().x_service, \
                  kong.response.get_headers()['X-Service'], \
                  tostring(kong.response.get_header('X-Missing'))";
    assert_eq!(eval(source).await, "echo echo echo nil");
}

#[tokio::test]
async fn of_several_values_get_header_gives_the_first_and_get_headers_all() {
    let source = "(function()
        kong.response.set_header('X-Many', {'a', 'b'})
        return kong.response.get_header('X-Many') .. table.concat(kong.response.get_headers()['X-Many'])
    end)()";
    assert_eq!(eval(source).await, "aab");
}

#[tokio::test]
async fn headers_end_after_a_hundred_unless_another_number_is_given() {
    for (max, expected) in [("", "100 truncated"), ("1000", "152 nil"), ("7", "7 truncated")] {
        let app = filtering(&format!(
            "for i = 1, 150 do kong.response.set_header('X-' .. i, 'v') end
             local n, headers, err = 0, kong.response.get_headers({max})
             for _ in pairs(headers) do n = n + 1 end
             require('recorder')(n, err)"
        ))
        .await;
        app.get("/").http2().send().await;
        assert_eq!(app.recorder.entries(), [expected]);
    }
}

#[tokio::test]
async fn the_source_says_who_made_the_response() {
    for (access, source) in [
        ("", "service"),
        ("kong.response.exit(200)", "exit"),
        ("kong.response.error(500)", "exit"),
        ("error('boom')", "error"),
        ("ngx.exit(503)", "error"),
        ("ngx.say('hello')", "error"),
    ] {
        let app = App::builder()
            .access(access)
            .header_filter("require('recorder')(kong.response.get_source())")
            .log("require('recorder')(kong.response.get_source())")
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(2).await, [source, source], "{access}");
    }
}

#[tokio::test]
async fn what_functions_note_of_the_source_in_the_context_counts() {
    for (access, note, source) in [
        ("", "KONG_PROXIED = false", "error"),
        ("", "KONG_EXITED = true", "exit"),
        ("", "KONG_UNEXPECTED = true", "error"),
        ("ngx.say('hello')", "KONG_PROXIED = true", "service"),
        ("kong.response.exit(200)", "KONG_EXITED = false", "error"),
        ("kong.response.exit(200)", "KONG_PROXIED = true", "exit"),
        ("kong.response.exit(200)", "KONG_UNEXPECTED = true", "error"),
    ] {
        let app = App::builder()
            .access(access)
            .header_filter(&format!("ngx.ctx.{note}"))
            .log("require('recorder')(kong.response.get_source())")
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(1).await, [source], "{access} {note}");
    }
}

#[tokio::test]
async fn the_context_tells_of_an_exit() {
    for (access, expected) in [("", "nil"), ("kong.response.exit(200)", "true")] {
        let app = App::builder()
            .access(access)
            .log("require('recorder')(ngx.ctx.KONG_EXITED)")
            .serve()
            .await;
        app.get("/").send().await;
        assert_eq!(app.recorder.wait_for(1).await, [expected], "{access}");
    }
}

#[tokio::test]
async fn after_output_nothing_can_be_set() {
    for call in [
        "set_status, 200",
        "set_header, 'a', 'b'",
        "add_header, 'a', 'b'",
        "clear_header, 'a'",
        "set_headers, {}",
        "exit, 200",
        "error, 500",
    ] {
        let app = App::access(&format!(
            "ngx.print('out: ') ngx.print(select(2, pcall(kong.response.{call})))"
        ))
        .await;
        let text = app.get("/").send().await.text();
        assert_eq!(text, "out: headers have already been sent", "{call}");
    }
}

#[tokio::test]
async fn post_function_sees_what_pre_function_did_to_the_response() {
    let app = App::builder()
        .header_filter("kong.response.set_status(202) kong.response.clear_header('X-Service')")
        .post_function(
            Phase::HeaderFilter,
            "require('recorder')(kong.response.get_status(), tostring(kong.response.get_header('X-Service')))",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["202 nil"]);
}

#[tokio::test]
async fn a_name_that_no_header_can_have_is_escaped_with_a_warning() {
    for source in [
        "kong.response.set_header('a b', 'x')",
        "kong.response.set_header('a b', { 'x' })",
        "kong.response.add_header('a b', 'x')",
        "kong.response.set_headers({ ['a b'] = 'x' })",
        "kong.response.exit(200, '', { ['a b'] = 'x' })",
    ] {
        let events = Events::capture();
        let reply = App::access(source).await.get("/").send().await;
        assert_eq!(reply.header("a%20b"), "x", "{source}");
        assert_eq!(events.messages().len(), 1, "{source}: {:?}", events.messages());
        let warning = r#"no header can have the name "a b": sending "a%20b""#;
        assert!(events.messages()[0].ends_with(warning), "{source}: {:?}", events.messages());
    }
    let events = Events::capture();
    App::access("kong.response.set_header('X_a-B', 'x')").await.get("/").send().await;
    assert!(events.messages().is_empty(), "{:?}", events.messages());
}
