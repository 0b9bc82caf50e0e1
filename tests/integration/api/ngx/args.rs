//! `ngx.encode_args` and `ngx.decode_args`.

use super::{assert_errors, assert_values};
use crate::support::App;

#[tokio::test]
async fn arguments_are_encoded() {
    assert_values(&[
        ("ngx.encode_args({foo = 3})", "foo=3"),
        ("ngx.encode_args({['b r'] = 'hello world'})", "b%20r=hello%20world"),
        ("ngx.encode_args({a = 1.5})", "a=1.5"),
        ("ngx.encode_args({a = ''})", "a="),
        ("ngx.encode_args({a = 'ä+/?&=%'})", "a=%C3%A4%2B%2F%3F%26%3D%25"),
        ("ngx.encode_args({a = \"-._~!*'()\"})", "a=-._~!*'()"),
        ("ngx.encode_args({a = '\\0\\255'})", "a=%00%FF"),
    ])
    .await;
}

#[tokio::test]
async fn a_value_may_be_a_flag_or_an_array() {
    assert_values(&[
        ("ngx.encode_args({a = true})", "a"),
        ("ngx.encode_args({a = false})", ""),
        ("ngx.encode_args({a = {}})", ""),
        ("ngx.encode_args({})", ""),
        ("ngx.encode_args({baz = {32, 'hello'}})", "baz=32&baz=hello"),
        ("ngx.encode_args({a = {true, 'x', false}})", "a&a=x"),
    ])
    .await;
}

#[tokio::test]
async fn what_is_no_argument_is_refused() {
    assert_errors(&[
        ("ngx.encode_args()", "bad argument #1 to '?' (table expected, got nil)"),
        ("ngx.encode_args('a')", "bad argument #1 to '?' (table expected, got string)"),
        ("ngx.encode_args({'a'})", "attempt to use a non-string key in the \"args\" option table"),
        ("ngx.encode_args({a = print})", "attempt to use function as query arg value"),
        ("ngx.encode_args({a = {{}}})", "attempt to use table as query arg value"),
        ("ngx.encode_args({a = ngx.null})", "attempt to use userdata as query arg value"),
        ("ngx.decode_args()", "bad argument #1 to 'decode_args' (string expected, got nil)"),
        ("ngx.decode_args({})", "bad argument #1 to 'decode_args' (string expected, got table)"),
        (
            "ngx.decode_args(true)",
            "bad argument #1 to 'decode_args' (string expected, got boolean)",
        ),
        (
            "ngx.decode_args('a', 'b')",
            "bad argument #2 to 'decode_args' (number expected, got string)",
        ),
    ])
    .await;
}

#[tokio::test]
async fn arguments_are_decoded() {
    assert_values(&[
        ("ngx.decode_args('a=1').a", "1"),
        ("ngx.decode_args('a%20b=1%61+2')['a b']", "1a 2"),
        ("ngx.decode_args('a=b=c').a", "b=c"),
        ("ngx.decode_args('a=').a", ""),
        ("ngx.decode_args('a').a", "true"),
        ("ngx.decode_args('a=1&b=2&a&a=3').a", r#"["1",true,"3"]"#),
        ("ngx.decode_args('a=%zz%4').a", "%zz%4"),
        ("ngx.decode_args('a=%00%ff').a == '\\0\\255'", "true"),
        ("ngx.decode_args(12)['12']", "true"),
        ("next(ngx.decode_args(''))", "nil"),
        ("next(ngx.decode_args('&&=x&=&'))", "nil"),
    ])
    .await;
}

#[tokio::test]
async fn a_hundred_arguments_are_decoded_unless_another_number_is_named() {
    for (max, decoded) in [
        ("", "100, truncated"),
        (", nil", "100, truncated"),
        (", -1", "100, truncated"),
        (", 3", "3, truncated"),
        (", '3'", "3, truncated"),
        (", 149.9", "149, truncated"),
        (", 150", "150, nil"),
        (", 0", "150, nil"),
    ] {
        let source = format!(
            "(function() local args, err = ngx.decode_args(('a=1&'):rep(149) .. 'a=1'{max}) \
             return #args.a, err end)()"
        );
        assert_eq!(App::eval(&source).await, decoded, "{max}");
    }
}

#[tokio::test]
async fn where_nothing_was_left_out_there_is_one_result() {
    for call in [
        "ngx.decode_args('a=1')",
        "ngx.req.get_uri_args()",
        "ngx.req.get_headers()",
        "ngx.resp.get_headers()",
        "(function() ngx.req.read_body() return ngx.req.get_post_args() end)()",
    ] {
        assert_eq!(App::eval(&format!("select('#', {call})")).await, "1", "{call}");
    }
}

#[tokio::test]
async fn an_error_names_the_line_of_the_call() {
    let app = App::access(
        "local function build(args)
           return (ngx.encode_args(args))
         end
         local _, message = pcall(build, 5)
         kong.response.exit(200, message)",
    )
    .await;
    let message = "bad argument #1 to '?' (table expected, got number)";
    let text = app.get("/").send().await.text();
    assert_eq!(text, format!("[string \"local function build(args)...\"]:2: {message}"));
}

#[tokio::test]
async fn arguments_without_a_name_count_towards_the_limit() {
    for (query, max, expected) in [
        ("=1&foo=3&=2", 2, "3, truncated"),
        ("=1&foo=3", 2, "3, nil"),
        ("foo=3&", 1, "3, truncated"),
        ("foo=3&bar=4", 0, "3, nil"),
    ] {
        let source = format!(
            "(function() local t, err = ngx.decode_args('{query}', {max}) return t.foo, err end)()"
        );
        assert_eq!(App::eval(&source).await, expected, "{query}");
    }
}

#[tokio::test]
async fn what_is_no_argument_is_named() {
    let source = "(function()
        local _, zone = pcall(ngx.encode_args, { foo = 3, bar = { ngx.null } })
        local _, flag = pcall(ngx.encode_args, true)
        return zone, flag
      end)()";
    let expected = "attempt to use userdata as query arg value, \
                    bad argument #1 to '?' (table expected, got boolean)";
    assert_eq!(App::eval(source).await, expected);
}
