//! `kong.request.get_body`: forms and JSON.

use crate::support::App;
use crate::support::Call;

const MULTIPART: &str = "multipart/form-data; boundary=AaB03x";

/// What `kong.request.get_body(arguments)` gives for a body: the values in `fields` of the table, or
/// `nil`; the message; and the type.
async fn decoded(content_type: &str, body: impl Into<bytes::Bytes>, source: &str) -> String {
    let source =
        format!("(function() local body, err, mime = kong.request.get_body() {source} end)()");
    let call = |app: &App| -> Call {
        let call = app.post("/").body(body);
        if content_type.is_empty() { call } else { call.header("content-type", content_type) }
    };
    App::eval_for(&source, call).await.text()
}

/// A multipart body of parts that consist of a head and a value.
fn multipart(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().map(|(head, value)| format!("--AaB03x\r\n{head}\r\n\r\n{value}\r\n"));
    parts.collect::<String>() + "--AaB03x--\r\n"
}

#[tokio::test]
async fn a_form_becomes_a_table() {
    let seen = decoded(
        "application/x-www-form-urlencoded",
        "Foo=Hello+%7Bworld%7D&bare&Accept=a%2Fb&Accept=c&empty=&foo=x",
        "return body.Foo, body.bare, body.Accept, body.empty == '', body.foo, err, mime",
    )
    .await;
    let expected =
        r#"Hello {world}, true, ["a\/b","c"], true, x, nil, application/x-www-form-urlencoded"#;
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn json_becomes_a_table() {
    let seen = decoded(
        "application/json; charset=utf-8",
        r#"{"a": [1, null, "x"], "b": {"c": true}, "d": 1.5}"#,
        "return #body.a, body.a[2] == ngx.null, body.b.c, body.d, err, mime",
    )
    .await;
    assert_eq!(seen, "3, true, true, 1.5, nil, application/json");
}

#[tokio::test]
async fn json_is_read_alike_however_deep_and_long_it_is() {
    for (depth, length) in
        [(1, 1), (31, 10), (32, 10), (33, 10), (900, 1), (2, 16_000), (2, 17_000)]
    {
        let body = "[".repeat(depth) + "\"" + &"x".repeat(length) + "\"" + &"]".repeat(depth);
        let source = "body, err, mime = kong.request.get_body()
             local depth = 0 while type(body) == 'table' do body, depth = body[1], depth + 1 end
             return depth, #body, err, mime";
        let seen = decoded("application/json", body, source).await;
        assert_eq!(seen, format!("{depth}, {length}, nil, application/json"));
    }
}

#[tokio::test]
async fn an_empty_json_array_stays_one() {
    // Whether it is the first that the function reads, or not.
    for source in ["return body", "body = kong.request.get_body() return body"] {
        let seen = decoded("application/json", r#"{"a":[]}"#, source).await;
        assert_eq!(seen, r#"{"a":[]}"#);
    }
}

#[tokio::test]
async fn json_that_is_no_table_is_refused() {
    for body in ["", "null", "true", "12.5", r#""text""#, "{", "{\"a\":1}x", "\u{feff}{}"] {
        let seen = decoded("application/json", body, "return body, err, mime").await;
        assert_eq!(seen, "nil, invalid json body, application/json", "{body}");
    }
}

#[tokio::test]
async fn multipart_fields_become_a_table() {
    let body = multipart(&[
        (r#"Content-Disposition: form-data; name="text""#, "line\r\nline"),
        (r#"content-disposition: form-data; name="many""#, "1"),
        ("Content-Type: text/plain\r\nContent-Disposition: form-data; name=many", "2"),
        (r#"Content-Disposition: form-data; filename="a;b.txt"; name="file""#, "content"),
        (r#"Content-Disposition: form-data; name="semi;colon""#, "3"),
        (r#"Content-Disposition: form-data; name="empty""#, ""),
    ]);
    let seen = decoded(
        MULTIPART,
        body,
        "return body.text, body.many, body.file, body['semi;colon'], body.empty == '', err, mime",
    )
    .await;
    let expected = "line\r\nline, [\"1\",\"2\"], content, 3, true, nil, multipart/form-data";
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_multipart_value_may_hold_the_boundary_inside_a_line() {
    let body = multipart(&[(r#"Content-Disposition: form-data; name="a""#, "x --AaB03x--\r\n -y")]);
    assert_eq!(decoded(MULTIPART, body, "return body.a").await, "x --AaB03x--\r\n -y");
}

#[tokio::test]
async fn multipart_lines_may_end_as_unix_has_it() {
    let body = "--AaB03x\nContent-Disposition: form-data; name=\"a\"\n\n1\n--AaB03x--\n";
    assert_eq!(decoded(MULTIPART, body, "return body").await, r#"{"a":"1"}"#);
}

#[tokio::test]
async fn a_multipart_boundary_may_be_quoted() {
    let body = multipart(&[(r#"Content-Disposition: form-data; name="a""#, "1")]);
    for content_type in [
        r#"multipart/form-data; boundary="AaB03x""#,
        "multipart/form-data; charset=utf-8; boundary=AaB03x; x=y",
        "Multipart/Form-Data; Boundary=AaB03x",
    ] {
        let seen = decoded(content_type, body.clone(), "return body.a, err").await;
        assert_eq!(seen, "1, nil", "{content_type}");
    }
}

#[tokio::test]
async fn a_multipart_body_that_breaks_off_gives_what_there_is() {
    let body = multipart(&[(r#"Content-Disposition: form-data; name="a""#, "1")]);
    let body = body.replace("--AaB03x--\r\n", "--AaB03x\r\nContent-Disp");
    assert_eq!(decoded(MULTIPART, body, "return body").await, r#"{"a":"1"}"#);
}

#[tokio::test]
async fn a_multipart_body_without_a_boundary_is_refused() {
    let seen = decoded("multipart/form-data", "--x\r\n", "return body, err, mime").await;
    assert_eq!(seen, "nil, unable to decode multipart body, multipart/form-data");
}

#[tokio::test]
async fn the_type_may_be_given_and_its_case_does_not_matter() {
    let source = "kong.request.get_body('Application/X-WWW-Form-Urlencoded').a";
    let reply = App::eval_for(source, |app| {
        app.post("/").header("content-type", "application/json").body("a=1")
    })
    .await;
    assert_eq!(reply.text(), "1");
}

#[tokio::test]
async fn other_types_are_refused_by_name() {
    for (content_type, expected) in [
        ("", "nil, missing content type, nil"),
        ("text/plain", "nil, unsupported content type 'text/plain', text/plain"),
        (
            "Text/HTML; charset=utf-8",
            "nil, unsupported content type 'Text/HTML; charset=utf-8', text/html",
        ),
        (" ", "nil, unsupported content type '', "),
    ] {
        let seen = decoded(content_type, "a=1", "return body, err, mime").await;
        assert_eq!(seen, expected, "{content_type:?}");
    }
}

#[tokio::test]
async fn a_form_ends_after_a_hundred_fields_unless_another_number_is_given() {
    let body = (1..=150).map(|n| format!("a{n}={n}&")).collect::<String>();
    for (arguments, expected) in [("", "100"), ("nil, 150", "150"), ("nil, 7", "7")] {
        let source = format!(
            "(function() local n = 0 for _ in pairs(kong.request.get_body({arguments})) do n = n + 1 end
             return n end)()"
        );
        let reply = App::eval_for(&source, |app| {
            app.post("/")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body.clone())
        })
        .await;
        assert_eq!(reply.text(), expected, "{arguments}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    let form = "'application/x-www-form-urlencoded'";
    for (arguments, message) in [
        (format!("{form}, 'x'"), "max_args must be a number"),
        (format!("{form}, 0"), "max_args must be >= 1"),
        (format!("{form}, 1001"), "max_args must be <= 1000"),
        ("{}".to_owned(), "bad argument #1 to 'get_body' (string expected, got table)"),
        ("true".to_owned(), "bad argument #1 to 'get_body' (string expected, got boolean)"),
    ] {
        let source = format!("select(2, pcall(kong.request.get_body, {arguments}))");
        assert_eq!(App::eval(&source).await, message, "{arguments}");
    }
}

#[tokio::test]
async fn the_number_of_fields_matters_to_forms_alone() {
    let source = "kong.request.get_body('application/json', 'x').a";
    let reply = App::eval_for(source, |app| app.post("/").body(r#"{"a":1}"#)).await;
    assert_eq!(reply.text(), "1");
}

#[tokio::test]
async fn a_body_above_the_buffer_is_refused_unless_its_size_is_allowed() {
    let no_fit = "request body did not fit into client body buffer, consider raising \
                  'client_body_buffer_size'";
    let json = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
    for (mime, arguments, expected) in [
        ("application/json", "", format!("nil {no_fit}")),
        ("application/json", "nil, nil, 1000", "table nil".to_owned()),
        ("application/json", "nil, nil, 50", "nil request body file too big: 108 > 50".to_owned()),
        // Kong never reads a form from a file, whatever size is allowed.
        (
            "application/x-www-form-urlencoded",
            "nil, nil, 1000",
            "nil request body in temp file not supported".to_owned(),
        ),
    ] {
        let app = App::builder()
            .runtime(|runtime| runtime.body_buffer_size(10))
            .access(&format!(
                "local body, err = kong.request.get_body({arguments})
                 kong.response.exit(200, type(body) .. ' ' .. tostring(err))"
            ))
            .serve()
            .await;
        let reply = app.post("/").header("content-type", mime).body(json.clone()).send().await;
        assert_eq!(reply.text(), expected, "{mime} {arguments}");
    }
}

#[tokio::test]
async fn a_boundary_has_at_most_seventy_characters() {
    let boundary = "b".repeat(30_000);
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let seen = decoded(&content_type, "-".repeat(1 << 20), "return body, err, mime").await;
    let expected = "nil, unable to decode multipart body: boundary longer than 70 characters, \
                    multipart/form-data";
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_body_that_looks_like_its_boundary_everywhere_is_read_at_one_go() {
    for body in ["-".repeat(1 << 20), "--AaB03\n".repeat(1 << 17), "\n".repeat(1 << 20)] {
        assert_eq!(decoded(MULTIPART, body, "return next(body), err").await, "nil, nil");
    }
}
