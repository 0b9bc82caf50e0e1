//! Where bodies end: what functions see of it, and that none of them can say it wrongly.

use std::convert::Infallible;

use http::{Request, Response};
use tower::service_fn;

use crate::support::{App, AppBuilder, Chunks};

/// What `access` answers to a request of HTTP/1 as it stands.
async fn raw(app: AppBuilder, request: &str) -> String {
    app.serve().await.raw(request).await
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn functions_see_the_framing_once_the_head_is_on_its_way() {
    let app = App::builder()
        .header_filter("ngx.header.content_length = nil")
        .body_filter(
            "local headers = ngx.resp.get_headers()
             ngx.arg[1] = 'TE: ' .. tostring(headers['Transfer-Encoding']) ..
                 ', length: ' .. tostring(headers['Content-Length']) ..
                 ', connection: ' .. headers.connection
             ngx.arg[2] = true",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.text(), "TE: chunked, length: nil, connection: keep-alive");
    let closed = app.raw(GET).await;
    assert!(closed.contains("TE: chunked, length: nil, connection: close"), "{closed}");
    let old = app.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(old.ends_with("TE: nil, length: nil, connection: close"), "{old}");
}

#[tokio::test]
async fn the_log_sees_a_length_that_was_chosen() {
    let app = App::builder()
        .access("return kong.response.exit(200, 'hello')")
        .log(
            "require('recorder')(ngx.resp.get_headers()['Content-Length'],
                 tostring(ngx.var.sent_http_transfer_encoding), ngx.var.sent_http_connection)",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "hello");
    assert_eq!(app.recorder.wait_for(1).await, ["5 nil keep-alive"]);
}

#[tokio::test]
async fn http2_has_no_framing_headers() {
    let app = App::builder()
        .body_filter("local h = ngx.resp.get_headers() ngx.arg[1] = tostring(h['transfer-encoding'] or h.connection) ngx.arg[2] = true")
        .serve()
        .await;
    assert_eq!(app.get("/").http2().send().await.text(), "nil");
}

#[tokio::test]
async fn no_setter_of_the_response_breaks_its_framing() {
    let setters = [
        "ngx.header['NAME'] = 'VALUE'",
        "ngx.resp.add_header('NAME', 'VALUE')",
        "kong.response.set_header('NAME', 'VALUE')",
        "kong.response.add_header('NAME', 'VALUE')",
        "kong.response.set_headers({ ['NAME'] = 'VALUE' })",
    ];
    let exits = [
        "kong.response.exit(200, 'hello', { ['NAME'] = 'VALUE' })",
        "ngx.header['NAME'] = 'VALUE' kong.response.exit(200, 'hello', { ['NAME'] = 'VALUE' })",
    ];
    let headers = [
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "gzip"),
        ("Content-Length", "3"),
        ("Content-Length", "300"),
        ("Connection", "upgrade, content-length"),
        ("Upgrade", "websocket"),
        ("Trailer", "x-a"),
        ("TE", "gzip"),
        ("Keep-Alive", "timeout=5"),
    ];
    for exit in exits {
        for (name, value) in headers {
            let exit = exit.replace("NAME", name).replace("VALUE", value);
            let app = App::access(&exit).await;
            for call in [app.get("/"), app.get("/").http2()] {
                let reply = call.send().await;
                assert_eq!((reply.status.as_u16(), &*reply.text()), (200, "hello"), "{exit}");
            }
            let answer = app.raw(GET).await.to_ascii_lowercase();
            assert!(answer.contains("\ncontent-length: 5\r\n"), "{exit}: {answer}");
            assert!(!answer.contains("transfer-encoding:"), "{exit}: {answer}");
        }
    }
    for setter in setters {
        for (name, value) in headers {
            let set = setter.replace("NAME", name).replace("VALUE", value);
            let own = App::access(&format!("{set} return kong.response.exit(200, 'hello')")).await;
            let printed = App::access(&format!("{set} ngx.print('hello')")).await;
            let streamed = service_fn(|_: Request<_>| async {
                Ok::<_, Infallible>(Response::new(Chunks::new(1, 5)))
            });
            let service = App::builder().header_filter(&set).serve_around(streamed).await;
            let early = App::builder().rewrite(&set).access("ngx.print('hello')").serve().await;
            for (app, body) in
                [(own, "hello"), (printed, "hello"), (early, "hello"), (service, "aaaaa")]
            {
                for call in [app.get("/"), app.get("/").http2()] {
                    let reply = call.send().await;
                    assert_eq!((reply.status.as_u16(), &*reply.text()), (200, body), "{set}");
                }
                let answer = app.raw(GET).await;
                let codings = answer.to_ascii_lowercase().matches("transfer-encoding:").count();
                let lengths = answer.to_ascii_lowercase().matches("content-length:").count();
                assert_eq!(codings + lengths, 1, "{set}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn no_setter_of_the_request_breaks_its_framing() {
    let setters = [
        "ngx.req.set_header('NAME', 'VALUE')",
        "kong.service.request.set_header('NAME', 'VALUE')",
        "kong.service.request.add_header('NAME', 'VALUE')",
        "kong.service.request.set_headers({ ['NAME'] = 'VALUE' })",
        "kong.service.request.clear_header('NAME')",
        "ngx.req.clear_header('NAME')",
        "require('ngx.req').add_header('NAME', 'VALUE')",
    ];
    for setter in setters {
        for (name, value) in [
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "3"),
            ("Content-Length", "300"),
            ("Connection", "content-length, close"),
            ("Trailer", "x-a"),
            ("TE", "gzip"),
        ] {
            let set = setter.replace("NAME", name).replace("VALUE", value);
            for source in [set.clone(), format!("ngx.req.read_body() {set}")] {
                let (app, early) = (App::access(&source).await, App::builder().rewrite(&source));
                let early = early.serve().await;
                for call in [app.post("/"), app.post("/").http2(), early.post("/")] {
                    let seen = call.body("hello").send().await.json();
                    assert_eq!(seen["body"], "hello", "{source}");
                    assert_eq!(seen["headers"]["content-length"], "5", "{source}");
                    assert!(seen["headers"].get("transfer-encoding").is_none(), "{source}");
                }
            }
        }
    }
}

#[tokio::test]
async fn functions_see_the_length_that_they_have_set() {
    let source = "ngx.req.set_header('Content-Length', 2048)
                  return kong.response.exit(200, ngx.var.http_content_length)";
    let answer = raw(App::builder().access(source), GET).await;
    assert!(answer.ends_with("2048"), "{answer}");
}

#[tokio::test]
async fn no_function_announces_another_response() {
    for source in [
        "return kong.response.exit(101)",
        "ngx.status = 103 ngx.say('x')",
        "kong.response.exit(100, 'body')",
    ] {
        let answer = raw(App::builder().access(source), GET).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{source}: {answer}");
    }
}
