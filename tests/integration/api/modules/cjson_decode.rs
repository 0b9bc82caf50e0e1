//! `cjson.decode`.

use crate::support::App;

/// What `cjson.decode` makes of JSON, written down again, or its error.
async fn decode(json: &str) -> String {
    let app = App::access(
        "local cjson = require('cjson')
         local ok, value = pcall(cjson.decode, kong.request.get_raw_body())
         if not ok then kong.response.exit(200, value) end
         local function show(value)
           if type(value) ~= 'table' then
             return value == cjson.null and 'null' or type(value) == 'string' and value:format() or tostring(value)
           end
           local keys, parts = {}, {}
           for key in pairs(value) do keys[#keys + 1] = key end
           table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
           for i, key in ipairs(keys) do parts[i] = tostring(key) .. '=' .. show(value[key]) end
           return '{' .. table.concat(parts, ',') .. '}'
         end
         kong.response.exit(200, type(value) .. ' ' .. show(value))",
    )
    .await;
    app.post("/").body(json.to_owned()).send().await.text()
}

#[tokio::test]
async fn json_is_read_as_lua_cjson_reads_it() {
    for (json, value) in [
        ("null", "userdata null"),
        (" true ", "boolean true"),
        ("1", "number 1"),
        ("-1.5e2", "number -150"),
        ("12345678901234567890", "number 1.2345678901235e+19"),
        (r#""a\"\\\/\b\f\n\r\tb""#, "string a\"\\/\u{8}\u{c}\n\r\tb"),
        (r#""\u00e9\ud83d\ude00""#, "string \u{e9}\u{1f600}"),
        ("[]", "table {}"),
        ("{}", "table {}"),
        ("[1,[2,null],{}]", "table {1=1,2={1=2,2=null},3={}}"),
        (r#"{"a":{"b":[true]},"a2":"x"}"#, "table {a={b={1=true}},a2=x}"),
        (r#"{"a":1,"a":2}"#, "table {a=2}"),
        ("\t\r\n [ 1 , 2 ] ", "table {1=1,2=2}"),
        // Not JSON, but read by lua-cjson.
        ("01", "number 1"),
        ("Infinity", "number inf"),
        ("-inf", "number -inf"),
    ] {
        assert_eq!(decode(json).await, value, "{json}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_an_error_that_says_where() {
    for (json, expected) in [
        ("", "Expected value but found T_END at character 1"),
        ("{", "Expected object key string but found T_END at character 2"),
        ("[1,", "Expected value but found T_END at character 4"),
        ("[1 2]", "Expected comma or array end but found T_INTEGER at character 4"),
        (r#"{"a" 1}"#, "Expected colon but found T_INTEGER at character 6"),
        (r#"{"a":1 "b"}"#, "Expected comma or object end but found T_STRING at character 8"),
        ("{1:2}", "Expected object key string but found T_INTEGER at character 2"),
        ("1 1", "Expected the end but found T_INTEGER at character 3"),
        ("nul", "Expected value but found invalid token at character 1"),
        (r#""abc"#, "Expected value but found unexpected end of string at character 5"),
        (r#""\x""#, "Expected value but found invalid escape code at character 2"),
        (r#""\ud800""#, "Expected value but found invalid unicode escape code at character 2"),
    ] {
        let found = decode(json).await;
        assert!(found.ends_with(expected), "{json}: {found}");
    }
}

#[tokio::test]
async fn json_is_read_alike_however_deep_and_long_it_is() {
    for (depth, length) in [(0, 3), (1, 1), (31, 10), (32, 10), (33, 10), (900, 1), (2, 17_000)] {
        let source = format!(
            "(function()
               local text = string.rep('[', {depth}) .. '\"' .. string.rep('x', {length}) .. '\"' .. string.rep(']', {depth})
               local cjson = require('cjson')
               return select('#', cjson.decode(text)), cjson.encode(cjson.decode(text)) == text
             end)()"
        );
        assert_eq!(App::eval(&source).await, "1, true", "{depth} {length}");
    }
}

#[tokio::test]
async fn depth_is_limited() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(decode(&deep(1000)).await.starts_with("table {1="));
    let found = decode(&deep(1001)).await;
    let expected = "Found too many nested data structures (1001) at character 1001";
    assert!(found.ends_with(expected), "{found}");
    let found = decode(&"[".repeat(500_000)).await;
    assert!(found.contains("Found too many nested data structures"), "{found}");
}

#[tokio::test]
async fn a_value_that_is_no_text_is_an_error() {
    let text =
        App::eval("select(2, pcall(require('cjson').decode, {})), require('cjson').decode(7)")
            .await;
    assert!(text.contains("bad argument #1 to 'decode' (string expected, got table)"), "{text}");
    assert!(text.ends_with(", 7"), "{text}");
}

#[tokio::test]
async fn the_safe_module_answers_nil_and_the_message() {
    let text = App::eval(
        "require('cjson.safe').decode('{'), select(2, require('cjson.safe').decode('{'))",
    )
    .await;
    assert_eq!(text, "nil, Expected object key string but found T_END at character 2");
}
