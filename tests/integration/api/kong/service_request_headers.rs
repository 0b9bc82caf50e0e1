//! `kong.service.request`: the headers that the service gets.

use serde_json::{Value, json};

use crate::support::{App, Events};

/// The header that the service sees after `source`, for a request with `X-Foo: a` and `X-Foo: b`.
/// Several values are joined by `|`.
async fn header_after(name: &str, source: &str) -> Value {
    let app = App::access(source).await;
    let reply = app.get("/").header("x-foo", "a").header("x-foo", "b").send().await;
    reply.json()["headers"][name].clone()
}

#[tokio::test]
async fn a_header_can_be_replaced_added_to_and_removed() {
    for (source, expected) in [
        ("set_header('X-Foo', 'new')", json!("new")),
        ("set_header('x-foo', 2.5)", json!("2.5")),
        ("set_header('X-Foo', false)", json!("false")),
        ("set_header('X-Foo', {'c', 'd'})", json!("c|d")),
        ("set_header('X-Foo', {})", Value::Null),
        ("set_header('X-Foo', '')", json!(" ")),
        ("set_header('X-Foo', {'', 'c'})", json!(" |c")),
        ("add_header('X-Foo', 'c')", json!("a|b|c")),
        ("add_header('X-Foo', {'c', 'd'})", json!("a|b|c|d")),
        ("clear_header('X-FOO')", Value::Null),
        ("set_headers({ ['X-Foo'] = {'c', 'd', foo = 'e'} })", json!("c|d")),
        ("set_headers({ ['X-Foo'] = {} })", Value::Null),
        ("set_headers({})", json!("a|b")),
    ] {
        let seen = header_after("x-foo", &format!("kong.service.request.{source}")).await;
        assert_eq!(seen, expected, "{source}");
    }
}

#[tokio::test]
async fn a_header_of_a_new_name_is_added() {
    for source in
        ["set_header('X-New', 'a')", "add_header('X-New', 'a')", "set_headers({['X-New'] = 'a'})"]
    {
        let seen = header_after("x-new", &format!("kong.service.request.{source}")).await;
        assert_eq!(seen, "a", "{source}");
    }
}

#[tokio::test]
async fn there_is_one_host() {
    for source in [
        "set_header('Host', 'new.example')",
        "add_header('Host', 'one.example') kong.service.request.add_header('host', 'new.example')",
        "set_headers({ host = 'new.example' })",
    ] {
        let seen = header_after("host", &format!("kong.service.request.{source}")).await;
        assert_eq!(seen, "new.example", "{source}");
    }
}

#[tokio::test]
async fn later_functions_see_what_was_set() {
    let app = App::builder()
        .rewrite("kong.service.request.set_header('X-New', 'a')")
        .access("kong.service.request.set_header('X-Copy', kong.request.get_header('x_new'))")
        .header_filter("kong.response.set_header('X-Seen', kong.request.get_header('X-Copy'))")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!((&reply.json()["headers"]["x-copy"], reply.header("x-seen")), (&json!("a"), "a"));
}

#[tokio::test]
async fn an_underscore_in_a_request_header_is_an_underscore() {
    assert_eq!(header_after("x_new", "kong.service.request.set_header('X_New', 'a')").await, "a");
    let seen = header_after("x-foo", "kong.service.request.clear_header('x_foo')").await;
    assert_eq!(seen, "a|b");
}

#[tokio::test]
async fn no_value_can_begin_another_header() {
    let seen =
        header_after("x-a", r"kong.service.request.set_header('X-A', 'a\r\nX-Evil: b')").await;
    assert_eq!(seen, "a%0D%0AX-Evil: b");
}

#[tokio::test]
async fn an_authority_is_not_for_functions() {
    let source = "local ok, err = kong.service.request.set_header(':authority', 'a')
                  kong.service.request.set_header('X-Err', tostring(ok) .. ' ' .. err)";
    let expected = "nil cannot set :authority pseudo-header on non-grpc requests";
    assert_eq!(header_after("x-err", source).await, expected);
}

#[tokio::test]
async fn wrong_names_and_values_are_refused() {
    let single = "expected array of string, string, number or boolean";
    for (call, message) in [
        ("set_header", "invalid header name \"nil\": got nil, expected string".to_owned()),
        (
            "set_header, 127001, 'foo'",
            "invalid header name \"127001\": got number, expected string".to_owned(),
        ),
        ("set_header, 'foo'", format!("invalid header value for \"foo\": got nil, {single}")),
        (
            "set_header, 'foo', print",
            format!("invalid header value for \"foo\": got function, {single}"),
        ),
        (
            "set_header, 'foo', ngx.null",
            format!("invalid header value for \"foo\": got userdata, {single}"),
        ),
        ("add_header", "invalid header name \"nil\": got nil, expected string".to_owned()),
        ("add_header, 'foo'", format!("invalid header value for \"foo\": got nil, {single}")),
        (
            "add_header, 'foo', {1}",
            "invalid header value in array \"foo\": got number, expected string".to_owned(),
        ),
        ("clear_header", "header must be a string".to_owned()),
        ("clear_header, 127001", "header must be a string".to_owned()),
        ("set_headers", "headers must be a table".to_owned()),
        (
            "set_headers, {[2] = 'foo'}",
            "invalid header name \"2\": got number, expected string".to_owned(),
        ),
        (
            "set_headers, {foo = print}",
            "invalid header value for \"foo\": got function, expected string, \
                                        number, boolean or array of strings"
                .to_owned(),
        ),
        (
            "set_headers, {foo = {{}}}",
            "invalid header value in array \"foo\": got table, expected string".to_owned(),
        ),
        (
            "set_header, 'X', ('a'):rep(2^20)",
            "header value too long: 1048576 bytes (limit: 131072)".to_owned(),
        ),
    ] {
        let source = format!("select(2, pcall(kong.service.request.{call}))");
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
}

#[tokio::test]
async fn of_several_values_the_last_counts_where_there_can_be_one() {
    let source = r#"kong.service.request.set_header("Content-Type", { "a/b", "c/d" })"#;
    assert_eq!(header_after("content-type", source).await, "c/d");
    let source = r#"kong.service.request.set_header("Content-Type", "a/b")
        kong.service.request.add_header("Content-Type", "c/d")"#;
    assert_eq!(header_after("content-type", source).await, "c/d");
}

#[tokio::test]
async fn a_length_that_is_no_number_is_refused() {
    let source = r#"kong.service.request.set_header("Content-Length", "ten")"#;
    let refused = format!("select(2, pcall(function() {source} end))");
    assert_eq!(App::eval(&refused).await, "failed to set header");
}

#[tokio::test]
async fn a_name_that_no_header_can_have_is_escaped_with_a_warning() {
    for source in [
        "kong.service.request.set_header('a b', 'x')",
        "kong.service.request.set_header('a b', { 'x' })",
        "kong.service.request.add_header('a b', 'x')",
        "kong.service.request.set_headers({ ['a b'] = 'x' })",
    ] {
        let events = Events::capture();
        assert_eq!(header_after("a%20b", source).await, "x", "{source}");
        assert_eq!(events.messages().len(), 1, "{source}: {:?}", events.messages());
        let warning = r#"no header can have the name "a b": sending "a%20b""#;
        assert!(events.messages()[0].ends_with(warning), "{source}: {:?}", events.messages());
    }
    let events = Events::capture();
    App::access("kong.service.request.set_header('X_a-B', 'x')").await.get("/").send().await;
    assert!(events.messages().is_empty(), "{:?}", events.messages());
}
