//! The response's headers.

use tower_lua::Phase;

use super::assert_errors;
use crate::support::{App, Events, Reply};

/// What the client gets when `source` runs in `header_filter`.
async fn filtered(source: &str) -> Reply {
    App::builder().header_filter(source).serve().await.get("/").send().await
}

#[tokio::test]
async fn a_header_is_set_by_any_spelling() {
    let reply = filtered(
        "ngx.header.x_one = 1
         ngx.header['X-Two'] = true
         ngx.header['x-Service'] = 'other'",
    )
    .await;
    assert_eq!(reply.header("x-one"), "1");
    assert_eq!(reply.header("x-two"), "true");
    assert_eq!(reply.header("x-service"), "other");
}

#[tokio::test]
async fn a_header_is_read_by_any_spelling() {
    let reply = filtered(
        "ngx.header.x_seen = {ngx.header['X-Service'], ngx.header.x_service, \
         ngx.header.content_type, tostring(ngx.header.no_such_header)}",
    )
    .await;
    let seen: Vec<_> = reply.headers.get_all("x-seen").iter().collect();
    assert_eq!(seen, ["echo", "echo", "application/json", "nil"]);
}

#[tokio::test]
async fn several_values_are_several_headers_and_read_as_an_array() {
    let reply = filtered(
        "ngx.header['Set-Cookie'] = {'a=32; path=/', 'b=4; path=/'}
         ngx.header.x_count = #ngx.header.set_cookie
         ngx.header.x_second = ngx.header.set_cookie[2]",
    )
    .await;
    let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=32; path=/", "b=4; path=/"]);
    assert_eq!((reply.header("x-count"), reply.header("x-second")), ("2", "b=4; path=/"));
}

#[tokio::test]
async fn nothing_and_the_empty_string_remove_a_header() {
    for value in ["nil", "''", "{}", "{''}"] {
        let reply = filtered(&format!("ngx.header['X-Service'] = {value}")).await;
        assert!(!reply.headers.contains_key("x-service"), "{value}");
    }
}

#[tokio::test]
async fn of_several_values_the_last_counts_where_there_can_be_one() {
    for name in ["content-type", "location", "etag", "server"] {
        let reply = filtered(&format!("ngx.header['{name}'] = {{'a', 'b'}}")).await;
        let values: Vec<_> = reply.headers.get_all(name).iter().collect();
        assert_eq!(values, ["b"], "{name}");
    }
    let reply = filtered("ngx.header['Cache-Control'] = {'private', 'no-store'}").await;
    assert_eq!(reply.headers.get_all("cache-control").iter().count(), 2);
}

#[tokio::test]
async fn what_access_has_set_reaches_the_client_with_the_services_answer() {
    let app = App::access("ngx.header.x_early = 'yes' ngx.header.content_type = 'text/own'").await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.header("x-early"), "yes");
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test]
async fn what_comes_after_the_head_was_sent_is_logged_and_ignored() {
    let events = Events::capture();
    let app = App::builder().body_filter("ngx.header.x_late = 'yes'").serve().await;
    let reply = app.get("/").send().await;
    assert!(!reply.headers.contains_key("x-late"));
    let complaint = "attempt to set ngx.header.HEADER after sending out response headers";
    assert!(events.messages()[0].ends_with(complaint), "{:?}", events.messages());
}

#[tokio::test]
async fn all_headers_come_in_one_table() {
    let app = App::builder()
        .header_filter("ngx.header.x_many = {'a', 'b'}")
        .post_function(
            Phase::HeaderFilter,
            "local headers = ngx.resp.get_headers()
             ngx.header.x_seen = {headers['X-Service'], headers.x_many[2], headers.content_type}",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    let seen: Vec<_> = reply.headers.get_all("x-seen").iter().collect();
    assert_eq!(seen, ["echo", "b", "application/json"]);
}

#[tokio::test]
async fn the_connection_counts_among_them() {
    for (request, connection) in [
        ("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "close"),
        ("GET / HTTP/1.0\r\n\r\n", "close"),
    ] {
        let app = App::access(
            "for i = 1, 3 do ngx.header['Foo' .. i] = 'a' end
             local count, headers, err = 0, ngx.resp.get_headers(3)
             for _ in pairs(headers) do count = count + 1 end
             local raw = ngx.resp.get_headers(0, true)
             kong.response.exit(200, count .. ' ' .. err .. ' ' .. headers.connection .. ' ' ..
                 ngx.resp.get_headers(4).foo3 .. ' ' .. raw.Connection)",
        )
        .await;
        let answer = app.raw(request).await;
        let seen = format!("3 truncated {connection} a {connection}");
        assert!(answer.ends_with(&seen), "{answer}");
        let kept = app.get("/").send().await.text();
        assert_eq!(kept, "3 truncated keep-alive a keep-alive");
    }
}

#[tokio::test]
async fn a_hundred_headers_are_given_unless_another_number_is_named() {
    for (max, given) in [("", "99 truncated"), ("7", "6 truncated"), ("0", "150 nil")] {
        let app = App::access(&format!(
            "local values = {{}}
             for i = 1, 150 do values[i] = 'v' .. i end
             ngx.header.x_many = values
             local headers, err = ngx.resp.get_headers({max})
             kong.response.exit(200, #headers['x-many'] .. ' ' .. tostring(err), {{x_many = 'x'}})"
        ))
        .await;
        assert_eq!(app.get("/").send().await.text(), given, "{max}");
    }
}

#[tokio::test]
async fn a_length_that_a_function_sets_is_announced() {
    let app = App::access("ngx.header.content_length = 5 ngx.print('hello')").await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.header("content-length"), &*reply.text()), ("5", "hello"));
}

#[tokio::test]
async fn what_is_no_header_is_refused() {
    assert_errors(&[
        ("ngx.header['Content-Length'] = 'many'", "failed to set header"),
        ("ngx.header[''] = 'x'", "header name must not be empty"),
        ("ngx.header.x = ('x'):rep(200000)", "header value too long: 200000 bytes (limit: 131072)"),
    ])
    .await;
}

#[tokio::test]
async fn a_header_is_added_to_those_that_there_are() {
    let reply = filtered(
        "ngx.header.x_own = 'a' ngx.resp.add_header('X-Own', 'b') ngx.resp.add_header('x_own', {1, true})
         ngx.resp.add_header('X-None', {}) ngx.resp.add_header('X-Service', 7)",
    )
    .await;
    let values = |name: &str| -> Vec<String> {
        let values = reply.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(values("x-own"), ["a", "b", "1", "true"]);
    assert_eq!(values("x-service"), ["echo", "7"]);
    assert!(values("x-none").is_empty());
}

#[tokio::test]
async fn a_status_may_come_with_a_reason() {
    assert_eq!(filtered("ngx.resp.set_status(404, 'Gone Fishing')").await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_added_is_refused() {
    assert_errors(&[
        ("ngx.resp.add_header('x', nil)", "invalid header value"),
        ("ngx.resp.add_header('', 'x')", "header name must not be empty"),
        ("ngx.resp.set_status(200)", "bad argument #2 to 'set_status' (string expected, got nil)"),
        ("ngx.resp.set_status('x', '')", "bad ngx.status: number expected, got string"),
    ])
    .await;
}

#[tokio::test]
async fn a_length_that_is_taken_away_is_not_announced() {
    let app = App::builder()
        .access("ngx.header.content_length = 6 ngx.say('hello')")
        .header_filter("ngx.header.content_length = nil")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.header("content-length"), &*reply.text()), ("", "hello\n"));
    assert_eq!(reply.header("transfer-encoding"), "chunked");
}
