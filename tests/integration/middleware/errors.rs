//! What becomes of failures: of functions, of the service, of bodies.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_lua::{
    Connection, DebugResponseForError, Error, FailedRequest, Functions, Phase, Plugin,
    PreFunctionLayer, RequestId, Runtime,
};

use crate::support::{App, Events};

#[tokio::test]
async fn an_error_of_the_service_passes_unchanged() {
    #[derive(Debug, PartialEq)]
    struct Down(u8);

    let functions = Functions::builder("all")
        .function(Phase::Access, "ngx.sleep(0)")
        .function(Phase::HeaderFilter, "")
        .build()
        .unwrap();
    let service = PreFunctionLayer::new(functions)
        .layer(service_fn(|_: Request<_>| async { Err::<Response<Full<Bytes>>, _>(Down(7)) }));
    let error = service.oneshot(Request::new(Empty::<Bytes>::new())).await.unwrap_err();
    assert_eq!(error, Down(7));
}

#[tokio::test]
async fn a_failing_function_is_a_500_with_kongs_json() {
    for source in ["error('boom')", "local x = nil; return x.y", "kong.request.get_header()"] {
        let reply = App::access(source).await.get("/").send().await;
        assert_eq!(reply.status, 500, "{source}");
        assert_eq!(reply.header("content-type"), "application/json; charset=utf-8");
        let body = reply.json();
        assert_eq!(body["message"], "An unexpected error occurred");
        assert_eq!(body["request_id"].as_str().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn the_answer_to_a_failure_is_in_the_format_that_the_client_accepts() {
    let app = App::access("error('boom')").await;
    for (accept, content_type, start) in [
        ("text/html", "text/html; charset=utf-8", "<!doctype html>"),
        ("application/xml", "application/xml; charset=utf-8", "<?xml"),
        ("text/plain", "text/plain; charset=utf-8", "An unexpected error occurred\n"),
        ("text/plain;q=0.5, text/html;q=0.9", "text/html; charset=utf-8", "<!doctype html>"),
        ("image/png", "application/json; charset=utf-8", "{"),
    ] {
        let reply = app.get("/").header("accept", accept).send().await;
        assert_eq!(reply.header("content-type"), content_type, "{accept}");
        assert!(reply.text().starts_with(start), "{accept}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_client_on_the_machine_may_be_told_what_lua_says() {
    let functions = Functions::access("secretive", "error('a secret')").unwrap();
    let layer = PreFunctionLayer::new(functions).response_for_error(DebugResponseForError);
    let service = layer.layer(service_fn(async |_: Request<_>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let told = async |peer: Option<&str>| {
        let mut request = Request::new(Empty::<Bytes>::new());
        if let Some(peer) = peer {
            request.extensions_mut().insert(Connection::new(peer.parse().unwrap()));
        }
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["message"], "An unexpected error occurred");
        body["error"].as_str().is_some_and(|error| error.ends_with(":1: a secret"))
            && body["traceback"].as_str().is_some_and(|traceback| traceback.contains("'error'"))
    };
    for peer in ["127.0.0.1:50123", "[::1]:50123", "[::ffff:127.0.0.1]:50123"] {
        assert!(told(Some(peer)).await, "{peer}");
    }
    for peer in [Some("192.0.2.7:50123"), Some("[2001:db8::1]:50123"), None] {
        assert!(!told(peer).await, "{peer:?}");
    }
}

#[tokio::test]
async fn whoever_asks_is_told_of_each_failure_whatever_becomes_of_the_request() {
    let (tell, told) = std::sync::mpsc::channel();
    let runtime = Runtime::builder().failed(move |error: &Error| {
        let what = (error.phase(), error.function_index(), error.lua_message().unwrap());
        tell.send((error.function_set_id(), error.plugin(), what)).unwrap();
    });
    let functions = Functions::builder("open")
        .function(Phase::Access, "local ok = true")
        .function(Phase::Access, "error({})")
        .fail_open(true)
        .build()
        .unwrap();
    let id = functions.id();
    let layer = PreFunctionLayer::new(functions).runtime(&runtime.build().unwrap());
    let service = layer.layer(service_fn(async |_: Request<_>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let response = service.oneshot(Request::new(Empty::<Bytes>::new())).await.unwrap();
    assert_eq!(response.status(), 200);
    let (set, plugin, (phase, index, message)) = told.try_recv().unwrap();
    assert_eq!((set, plugin), (Some(id), Some(Plugin::PreFunction)));
    assert_eq!((phase, index), (Some(Phase::Access), Some(2)));
    assert!(message.contains("table"), "{message}");
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_failure_in_any_phase_before_the_head_is_sent_is_a_clean_500() {
    for phase in [Phase::Rewrite, Phase::Access, Phase::HeaderFilter] {
        let app = App::builder().function(phase, "error('boom')").serve().await;
        let reply = app.get("/").send().await;
        assert_eq!(reply.status, 500, "{phase}");
        assert!(!reply.headers.contains_key("x-service"), "{phase}");
        assert_eq!(reply.json()["message"], "An unexpected error occurred", "{phase}");
    }
}

#[tokio::test]
async fn a_failure_in_body_filter_breaks_the_body_off() {
    let app = App::builder().body_filter("error('boom')").serve().await;
    let error = app.get("/").try_send().await.unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[tokio::test]
async fn a_failure_in_log_hurts_nobody() {
    let app = App::builder().log("error('boom')").serve().await;
    for _ in 0..3 {
        assert_eq!(app.get("/").send().await.status, 200);
    }
}

#[tokio::test]
async fn an_application_can_answer_failures_itself() {
    let functions = Functions::access("broken", "local x = nil\nx()").unwrap();
    let layer = PreFunctionLayer::new(functions).response_for_error(
        |error: &Error, request: &FailedRequest<'_>| {
            assert!(error.is_runtime());
            assert_eq!(error.function_set(), Some("broken"));
            assert_eq!(error.phase(), Some(Phase::Access));
            assert_eq!(error.position().unwrap().1, 2);
            let body = format!("{} failed", request.method());
            Response::builder().status(503).header("retry-after", "1").body(body.into()).unwrap()
        },
    );
    let service = layer.layer(service_fn(|_: Request<_>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let Ok(response) = service.oneshot(Request::new(Empty::<Bytes>::new())).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "GET failed");
}

#[tokio::test]
async fn a_request_body_that_breaks_off_is_an_error_message_for_the_function() {
    use crate::support::serve;

    let source = r#"local body, err = kong.request.get_raw_body()
        kong.response.exit(400, tostring(body) .. ": " .. tostring(err))"#;
    let layer = PreFunctionLayer::new(Functions::access("read", source).unwrap());
    let addr = serve(layer.layer(crate::support::echo())).await;
    let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let request = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nnot a chunk\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut reply).await.unwrap();
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.ends_with("nil: request body could not be read"), "{reply}");
}

#[tokio::test]
async fn bad_values_from_lua_are_errors_in_the_right_place_and_harm_nothing() {
    for (source, expected) in [
        ("kong.response.set_status(42)", "code must be a number between 100 and 599"),
        ("kong.response.exit(42)", "code must be a number between 100 and 599"),
        (
            "kong.response.set_header('x-long', string.rep('a', 2 ^ 20))",
            "header value too long: 1048576 bytes (limit: 131072)",
        ),
        ("kong.response.set_header('', 'a')", "header name must not be empty"),
        (
            "kong.service.request.set_path('/' .. string.rep('a', 100000))",
            "invalid path: uri too long",
        ),
    ] {
        let app = App::access(&format!(
            "local ok, err = pcall(function() {source} end) kong.response.exit(200, err)"
        ))
        .await;
        assert_eq!(app.get("/").send().await.text(), expected, "{source}");
    }
}

#[tokio::test]
async fn a_line_break_in_a_header_value_cannot_start_a_new_header() {
    let app = App::builder()
        .access(r#"kong.service.request.set_header("x-a", "1\r\nx-b: 2")"#)
        .header_filter(r#"kong.response.set_header("x-c", "1\r\nx-d: 2") ngx.header["x-e"] = "\n""#)
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.json()["headers"]["x-a"], "1%0D%0Ax-b: 2");
    assert_eq!(reply.header("x-c"), "1%0D%0Ax-d: 2");
    assert_eq!(reply.header("x-e"), "%0A");
    assert!(!reply.headers.contains_key("x-d"));
}

#[tokio::test]
async fn headers_that_are_no_text_reach_functions_as_their_bytes() {
    let app = App::access(
        r#"local value = kong.request.get_header("x-bytes")
        kong.response.exit(200, tostring(#value) .. ": " .. value:byte(2))"#,
    )
    .await;
    let reply = app.get("/").header("x-bytes", [b'a', 0xff, b'b']).send().await;
    assert_eq!(reply.text(), "3: 255");
}

#[tokio::test]
async fn a_grpc_call_gets_its_error_as_trailers_alone() {
    for source in ["error('boom')", "ngx.header.x = 1 local x = nil + 1"] {
        let app = App::access(source).await;
        let call = app.post("/").http2().header("content-type", "application/grpc+proto");
        let reply = call.body("x").send().await;
        assert_eq!((reply.status.as_u16(), &*reply.text()), (200, ""), "{source}");
        assert_eq!(reply.header("content-type"), "application/grpc");
        assert_eq!((reply.header("grpc-status"), reply.header("grpc-message")), ("13", "Internal"));
        // Over HTTP/1 it cannot be gRPC.
        let reply = app.post("/").header("content-type", "application/grpc").send().await;
        assert_eq!(reply.status, 500);
    }
    let app = App::builder().header_filter("error('boom')").serve().await;
    let call = app.post("/").http2().header("content-type", "application/grpc");
    let reply = call.send().await;
    assert_eq!((reply.status.as_u16(), reply.header("grpc-status")), (200, "13"));
}

#[tokio::test]
async fn a_failed_request_has_one_id_for_the_log_the_service_and_whoever_answers() {
    let events = Events::capture();
    let functions = Functions::builder("failing")
        .function(Phase::Access, "kong.log.err('passing')")
        .function(Phase::HeaderFilter, "error('boom')")
        .build()
        .unwrap();
    let (asked, mut served) = tokio::sync::mpsc::unbounded_channel();
    let service = PreFunctionLayer::new(functions)
        .response_for_error(|_: &Error, request: &FailedRequest<'_>| {
            Response::builder().status(500).body(request.id().to_owned().into()).unwrap()
        })
        .layer(service_fn(move |request: Request<_>| {
            let id = request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned());
            asked.send(id).unwrap();
            async { Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default())) }
        }));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let Ok(response) = service.clone().oneshot(Request::new(Empty::<Bytes>::new())).await;
        let answered = response.into_body().collect().await.unwrap().to_bytes();
        let id = served.recv().await.unwrap().unwrap();
        assert_eq!(answered, id);
        ids.push(id);
    }
    let logged: Vec<_> =
        events.all().iter().map(|event| event.field("request_id").to_owned()).collect();
    assert_eq!(logged, [&*ids[0], &*ids[0], &*ids[1], &*ids[1]]);
    assert_ne!(ids[0], ids[1]);
}
