//! `ngx.arg`: what a body filter sees of a chunk, and makes of it.

use crate::support::App;

/// What the client gets of one chunk that `source` has filtered.
async fn filtered(source: &str) -> String {
    let source = format!("if not ngx.arg[2] then {source} end");
    let app = App::builder().access("ngx.print('chunk')").body_filter(&source).serve().await;
    app.get("/").send().await.text()
}

#[tokio::test]
async fn a_chunk_may_be_text_a_number_nothing_or_an_array() {
    for (value, chunk) in [
        ("'text'", "text"),
        ("'a\\0b'", "a\0b"),
        ("42", "42"),
        ("1.5", "1.5"),
        ("''", ""),
        ("nil", ""),
        ("{}", ""),
        ("{'a', 1, {'b', {}, {'c'}}}", "a1bc"),
    ] {
        assert_eq!(filtered(&format!("ngx.arg[1] = {value}")).await, chunk, "{value}");
    }
}

#[tokio::test]
async fn what_is_no_text_is_refused() {
    for (assignment, message) in [
        ("ngx.arg[1] = true", "bad chunk data type: boolean"),
        ("ngx.arg[1] = print", "bad chunk data type: function"),
        ("ngx.arg[1] = ngx.null", "bad chunk data type: userdata"),
        ("ngx.arg[1] = {true}", "bad argument #3 to '__newindex' (bad data type boolean found)"),
        ("ngx.arg[1] = {1, nil, 3}", "bad argument #3 to '__newindex' (bad data type nil found)"),
        ("ngx.arg[1] = {a = 1}", "bad argument #3 to '__newindex' (non-array table found)"),
        ("ngx.arg[3] = 'x'", "bad index: 3"),
        ("ngx.arg.x = 'x'", "bad argument #2 to '__newindex' (number expected, got string)"),
    ] {
        let source = format!(
            "local _, message = pcall(function() {assignment} end)
             ngx.arg[1] = message"
        );
        let expected =
            format!("[string \"if not ngx.arg[2] then local _, message = pca...\"]:1: {message}");
        assert_eq!(filtered(&source).await, expected, "{assignment}");
    }
}

#[tokio::test]
async fn a_refused_chunk_leaves_the_old_one() {
    assert_eq!(filtered("pcall(function() ngx.arg[1] = {'new', true} end)").await, "chunk");
}

#[tokio::test]
async fn the_next_filter_sees_what_the_one_before_has_made() {
    let app = App::builder()
        .access("ngx.print('chunk')")
        .body_filter("ngx.arg[1] = {'a', ngx.arg[1], 'b'}")
        .body_filter("ngx.arg[1] = ngx.arg[1]:upper()")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "ACHUNKBAB");
}

#[tokio::test]
async fn any_value_but_nil_and_false_is_the_end() {
    let source = r#"
        local seen = {}
        for i, value in ipairs({true, 0, "", false}) do
          ngx.arg[2] = value
          seen[i] = tostring(ngx.arg[2])
        end
        ngx.arg[2] = nil
        ngx.arg[1] = table.concat(seen, " ") .. " " .. tostring(ngx.arg[2])"#;
    assert_eq!(filtered(source).await, "true true true false false");
}

#[tokio::test]
async fn other_indices_are_nil() {
    let source = "ngx.arg[1] = tostring(ngx.arg[0] or ngx.arg[3] or ngx.arg.x or ngx.arg['1'])";
    assert_eq!(filtered(source).await, "nil");
}

#[tokio::test]
async fn each_print_is_a_chunk_and_an_empty_one_is_the_end() {
    let app = App::builder()
        .access("ngx.print('a') ngx.print('') ngx.say('b', 'c')")
        .body_filter("require('recorder')(ngx.arg[1], ngx.arg[2])")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "abc\n");
    assert_eq!(app.recorder.entries(), ["a false", "bc\n false", " true"]);
}
