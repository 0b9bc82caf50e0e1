//! `kong.response.error`, and the page of a function that fails.

use crate::support::App;

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

#[tokio::test]
async fn it_is_json_with_the_id_of_the_request() {
    let app = App::builder()
        .access("kong.response.error(403)")
        .log("require('recorder')(kong.log.serialize().request.id)")
        .serve()
        .await;
    let reply = app.get("/").send().await;
    let id = app.recorder.wait_for(1).await.concat();
    assert_eq!(id.len(), 32);
    assert_eq!(
        reply.text(),
        format!("{{\n  \"message\":\"Forbidden\",\n  \"request_id\":\"{id}\"\n}}")
    );
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (403, JSON));
}

#[tokio::test]
async fn the_client_chooses_the_format() {
    let app = App::access("kong.response.error(410)").await;
    for (accept, expected) in [
        (&["text/html"][..], HTML),
        (&["application/xml"], XML),
        (&["text/plain"], PLAIN),
        (&["text/*"], PLAIN),
        (&["application/*"], JSON),
        (&["*/*"], JSON),
        (&["json"], JSON),
        (&[""], JSON),
        (&["\u{e4}"], JSON),
        (&["image/png"], JSON),
        (&["image/png, text/html;q=0.9"], JSON),
        (&["text/plain;q=0.3, text/html;q=0.7, application/xml; q=0.5"], HTML),
        (&["text/plain;q=0.3, text/html;level=1, application/xml;q=0.9"], HTML),
        (&["text/html;q=0, text/plain;q=0.1"], PLAIN),
        (&["text/html;q=7, text/plain"], HTML),
        (&["text/html;q=x, text/plain"], HTML),
        (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], HTML),
        (&["text/plain;q=0.2", "text/css;q=0.1, text/html;q=0.9", "*/*;q=0.5"], HTML),
    ] {
        let call = accept.iter().fold(app.get("/"), |call, accept| call.header("accept", accept));
        assert_eq!(call.send().await.header("content-type"), expected, "{accept:?}");
    }
}

#[tokio::test]
async fn each_format_holds_the_message_and_the_id() {
    let app = App::access("kong.response.error(410, kong.request.get_header('x-message'))").await;
    for (accept, beginning, end) in [
        ("text/plain", "why & <how>\nrequest_id: ", "\n"),
        ("application/json", "{\n  \"message\":\"why & <how>\",\n  \"request_id\":\"", "\"\n}"),
        (
            "application/xml",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<error>\n  \
             <message>why &amp; &lt;how&gt;</message>\n  <requestid>",
            "</requestid>\n</error>\n",
        ),
        (
            "text/html",
            "<!doctype html>\n<html>\n  <head>\n    <meta charset=\"utf-8\">\n    \
             <title>Error</title>\n  </head>\n  <body>\n    <h1>Error</h1>\n    \
             <p>why &amp; &lt;how&gt;.</p>\n    <p>request_id: ",
            "</p>\n  </body>\n</html>\n",
        ),
    ] {
        let call = app.get("/").header("accept", accept).header("x-message", "why & <how>");
        let text = call.send().await.text();
        let id = text.strip_prefix(beginning).and_then(|text| text.strip_suffix(end));
        assert_eq!(id.map(str::len), Some(32), "{text}");
    }
}

#[tokio::test]
async fn a_message_may_have_quotes_and_be_no_text() {
    for (message, expected) in [
        (r#"'say "hi"\n'"#, "say \"hi\"\n"),
        (r"'\255'", "\u{fffd}"),
        ("{ ['a field'] = 'b' }", r#"{"a field":"b"}"#),
        ("''", ""),
    ] {
        let reply = App::access(&format!("kong.response.error(502, {message})"))
            .await
            .get("/")
            .send()
            .await;
        assert_eq!(reply.json()["message"], expected, "{message}");
    }
}

#[tokio::test]
async fn every_status_has_a_message() {
    let app = App::access("kong.response.error(tonumber(kong.request.get_query_arg('s')))").await;
    for (status, message) in [
        (400, "Bad request"),
        (404, "Not found"),
        (413, "Payload too large"),
        (418, "I'm a teapot"),
        (419, "The upstream server responded with 419"),
        (429, "Too many requests"),
        (494, "Request header or cookie too large"),
        (500, "An unexpected error occurred"),
        (502, "An invalid response was received from the upstream server"),
        (504, "The upstream server is timing out"),
        (599, "The upstream server responded with 599"),
    ] {
        let reply = app.get(&format!("/?s={status}")).send().await;
        assert_eq!(reply.json()["message"], message, "{status}");
        assert_eq!(reply.status, status);
    }
}

#[tokio::test]
async fn a_content_type_among_the_headers_decides() {
    for (name, value, beginning) in [
        ("Content-Type", "'application/xml'", "<?xml"),
        ("content_type", "'text/plain'", "gone\n"),
        ("Content-Type", "{ 'text/html; charset=latin1' }", "<!doctype"),
        ("Content-Type", "'application/problem+json'", "{\n"),
    ] {
        let app = App::access(&format!(
            "kong.response.error(410, 'gone', {{ ['{name}'] = {value}, ['X-More'] = 'a' }})"
        ))
        .await;
        let reply = app.get("/").header("accept", "application/json").send().await;
        assert!(reply.text().starts_with(beginning), "{value}: {}", reply.text());
        assert!(value.contains(reply.header("content-type")), "{value}: {:?}", reply.headers);
        assert_eq!(reply.header("x-more"), "a");
    }
}

#[tokio::test]
async fn in_header_filter_it_replaces_the_response() {
    let app = App::builder().header_filter("kong.response.error(502, 'bad')").serve().await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (502, JSON));
    assert_eq!(reply.json()["message"], "bad");
}

#[tokio::test]
async fn it_ends_the_request() {
    let app =
        App::access("pcall(kong.response.error, 400) kong.response.exit(200, 'went on')").await;
    assert_eq!(app.get("/").send().await.status, 400);
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (arguments, message) in [
        ("", "code must be a number"),
        (", '500'", "code must be a number"),
        (", 399", "code must be a number between 400 and 599"),
        (", 600", "code must be a number between 400 and 599"),
        (", 500, 1", "message must be a nil, a string or a table"),
        (", 500, false", "message must be a nil, a string or a table"),
        (
            ", 500, {print}",
            "could not JSON encode the error message: Cannot serialise function: type not \
                            supported",
        ),
        (", 500, nil, 'X: a'", "headers must be a nil or table"),
        (", 500, nil, {'a'}", "invalid header name \"1\": got number, expected string"),
    ] {
        let source = format!("select(2, pcall(kong.response.error{arguments}))");
        assert_eq!(App::eval(&source).await, message, "{arguments}");
    }
}

#[tokio::test]
async fn a_function_that_fails_gives_the_same_page_without_its_message() {
    let app = App::access("error('secret')").await;
    for (accept, kind) in [("text/html", HTML), ("*/*", JSON), ("text/plain", PLAIN)] {
        let reply = app.get("/").header("accept", accept).send().await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (500, kind));
        assert!(reply.text().contains("An unexpected error occurred"), "{}", reply.text());
        assert!(!reply.text().contains("secret"), "{}", reply.text());
    }
}
