//! `kong.request.get_header` and `get_headers`.

use crate::support::App;

#[tokio::test]
async fn a_header_is_found_by_any_spelling_of_its_name() {
    for name in ["X-Custom-Auth", "x-custom-auth", "x_custom_auth", "X_CUSTOM-AUTH"] {
        let source =
            format!("kong.request.get_header('{name}'), kong.request.get_headers()['{name}']");
        let reply =
            App::eval_for(&source, |app| app.get("/").header("x-custom-auth", "demo")).await;
        assert_eq!(reply.text(), "demo, demo", "{name}");
    }
}

#[tokio::test]
async fn of_several_values_get_header_gives_the_first_and_get_headers_all() {
    let source = "kong.request.get_header('accept'), kong.request.get_headers().accept";
    let reply = App::eval_for(source, |app| {
        app.get("/").header("accept", "a").header("accept", "b").header("accept", "c")
    })
    .await;
    assert_eq!(reply.text(), r#"a, ["a","b","c"]"#);
}

#[tokio::test]
async fn a_list_in_one_header_stays_in_one_piece() {
    let source = "kong.request.get_header('accept')";
    let reply = App::eval_for(source, |app| app.get("/").header("accept", "a, b;q=0.5")).await;
    assert_eq!(reply.text(), "a, b;q=0.5");
}

#[tokio::test]
async fn an_empty_header_is_not_a_missing_one() {
    let source = "kong.request.get_header('x-empty') == '', kong.request.get_header('x-missing')";
    let reply = App::eval_for(source, |app| app.get("/").header("x-empty", "")).await;
    assert_eq!(reply.text(), "true, nil");
}

#[tokio::test]
async fn a_header_may_have_bytes_that_are_no_text() {
    let source = "kong.request.get_header('x-bytes'):byte(1, -1)";
    let reply = App::eval_for(source, |app| app.get("/").header("x-bytes", b"\xff\xfe")).await;
    assert_eq!(reply.text(), "255, 254");
}

#[tokio::test]
async fn no_header_has_a_name_that_cannot_be() {
    for name in ["''", "' '", r"'\255'", r"'a\0b'", "('a'):rep(100000)"] {
        let source = format!("kong.request.get_header({name}), kong.request.get_headers()[{name}]");
        assert_eq!(App::eval(&source).await, "nil, nil", "{name}");
    }
}

#[tokio::test]
async fn headers_end_after_a_hundred_unless_another_number_is_given() {
    for (max, expected) in [("", "100, truncated"), ("1000", "151, nil"), ("7", "7, truncated")] {
        let source = format!(
            "(function() local headers, err = kong.request.get_headers({max}) \
             local n = 0 for _ in pairs(headers) do n = n + 1 end return n, err end)()"
        );
        let reply = App::eval_for(&source, |app| {
            (0..150).fold(app.get("/").http2(), |call, n| call.header(&format!("x-{n}"), "v"))
        })
        .await;
        assert_eq!(reply.text(), expected, "{max}");
    }
}

#[tokio::test]
async fn a_header_beyond_the_first_hundred_is_found_by_its_name() {
    let reply = App::eval_for("kong.request.get_header('x-120')", |app| {
        (0..150).fold(app.get("/").http2(), |call, n| call.header(&format!("x-{n}"), "a, b"))
    })
    .await;
    assert_eq!(reply.text(), "a, b");
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("get_header", "header name must be a string"),
        ("get_header, 1", "header name must be a string"),
        ("get_headers, '1'", "max_headers must be a number"),
        ("get_headers, 0", "max_headers must be >= 1"),
        ("get_headers, 1001", "max_headers must be <= 1000"),
    ] {
        let source = format!("select(2, pcall(kong.request.{call}))");
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
}

#[tokio::test]
async fn clear_header_is_there_under_the_name_that_the_documentation_has() {
    let app = App::access("kong.request.clear_header('X-Secret')").await;
    let reply = app.get("/").header("x-secret", "a").header("x-other", "b").send().await;
    let headers = &reply.json()["headers"];
    assert_eq!(headers["x-secret"], serde_json::Value::Null);
    assert_eq!(headers["x-other"], "b");
}
