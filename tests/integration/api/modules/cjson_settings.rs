//! The settings of `cjson`, and what it offers beside its two functions.

use tower_lua::Sandbox;

use crate::support::App;

async fn eval(source: &str) -> String {
    App::eval(&format!("(function() local cjson = require('cjson').new() {source} end)()")).await
}

#[tokio::test]
async fn settings_change_what_is_written() {
    for (source, expected) in [
        ("cjson.encode_number_precision(3) return cjson.encode(1 / 3)", "0.333"),
        ("cjson.encode_empty_table_as_object(false) return cjson.encode({})", "[]"),
        ("cjson.encode_escape_forward_slash(false) return cjson.encode('/')", r#""/""#),
        ("cjson.encode_sparse_array(true) return cjson.encode({[1000] = 1})", r#"{"1000":1}"#),
        ("cjson.encode_invalid_numbers(true) return cjson.encode({1 / 0})", "[Infinity]"),
        ("cjson.encode_invalid_numbers('null') return cjson.encode({0 / 0})", "[null]"),
        (
            "cjson.encode_skip_unsupported_value_types(true) return cjson.encode({a = print, b = 1})",
            r#"{"b":1}"#,
        ),
        (
            "cjson.encode_max_depth(1) return select(2, pcall(cjson.encode, {{}})):match('Cannot.*')",
            "Cannot serialise, excessive nesting (2)",
        ),
        (
            "cjson.decode_max_depth(1) return select(2, pcall(cjson.decode, '[[]]')):match('Found.*')",
            "Found too many nested data structures (2) at character 2",
        ),
        (
            "cjson.decode_array_with_array_mt(true) return cjson.encode(cjson.decode('{\"a\":[]}'))",
            r#"{"a":[]}"#,
        ),
        ("return cjson.encode(cjson.decode('{\"a\":[]}'))", r#"{"a":{}}"#),
    ] {
        assert_eq!(eval(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn settings_answer_with_what_holds_now() {
    assert_eq!(eval("return cjson.encode_number_precision(), cjson.encode_number_precision(5), cjson.encode_number_precision()").await, "14, 5, 5");
    assert_eq!(eval("return cjson.encode_sparse_array(true, 3, 4)").await, "true, 3, 4");
    assert_eq!(
        eval("return cjson.encode_max_depth(), cjson.decode_max_depth()").await,
        "1000, 1000"
    );
    assert_eq!(eval("return cjson.encode_keep_buffer('off')").await, "false");
}

#[tokio::test]
async fn settings_refuse_what_makes_no_sense() {
    for (call, expected) in [
        ("encode_number_precision(17)", "expected integer between 1 and 16"),
        ("encode_max_depth(0)", "expected integer between 1 and 2147483647"),
        ("encode_max_depth('a')", "number expected, got string"),
        ("encode_empty_table_as_object('maybe')", "invalid option 'maybe'"),
        ("decode_array_with_array_mt({})", "string expected, got table"),
    ] {
        let found = eval(&format!("return select(2, pcall(function() cjson.{call} end))")).await;
        assert!(found.contains(expected), "{call}: {found}");
    }
}

#[tokio::test]
async fn settings_of_one_function_are_not_those_of_another() {
    let app = App::builder()
        .access("require('cjson').encode_number_precision(1)")
        .access("kong.response.exit(200, require('cjson').encode(0.25))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "0.25");
}

/// What a function that has metatables answers, for a body `{"a":[],"b":[1]}`.
async fn with_metatables(source: &str) -> String {
    let sandbox = Sandbox::default().allow_global("setmetatable").allow_global("getmetatable");
    let app = App::builder()
        .access(&format!("local cjson = require('cjson') {source}"))
        .runtime(|runtime| runtime.sandbox(sandbox))
        .serve()
        .await;
    let request = app.post("/").header("content-type", "application/json");
    request.body(r#"{"a":[],"b":[1]}"#).send().await.text()
}

#[tokio::test]
async fn the_metatables_of_arrays_mark_arrays() {
    for (source, expected) in [
        ("kong.response.exit(200, cjson.encode(setmetatable({}, cjson.array_mt)))", "[]"),
        ("kong.response.exit(200, cjson.encode(setmetatable({}, cjson.empty_array_mt)))", "[]"),
        ("kong.response.exit(200, cjson.encode(setmetatable({1, x = 2}, cjson.array_mt)))", "[1]"),
        (
            "kong.response.exit(200, require('cjson.safe').encode(setmetatable({}, cjson.array_mt)))",
            "[]",
        ),
        (
            "kong.response.exit(200, cjson.encode(setmetatable({}, require('cjson.safe').new().array_mt)))",
            "[]",
        ),
        ("kong.response.exit(200, { a = setmetatable({}, cjson.array_mt) })", r#"{"a":[]}"#),
        (
            "cjson.decode_array_with_array_mt(true)
             local function decode(text) return cjson.decode(text) end
             kong.response.exit(200, tostring(getmetatable(decode('[]')) == cjson.array_mt))",
            "true",
        ),
        (
            "local body = kong.request.get_body()
             kong.response.exit(200, tostring(getmetatable(body.a) == cjson.array_mt))",
            "true",
        ),
        ("kong.response.exit(200, cjson.encode(kong.request.get_body().a))", "[]"),
    ] {
        assert_eq!(with_metatables(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn the_metatables_of_arrays_are_each_function_s_own() {
    let app = App::builder()
        .access(
            "local cjson = require('cjson')
             ngx.re.match('b', '(?<__index>b)', 'D', nil, cjson.array_mt)
             table.insert(cjson.empty_array_mt, 'x') cjson.array_mt.leak = 'mine'
             require('recorder')(cjson.array_mt.leak)",
        )
        .access(
            "local cjson = require('cjson')
             local body = kong.request.get_body()
             kong.response.exit(200, cjson.encode({ tostring(cjson.array_mt.leak), tostring(body.nothing),
               tostring(cjson.empty_array_mt[1]), body }))",
        )
        .serve()
        .await;
    let request = app.post("/").header("content-type", "application/json");
    assert_eq!(request.body("[]").send().await.text(), r#"["nil","nil","nil",[]]"#);
    assert_eq!(app.recorder.entries(), ["mine"]);
}

#[tokio::test]
async fn the_module_says_what_it_is() {
    assert_eq!(
        eval("return cjson._NAME, cjson._VERSION, cjson.null == ngx.null").await,
        "cjson, 2.1.0.11, true"
    );
}
