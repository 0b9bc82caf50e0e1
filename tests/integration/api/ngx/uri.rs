//! URIs: escaping, and the request's path and query.

use super::{assert_errors, assert_values};
use crate::support::App;

/// The URI that the service gets of a request for `/old?a=1`, after `source` has run.
async fn sent(source: &str) -> String {
    let reply = App::access(source).await.get("/old?a=1").send().await;
    reply.json()["uri"].as_str().expect("a URI").to_owned()
}

#[tokio::test]
async fn a_component_is_escaped() {
    assert_values(&[
        ("ngx.escape_uri('a 你')", "a%20%E4%BD%A0"),
        ("ngx.escape_uri('a+b/c?d=e&f#%')", "a%2Bb%2Fc%3Fd%3De%26f%23%25"),
        ("ngx.escape_uri(\"-_.!~*'()\")", "-_.!~*'()"),
        ("ngx.escape_uri('\\0\\127\\255')", "%00%7F%FF"),
        ("ngx.escape_uri('')", ""),
    ])
    .await;
}

#[tokio::test]
async fn what_is_escaped_depends_on_the_type() {
    for (kind, escaped) in [
        ("0", "a/%3F%23%25+&=@ '\"%FF"),
        ("1", "a/%3F%23%25%2B&=@ '\"%FF"),
        ("2", "a%2F%3F%23%25%2B%26%3D%40 '%22%FF"),
        ("3", "a/?%23%25+&=@ %27%22%FF"),
        ("4", "a/?#%+&=@ %27%22%FF"),
        ("5", "a/?#%25+&=@ '\"\u{fffd}"),
        ("6", "a/?#%25+&=@ '\"\u{fffd}"),
    ] {
        let source = format!("ngx.escape_uri('a/?#%+&=@ \\'\"\\255', {kind})");
        assert_values(&[(&source, &escaped.replace(' ', "%20"))]).await;
    }
}

#[tokio::test]
async fn escapes_are_undone() {
    assert_values(&[
        ("ngx.unescape_uri('b%20r56+7')", "b r56 7"),
        ("ngx.unescape_uri('try %search%%20%again%')", "try %search% %again%"),
        ("ngx.unescape_uri('%e4%BD%a0')", "你"),
        ("ngx.unescape_uri('%a')", "%a"),
        ("ngx.unescape_uri('%00%ff') == '\\0\\255'", "true"),
        ("ngx.unescape_uri(nil)", ""),
        ("ngx.unescape_uri(32)", "32"),
    ])
    .await;
}

