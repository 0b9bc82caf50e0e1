//! `kong.service.request`: where the request goes, and with which query.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_lua::Upstream;

use crate::support::App;

/// The URI that the service sees after `source`, for a request for `path`.
async fn uri_after(path: &str, source: &str) -> String {
    let reply = App::access(source).await.get(path).send().await;
    reply.json()["uri"].as_str().expect("text").to_owned()
}

#[tokio::test]
async fn the_scheme_is_told_to_whoever_forwards_the_request() {
    async fn scheme<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
        let scheme = request.extensions().get::<Upstream>().and_then(Upstream::scheme);
        Ok(Response::new(Full::from(scheme.unwrap_or("none"))))
    }
    for (source, expected) in [
        ("kong.service.request.set_scheme('https')", "https"),
        ("kong.service.request.set_scheme('http')", "http"),
        ("kong.service.request.set_method('PUT')", "none"),
    ] {
        let app = App::builder().access(source).serve_around(tower::service_fn(scheme)).await;
        assert_eq!(app.get("/").send().await.text(), expected, "{source}");
    }
}

#[tokio::test]
async fn the_path_is_replaced_and_the_query_kept() {
    for (path, expected) in [
        ("/new", "/new?a=b"),
        ("/a b/\u{e4}", "/a%20b/%C3%A4?a=b"),
        ("/fo%6F%", "/fo%6F%?a=b"),
        ("/!$&()*+,:;=@[]-_.~", "/!$&()*+,:;=@[]-_.~?a=b"),
        ("/line\\r\\nbreak\\0", "/line%0D%0Abreak%00?a=b"),
        ("/hash#tag", "/hash%23tag?a=b"),
        ("/own?c=d", "/own?c=d"),
        ("//a/../b", "//a/../b?a=b"),
    ] {
        let seen = uri_after("/old?a=b", &format!("kong.service.request.set_path('{path}')")).await;
        assert_eq!(seen, expected, "{path}");
    }
}

#[tokio::test]
async fn the_path_can_be_set_in_rewrite_and_again_in_access() {
    let app = App::builder()
        .rewrite("kong.service.request.set_path('/first')")
        .access("kong.service.request.set_path(kong.request.get_path() .. '/second')")
        .serve()
        .await;
    assert_eq!(app.get("/old").send().await.json()["uri"], "/old/second");
}

#[tokio::test]
async fn a_raw_query_is_sent_as_it_is() {
    for (query, expected) in [
        ("foo=bar&bla&baz=hello%20world", "/t?foo=bar&bla&baz=hello%20world"),
        ("", "/t"),
        ("a=b+c?d", "/t?a=b+c?d"),
        ("a b\\r\\n\"<\u{e4}>#", "/t?a%20b%0D%0A%22%3C\u{e4}%3E%23"),
    ] {
        let source = format!("kong.service.request.set_raw_query('{query}')");
        assert_eq!(uri_after("/t?old=1", &source).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_query_is_sorted_by_name_and_escaped() {
    for (args, expected) in [
        (
            "foo = 'hello world', a = true, aa = true, zzz = 'good+bye'",
            "/t?a&aa&foo=hello%20world&zzz=good%2Bbye",
        ),
        ("b = 'x', aa = {'zzz', true, true, 'aaa'}", "/t?aa=zzz&aa&aa&aa=aaa&b=x"),
        ("a = false, b = 1, c = {}, d = 2.5", "/t?b=1&d=2.5"),
        ("aa = ''", "/t?aa="),
        ("[''] = 'aa'", "/t?=aa"),
        ("['hello & world'] = '\u{e4}='", "/t?hello%20%26%20world=%C3%A4%3D"),
        ("", "/t"),
    ] {
        let source = format!("kong.service.request.set_query({{ {args} }})");
        assert_eq!(uri_after("/t?old=1", &source).await, expected, "{args}");
    }
}

#[tokio::test]
async fn an_argument_is_removed_wherever_it_stands() {
    for (query, expected) in [
        ("?a=1", "/t"),
        ("?a=0&d=1&a=2&c=3&a", "/t?d=1&c=3"),
        ("?%61=1&b=2", "/t?b=2"),
        ("?ab=1&A=2", "/t?ab=1&A=2"),
        ("?c+d=1+2&a=2&%20e=+%20", "/t?c%20d=1%202&%20e=%20%20"),
        ("", "/t"),
    ] {
        let seen =
            uri_after(&format!("/t{query}"), "kong.service.request.clear_query_arg('a')").await;
        assert_eq!(seen, expected, "{query}");
    }
}

#[tokio::test]
async fn what_was_set_before_can_be_removed() {
    let source = "kong.service.request.set_query({ a = 1, b = {2, 3} })
                  kong.service.request.clear_query_arg('b')";
    assert_eq!(uri_after("/t", source).await, "/t?a=1");
}

#[tokio::test]
async fn the_method_is_replaced() {
    for method in ["GET", "HEAD", "POST", "PATCH", "PROPFIND", "TRACE"] {
        let app = App::builder()
            .access(&format!("kong.service.request.set_method('{method}')"))
            .header_filter("kong.response.set_header('X-Method', kong.request.get_method())")
            .serve()
            .await;
        let reply = app.get("/").send().await;
        assert_eq!(reply.json()["method"], method);
        assert_eq!(reply.header("x-method"), method);
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("set_scheme", "scheme must be a string"),
        ("set_scheme, 'ftp'", "invalid scheme: ftp"),
        ("set_scheme, 'HTTP'", "invalid scheme: HTTP"),
        ("set_path, 127001", "path must be a string"),
        ("set_path, ''", "path must start with /"),
        ("set_path, 'foo'", "path must start with /"),
        ("set_raw_query", "query must be a string"),
        ("set_raw_query, 1", "query must be a string"),
        ("set_query", "args must be a table"),
        ("set_query, 'a=b'", "args must be a table"),
        ("set_query, {a = print}", "attempt to use function as query arg value"),
        ("set_query, {a = {{}}}", "attempt to use table as query arg value"),
        ("set_query, {[true] = 'a'}", "arg keys must be strings"),
        ("set_query, {'a'}", "arg keys must be strings"),
        ("clear_query_arg", "query argument name must be a string"),
        ("clear_query_arg, 1", "query argument name must be a string"),
        ("set_method", "method must be a string"),
        ("set_method, 'get'", "invalid method: get"),
        ("set_method, 'CONNECT'", "invalid method: CONNECT"),
    ] {
        let source = format!("select(2, pcall(kong.service.request.{call}))");
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
}

#[tokio::test]
async fn a_path_or_query_beyond_all_bounds_is_refused() {
    for (calls, message) in [
        ("set_path('/' .. ('a'):rep(70000))", "invalid path: "),
        ("set_raw_query(('a'):rep(70000))", "invalid query: "),
        ("set_query({a = ('a'):rep(70000)})", "invalid query: "),
        (
            "set_path('/' .. ('a'):rep(40000)) request.set_raw_query(('b'):rep(40000))",
            "invalid query: ",
        ),
        (
            "set_raw_query(('b'):rep(40000)) request.set_path('/' .. ('a'):rep(40000))",
            "invalid path: ",
        ),
    ] {
        let source = format!(
            "local request = kong.service.request
             local ok, err = pcall(function() request.{calls} end)
             request.set_header('X-Err', err)"
        );
        let reply = App::access(&source).await.get("/").send().await;
        let seen = reply.json()["headers"]["x-err"].as_str().unwrap().to_owned();
        assert!(seen.starts_with(message), "{calls}: {seen}");
    }
}
