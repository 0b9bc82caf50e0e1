//! `cjson.encode`.

use crate::support::{App, patient};

/// What `cjson.encode` makes of a Lua value, or its error.
async fn encode(value: &str) -> String {
    App::eval(&format!(
        "(function()
            local cjson = require('cjson')
            local ok, json = pcall(cjson.encode, {value})
            return json
          end)()"
    ))
    .await
}

#[tokio::test]
async fn values_are_written_as_lua_cjson_writes_them() {
    for (value, json) in [
        ("nil", "null"),
        ("cjson.null", "null"),
        ("ngx.null", "null"),
        ("true", "true"),
        ("1", "1"),
        ("-0.5", "-0.5"),
        ("1e15", "1e+15"),
        ("2 ^ 53", "9.007199254741e+15"),
        ("1 / 3", "0.33333333333333"),
        ("'a'", r#""a""#),
        (r#"'"\\/'"#, r#""\"\\\/""#),
        (r"'\b\f\n\r\t\0\127'", r#""\b\f\n\r\t\u0000\u007f""#),
        ("'\u{e9}'", "\"\u{e9}\""),
        ("{}", "{}"),
        ("{1, 'a', {}}", r#"[1,"a",{}]"#),
        ("{a = {b = {1}}}", r#"{"a":{"b":[1]}}"#),
        ("{[1] = 1, [3] = 3}", "[1,null,3]"),
        ("{[5.5] = 1}", r#"{"5.5":1}"#),
        ("cjson.empty_array", "[]"),
        ("setmetatable and 0 or {cjson.empty_array}", "[[]]"),
    ] {
        assert_eq!(encode(value).await, json, "{value}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_pass_as_they_are() {
    let app = App::access(r#"ngx.print(require("cjson").encode("\255"))"#).await;
    assert_eq!(&*app.get("/").send().await.body, b"\"\xff\"");
}

#[tokio::test]
async fn what_json_cannot_hold_is_an_error_that_names_it() {
    for (value, expected) in [
        ("print", "Cannot serialise function: type not supported"),
        ("{a = coroutine.create(print)}", "Cannot serialise thread: type not supported"),
        ("{[true] = 1}", "Cannot serialise boolean: table key must be a number or string"),
        ("{[{}] = 1}", "Cannot serialise table: table key must be a number or string"),
        ("{[1000] = 1}", "Cannot serialise table: excessively sparse array"),
        ("0 / 0", "Cannot serialise number: must not be NaN or Infinity"),
        ("1 / 0", "Cannot serialise number: must not be NaN or Infinity"),
        (
            "(function() local t = {} t.t = t return t end)()",
            "Cannot serialise, excessive nesting (1001)",
        ),
        (
            "(function() local t = {} for i = 1, 1e5 do t = {t} end return t end)()",
            "Cannot serialise, excessive nesting (1001)",
        ),
    ] {
        let found = encode(value).await;
        assert!(found.ends_with(expected), "{value}: {found}");
    }
}

#[tokio::test]
async fn a_number_of_arguments_other_than_one_is_an_error() {
    let text = App::eval(
        "select(2, pcall(require('cjson').encode)), select(2, pcall(require('cjson').encode, 1, 2))",
    )
    .await;
    let expected = "bad argument #1 to 'encode' (expected 1 argument)";
    assert_eq!(text.matches(expected).count(), 2, "{text}");
}

#[tokio::test]
async fn the_safe_module_answers_nil_and_the_message() {
    let text = App::eval(
        "require('cjson.safe').encode(print), select(2, require('cjson.safe').encode(print))",
    )
    .await;
    assert_eq!(text, "nil, Cannot serialise function: type not supported");
}

#[tokio::test]
async fn a_response_that_json_cannot_express_is_a_500() {
    let app = App::access("local t = {} t.t = t kong.response.exit(200, t)").await;
    assert_eq!(app.get("/").send().await.status, 500);
    assert_eq!(app.get("/").send().await.status, 500);
}

#[tokio::test]
async fn writing_keeps_to_the_budget() {
    let budget = patient().memory(16 << 20);
    let app = App::builder()
        .budget(budget)
        .access(
            "local text = ('x'):rep(1e6)
             local list = {} for i = 1, 2000 do list[i] = text end
             local ok, err = pcall(require('cjson').encode, list)
             kong.response.exit(200, tostring(err))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "not enough memory");
}