#[tokio::test]
async fn the_service_gets_the_path_that_was_set() {
    for (path, uri) in [
        ("'/new/path'", "/new/path?a=1"),
        ("'/a b%c?d#e'", "/a%20b%25c%3Fd%23e?a=1"),
        ("'/ä\\255'", "/%C3%A4%FF?a=1"),
        ("'relative'", "/relative?a=1"),
        ("'/new', false", "/new?a=1"),
        ("'/a\\nb', false, true", "/a%0Ab?a=1"),
        ("'/a\\tb'", "/a%09b?a=1"),
    ] {
        assert_eq!(sent(&format!("ngx.req.set_uri({path})")).await, uri, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_path_is_refused() {
    let boolean = |place: usize, kind: &str| {
        format!("bad argument #{place} to 'set_uri' (boolean expected, got {kind})")
    };
    assert_errors(&[
        ("ngx.req.set_uri()", "bad argument #1 to 'set_uri' (string expected, got nil)"),
        ("ngx.req.set_uri('')", "attempt to use zero-length uri"),
        ("ngx.req.set_uri('/', 1)", &boolean(2, "number")),
        ("ngx.req.set_uri('/', false, 'x')", &boolean(3, "string")),
        (
            "ngx.req.set_uri('/foo\\r\\nbar\\\\\"ä')",
            r#"unsafe byte "0x0d" in uri "/foo\x0D\x0Abar\x5C\x22\xC3\xA4" (maybe you want to set the 'binary' argument?)"#,
        ),
        ("ngx.req.set_uri('/', true)", "API disabled in the context of access_by_lua*"),
        ("ngx.req.set_uri('/' .. ('x'):rep(70000))", "invalid uri: uri too long"),
    ])
    .await;
}

#[tokio::test]
async fn the_arguments_are_a_table() {
    for (query, expression, value) in [
        ("?foo=bar&bar=baz&bar=blah", "ngx.req.get_uri_args().bar", r#"["baz","blah"]"#),
        ("?a%20b=1%61+2", "ngx.req.get_uri_args()['a b']", "1a 2"),
        ("?foo&bar=", "ngx.req.get_uri_args().foo, ngx.req.get_uri_args().bar", "true, "),
        ("?=hello&=world", "next(ngx.req.get_uri_args())", "nil"),
        ("", "next(ngx.req.get_uri_args())", "nil"),
        ("?a=1&a=2&a=3", "ngx.req.get_uri_args(2)", r#"{"a":["1","2"]}, truncated"#),
        ("?a=1&a=2&a=3", "ngx.req.get_uri_args(0).a", r#"["1","2","3"]"#),
    ] {
        let reply = App::eval_for(expression, |app| app.get(&format!("/{query}"))).await;
        assert_eq!(reply.text(), value, "{query}");
    }
    let message = "bad argument #1 to 'get_uri_args' (number expected, got string)";
    assert_errors(&[("ngx.req.get_uri_args('all')", message)]).await;
}

#[tokio::test]
async fn a_table_can_be_reused_for_the_arguments() {
    let source = "(function() local t = {old = true} local args = ngx.req.get_uri_args(9, t) \
                  return args == t, t end)()";
    let reply = App::eval_for(source, |app| app.get("/?a=1")).await;
    assert_eq!(reply.text(), r#"true, {"a":"1"}"#);
}

#[tokio::test]
async fn a_table_of_the_library_cannot_be_reused() {
    let source = "ngx.req.get_uri_args(9, ngx.header).a, ngx.header.a";
    let reply = App::eval_for(source, |app| app.get("/?a=1")).await;
    assert_eq!(reply.text(), "1, nil");
}

#[tokio::test]
async fn the_service_gets_the_arguments_that_were_set() {
    for (args, uri) in [
        ("'b=hello%20world'", "/old?b=hello%20world"),
        ("'b=a b\\n'", "/old?b=a%20b%0A"),
        ("3", "/old?3"),
        ("{b = 'a b'}", "/old?b=a%20b"),
        ("{b = {5, true}}", "/old?b=5&b"),
        ("''", "/old"),
        ("{}", "/old"),
    ] {
        assert_eq!(sent(&format!("ngx.req.set_uri_args({args})")).await, uri, "{args}");
    }
}

#[tokio::test]
async fn what_are_no_arguments_is_refused() {
    let expected = "bad argument #1 to 'set_uri_args' (string, number, or table expected, but got";
    assert_errors(&[
        ("ngx.req.set_uri_args()", &format!("{expected} nil)")),
        ("ngx.req.set_uri_args(true)", &format!("{expected} boolean)")),
        ("ngx.req.set_uri_args(ngx.null)", &format!("{expected} userdata)")),
        ("ngx.req.set_uri_args({a = print})", "attempt to use function as query arg value"),
        ("ngx.req.set_uri_args(('x'):rep(70000))", "invalid query: uri too long"),
    ])
    .await;
}

#[tokio::test]
async fn later_functions_see_what_was_set() {
    let source = "(function() ngx.req.set_uri('/new') ngx.req.set_uri_args('b=2') \
                  return ngx.var.uri, ngx.req.get_uri_args().b, ngx.var.request_uri end)()";
    let reply = App::eval_for(source, |app| app.get("/old?a=1")).await;
    assert_eq!(reply.text(), "/new, 2, /old?a=1");
}

#[tokio::test]
async fn wrong_types_of_escaping_are_refused() {
    assert_errors(&[
        ("ngx.escape_uri('a', true)", "\"type\" is not a number"),
        ("ngx.escape_uri('a', '2')", "\"type\" is not a number"),
        ("ngx.escape_uri('a', -1)", "\"type\" -1 out of range"),
        ("ngx.escape_uri('a', 7)", "\"type\" 7 out of range"),
    ])
    .await;
}

#[tokio::test]
async fn a_jump_ends_rewrite() {
    let app = App::builder()
        .rewrite("pcall(ngx.req.set_uri, '/jumped', true) error('never')")
        .rewrite("error('never')")
        .access(
            "ngx.req.set_header('x-uri', ngx.var.uri .. ' ' .. tostring(ngx.req.is_internal()))",
        )
        .serve()
        .await;
    let reply = app.get("/path?a=1").send().await.json();
    assert_eq!(
        (&reply["uri"], &reply["headers"]["x-uri"]),
        (&"/jumped?a=1".into(), &"/jumped true".into())
    );
}

#[tokio::test]
async fn a_jump_is_for_rewrite_alone() {
    let message = "API disabled in the context of access_by_lua*";
    assert_errors(&[("ngx.req.set_uri('/other', true)", message)]).await;
}

#[tokio::test]
async fn a_query_keeps_utf_8_as_it_is() {
    for (query, expected) in [("lang=中文", "中文, 中文"), ("语言=chinese", "chinese, nil")]
    {
        let source = format!(
            "(function()
                ngx.req.set_uri_args('{query}')
                local _, value = next(ngx.req.get_uri_args())
                return value, ngx.var.arg_lang
              end)()"
        );
        assert_eq!(App::eval(&source).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_uri_of_header_filter_is_that_of_the_phases_after_it() {
    let app = App::builder()
        .header_filter("ngx.req.set_uri('/new') kong.ctx.shared.head = ngx.var.uri")
        .body_filter("kong.ctx.shared.body = ngx.var.uri")
        .log(
            "local shared = kong.ctx.shared
             require('recorder')(shared.head, shared.body, ngx.var.uri, ngx.var.request_uri, kong.request.get_path())",
        )
        .serve()
        .await;
    let seen = app.get("/old?a=b").send().await.json();
    assert_eq!(seen["uri"], "/old?a=b");
    assert_eq!(app.recorder.wait_for(1).await, ["/new /new /new /old?a=b /old"]);
}

#[tokio::test]
async fn so_do_queries_that_are_set_or_come_by_another_way() {
    for set in [
        "kong.service.request.set_raw_query('lang=中文')",
        "ngx.var.args = 'lang=中文'",
        "ngx.req.set_uri_args('a=b') ngx.var.args = ngx.var.args .. '&lang=中文'",
        "kong.service.request.set_raw_query('lang=中文&x') kong.service.request.clear_query_arg('x')",
    ] {
        let source = format!(
            "(function() {set} return ngx.var.arg_lang, kong.request.get_query_arg('lang'),
                ngx.req.get_uri_args().lang end)()"
        );
        assert_eq!(App::eval(&source).await, "中文, 中文, 中文", "{set}");
    }
    let app =
        App::access("kong.response.exit(200, ngx.var.arg_lang .. ' ' .. ngx.var.request_uri)")
            .await;
    let answer = app.raw("GET /?lang=中文 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.ends_with("中文 /?lang=中文"), "{answer}");
}
