//! `kong.service.response`: what the service answered.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use crate::support::App;

/// What `source` is worth in `header_filter` and in `log`, after `access`.
async fn eval_after(access: &str, source: &str) -> String {
    let record = format!("require('recorder')({source})");
    let app = App::builder().access(access).header_filter(&record).log(&record).serve().await;
    app.get("/").send().await;
    let seen = app.recorder.wait_for(2).await;
    assert_eq!(seen[0], seen[1], "in header_filter and in log");
    seen[0].clone()
}

/// What `source` is worth when the service has answered with `body`, of the type `content_type`.
async fn buffered(content_type: &'static str, body: &'static [u8], source: &str) -> String {
    let service = tower::service_fn(move |_| async move {
        let mut response = Response::new(Full::new(Bytes::from_static(body)));
        if !content_type.is_empty() {
            let value = http::HeaderValue::from_static(content_type);
            response.headers_mut().insert("content-type", value);
        }
        Ok::<_, Infallible>(response)
    });
    let app = App::builder()
        .access("kong.service.request.enable_buffering()")
        .header_filter(&format!("require('recorder')({source})"))
        .serve_around(service)
        .await;
    assert_eq!(app.get("/").send().await.body, body, "the client gets it all the same");
    app.recorder.entries().concat()
}

#[tokio::test]
async fn the_status_is_the_services_whatever_functions_do_to_it() {
    let app = App::builder()
        .header_filter("kong.response.set_status(418)")
        .log("require('recorder')(kong.service.response.get_status(), kong.response.get_status())")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["200 418"]);
}

#[tokio::test]
async fn a_service_that_was_not_asked_has_no_status_and_no_headers() {
    let source = "tostring(kong.service.response.get_status()),
                  tostring(next(kong.service.response.get_headers())),
                  tostring(kong.service.response.get_header('content-length'))";
    assert_eq!(eval_after("kong.response.exit(200, 'own')", source).await, "nil nil nil");
}

#[tokio::test]
async fn headers_are_found_by_any_spelling() {
    let source = "kong.service.response.get_header('X_SERVICE'),
                  kong.service.response.get_headers().x_service,
                  kong.service.response.get_headers()['X-Service']";
    assert_eq!(eval_after("", source).await, "echo echo echo");
}

#[tokio::test]
async fn headers_that_functions_set_are_not_the_services() {
    let source = "tostring(kong.service.response.get_header('X-Own')),
                  tostring(kong.service.response.get_headers()['X-Own']), kong.response.get_header('X-Own')";
    assert_eq!(eval_after("kong.response.set_header('X-Own', 'a')", source).await, "nil nil a");
}

#[tokio::test]
async fn a_header_that_a_function_set_and_took_back_is_the_services() {
    let access =
        "kong.response.set_header('X-Service', 'a') kong.response.clear_header('X-Service')";
    let source = "kong.service.response.get_header('X-Service')";
    assert_eq!(eval_after(access, source).await, "echo");
}

#[tokio::test]
async fn headers_end_after_as_many_as_are_asked_for() {
    let source = "(function()
        local n, headers, err = 0, kong.service.response.get_headers(1)
        for _ in pairs(headers) do n = n + 1 end
        return n .. tostring(err)
    end)()";
    assert_eq!(eval_after("", source).await, "1truncated");
}

#[tokio::test]
async fn a_buffered_body_is_there_before_the_head_is_sent() {
    let source = "kong.service.response.get_raw_body():byte(1, -1)";
    assert_eq!(buffered("", b"a\0\xff", source).await, "97 0 255");
    assert_eq!(buffered("", b"", "#kong.service.response.get_raw_body()").await, "0");
}

#[tokio::test]
async fn a_buffered_body_is_decoded_by_its_type() {
    for (content_type, body, expected) in [
        ("application/json", &br#"{"a":"1"}"#[..], "1 nil application/json"),
        (
            "application/x-www-form-urlencoded; charset=x",
            b"a=%31",
            "1 nil application/x-www-form-urlencoded",
        ),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b--\r\n",
            "1 nil multipart/form-data",
        ),
        ("application/json", b"1", "nil invalid json body application/json"),
        ("text/html", b"1", "nil unsupported content type 'text/html' text/html"),
        ("", b"1", "nil missing content type nil"),
    ] {
        let source = "(function()
            local body, err, mime = kong.service.response.get_body()
            return body and body.a, err, mime
        end)()";
        assert_eq!(buffered(content_type, body, source).await, expected, "{content_type}");
    }
}

#[tokio::test]
async fn the_type_of_a_body_is_the_services_unless_it_is_given() {
    let app = App::builder()
        .access(
            "kong.service.request.enable_buffering()
             kong.response.set_header('Content-Type', 'application/json')",
        )
        .header_filter(
            "local _, err = kong.service.response.get_body()
             require('recorder')(err)
             require('recorder')(kong.service.response.get_body('application/x-www-form-urlencoded', 1).a)",
        )
        .serve_around(tower::service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"a=1&b=2"))))
        }))
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["missing content type", "1"]);
}

#[tokio::test]
async fn without_buffering_there_is_no_body() {
    let message = "service body is only available with buffered proxying (see: \
                   kong.service.request.enable_buffering function)";
    for function in ["get_raw_body", "get_body"] {
        let source = format!("select(2, pcall(kong.service.response.{function}))");
        assert_eq!(eval_after("", &source).await, message, "{function}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_to_buffer_streams_past() {
    let app = App::builder()
        .runtime(|runtime| runtime.max_body_size(10))
        .access("kong.service.request.enable_buffering()")
        .header_filter("require('recorder')((pcall(kong.service.response.get_raw_body)))")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.json()["method"], "GET");
    assert_eq!(app.recorder.entries(), ["false"]);
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("get_header", "name must be a string"),
        ("get_header, 1", "name must be a string"),
        ("get_headers, '1'", "max_headers must be a number"),
        ("get_headers, 0", "max_headers must be >= 1"),
        ("get_headers, 1001", "max_headers must be <= 1000"),
        ("get_body, 'application/x-www-form-urlencoded', '1'", "max_args must be a number"),
        ("get_body, 'application/x-www-form-urlencoded', 0", "max_args must be >= 1"),
        ("get_body, 'application/x-www-form-urlencoded', 1001", "max_args must be <= 1000"),
        ("get_body, {}", "bad argument #1 to 'get_body' (string expected, got table)"),
    ] {
        let source = format!("select(2, pcall(kong.service.response.{call}))");
        let seen = eval_after("kong.service.request.enable_buffering()", &source).await;
        assert_eq!(seen, message, "{call}");
    }
}
