//! `kong.service.request.set_raw_body` and `set_body`: the body that the service gets.

use serde_json::json;

use crate::support::{App, Reply};

const FORM: &str = "application/x-www-form-urlencoded";

/// What the service sees after `source`, of a request with a body of the type `content_type`.
async fn post(content_type: &str, source: &str) -> Reply {
    let app = App::access(source).await;
    app.post("/").header("content-type", content_type).body("old").send().await
}

#[tokio::test]
async fn a_raw_body_replaces_the_body() {
    let reply = post("text/plain", "kong.service.request.set_raw_body('I am another body')").await;
    let seen = reply.json();
    assert_eq!(seen["body"], "I am another body");
    assert_eq!(seen["headers"]["content-length"], "17");
    assert_eq!(seen["headers"]["content-type"], "text/plain");
}

#[tokio::test]
async fn a_request_that_had_no_body_can_be_given_one() {
    let app = App::access("kong.service.request.set_raw_body('new')").await;
    let seen = app.get("/").send().await.json();
    assert_eq!((&seen["method"], &seen["body"]), (&json!("GET"), &json!("new")));
    assert_eq!(seen["headers"]["content-length"], "3");
}

#[tokio::test]
async fn an_empty_body_has_the_length_0() {
    for source in ["set_raw_body('')", "set_body({})"] {
        let seen = post(FORM, &format!("kong.service.request.{source}")).await.json();
        assert_eq!((&seen["body"], &seen["headers"]["content-length"]), (&json!(""), &json!("0")));
    }
}

#[tokio::test]
async fn a_body_of_no_announced_length_is_replaced_by_one_with_a_length() {
    let app = App::access("kong.service.request.set_raw_body('new')").await;
    let reply = app.post("/").header("transfer-encoding", "chunked").body("old").send().await;
    let headers = &reply.json()["headers"];
    assert_eq!(headers["content-length"], "3");
    assert_eq!(headers["transfer-encoding"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_body_can_be_long() {
    let reply = post("text/plain", "kong.service.request.set_raw_body(('x'):rep(5000000))").await;
    assert_eq!(reply.json()["headers"]["content-length"], "5000000");
    assert_eq!(reply.json()["body"].as_str().unwrap().len(), 5_000_000);
}

#[tokio::test]
async fn a_form_is_sorted_by_name_and_escaped() {
    let seen = post(
        FORM,
        "kong.service.request.set_body({ foo = 'hello world', a = true, aa = {'zzz', true, 'aaa'}, z = '' })",
    )
    .await
    .json();
    assert_eq!(seen["body"], "a&aa=zzz&aa&aa=aaa&foo=hello%20world&z=");
    assert_eq!(seen["headers"]["content-length"], "39");
    assert_eq!(seen["headers"]["content-type"], FORM);
}

#[tokio::test]
async fn a_json_body_is_a_table() {
    for (table, expected) in [
        ("{ foo = 'hello world' }", r#"{"foo":"hello world"}"#),
        ("{ 'zzz', true, 1.5 }", r#"["zzz",true,1.5]"#),
        ("{}", "{}"),
        ("{ [''] = ngx.null }", r#"{"":null}"#),
    ] {
        let source = format!("assert(kong.service.request.set_body({table}) == true)");
        let seen = post("application/json; charset=utf-8", &source).await.json();
        assert_eq!(seen["body"], expected);
        assert_eq!(seen["headers"]["content-type"], "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn a_type_that_is_given_replaces_the_requests() {
    let source = "kong.service.request.set_body({ a = 1 }, 'application/json')";
    let seen = post(FORM, source).await.json();
    assert_eq!(seen["body"], r#"{"a":1}"#);
    assert_eq!(seen["headers"]["content-type"], "application/json");
}

#[tokio::test]
async fn a_multipart_body_keeps_the_requests_boundary() {
    let source =
        "kong.service.request.set_body({ zzz = 'goodbye', foo = 'hello', n = 1.5, b = true })";
    for content_type in
        ["multipart/form-data; boundary=xxyyzz", "multipart/form-data; boundary=\"xxyyzz\""]
    {
        let seen = post(content_type, source).await.json();
        let part = |name, value| {
            format!(
                "--xxyyzz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
        };
        let body =
            part("b", "true") + &part("foo", "hello") + &part("n", "1.5") + &part("zzz", "goodbye");
        assert_eq!(seen["body"], body + "--xxyyzz--\r\n");
        assert_eq!(seen["headers"]["content-type"], "multipart/form-data; boundary=xxyyzz");
    }
}

#[tokio::test]
async fn a_multipart_body_gets_a_boundary_that_it_does_not_hold() {
    for content_type in ["multipart/form-data", "multipart/form-data; boundary=x"] {
        let source = r"kong.service.request.set_body({ a = '1\r\n--x\r\n2' })
                       kong.response.exit(200, kong.request.get_body().a)";
        assert_eq!(post(content_type, source).await.text(), "1\r\n--x\r\n2", "{content_type}");
    }
}

#[tokio::test]
async fn without_a_type_there_is_no_body_to_set() {
    let app = App::access(
        "local ok, err = kong.service.request.set_body({ a = 1 })
         kong.response.exit(200, tostring(ok) .. ' ' .. err)",
    )
    .await;
    let expected =
        "nil content type was neither explicitly given as an argument or received as a header";
    assert_eq!(app.get("/").send().await.text(), expected);
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("set_raw_body", "body must be a string"),
        ("set_raw_body, 127001", "body must be a string"),
        ("set_body", "args must be a table"),
        ("set_body, 'a=b'", "args must be a table"),
        ("set_body, {}, 123", "mime must be a string"),
        ("set_body, {}, 'text/plain; a=b'", "unsupported content type text/plain; a=b"),
        (
            "set_body, {}, 'application/json-patch'",
            "unsupported content type application/json-patch",
        ),
        ("set_body, {}, 'Application/JSON'", "unsupported content type Application/JSON"),
        ("set_body, {a = print}, FORM", "attempt to use function as query arg value"),
        ("set_body, {[true] = 'a'}, FORM", "arg keys must be strings"),
        (
            "set_body, {a = print}, 'application/json'",
            "Cannot serialise function: type not supported",
        ),
        (
            "set_body, {a = {}}, 'multipart/form-data'",
            "invalid value \"a\": got table, expected string, \
                                                       number or boolean",
        ),
        (
            "set_body, {'a'}, 'multipart/form-data'",
            "invalid key \"1\": got number, expected string",
        ),
    ] {
        let call = call.replace("FORM", &format!("'{FORM}'"));
        let source = format!("select(2, pcall(kong.service.request.{call}))");
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
}
