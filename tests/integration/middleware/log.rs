//! The `log` phase: once, at the very end, whatever the end is.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_lua::{Functions, Phase, PreFunctionLayer, Runtime};

use crate::support::{App, Chunks, Events, Recorder};

const NOTE: &str = r#"require("recorder")("log", ngx.status, kong.response.get_source())"#;

/// A layer that notes the status and the source of each response in its log phase.
fn noting(access: &str) -> (Recorder, PreFunctionLayer, Runtime) {
    let recorder = Recorder::default();
    let runtime = recorder.register(Runtime::builder().vms(1)).build().unwrap();
    let functions = Functions::builder("test")
        .function(Phase::Access, access)
        .function(Phase::Log, NOTE)
        .build()
        .unwrap();
    let layer = PreFunctionLayer::new(functions).runtime(&runtime);
    (recorder, layer, runtime)
}

fn request() -> Request<Empty<Bytes>> {
    Request::new(Empty::new())
}

#[tokio::test]
async fn log_runs_after_the_last_byte_of_the_body() {
    let (recorder, layer, _) = noting("");
    let service = layer.layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(Chunks::new(2, 5)))
    }));
    let Ok(response) = service.oneshot(request()).await;
    let mut body = response.into_body();
    while body.frame().await.is_some() {
        assert!(recorder.entries().is_empty());
    }
    drop(body);
    assert_eq!(recorder.entries(), ["log 200 service"]);
}

#[tokio::test]
async fn log_runs_when_a_client_gives_up_on_the_body() {
    let (recorder, layer, _) = noting("");
    let service = layer.layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(Chunks::new(1000, 5)))
    }));
    let Ok(response) = service.oneshot(request()).await;
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(recorder.entries(), ["log 200 service"]);
}

#[tokio::test]
async fn log_runs_with_status_499_when_a_client_gives_up_before_there_is_a_response() {
    let (recorder, layer, _) = noting("");
    let service = layer.layer(service_fn(|_: Request<_>| async {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let mut future = Box::pin(service.oneshot(request()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert!(recorder.entries().is_empty());
    drop(future);
    assert_eq!(recorder.entries(), ["log 499 error"]);
}

#[tokio::test]
async fn log_runs_when_a_client_gives_up_while_a_function_waits() {
    let (recorder, layer, runtime) = noting("ngx.sleep(3600)");
    let service = layer.layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let mut future = Box::pin(service.oneshot(request()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert_eq!(runtime.stats().suspended, 1);
    drop(future);
    assert_eq!(recorder.entries(), ["log 499 error"]);
    assert_eq!(runtime.stats().suspended, 0);
}

#[tokio::test]
async fn log_sees_an_exit_an_error_and_a_service_that_failed() {
    for (access, service_fails, expected) in [
        ("kong.response.exit(403)", false, "log 403 exit"),
        ("error('boom')", false, "log 500 error"),
        ("ngx.exit(418)", false, "log 418 error"),
        ("", true, "log 502 error"),
    ] {
        let (recorder, layer, _) = noting(access);
        let service = layer.layer(service_fn(move |_: Request<_>| async move {
            if service_fails {
                return Err(BoxError::from("down"));
            }
            Ok(Response::new(Full::<Bytes>::default()))
        }));
        if let Ok(response) = service.oneshot(request()).await {
            response.into_body().collect().await.unwrap();
        }
        assert_eq!(recorder.entries(), [expected], "{access}");
    }
}

#[tokio::test]
async fn log_runs_once_over_http_when_the_connection_breaks_in_the_middle() {
    let app = App::builder()
        .log(NOTE)
        .serve_around(service_fn(|_: Request<_>| async {
            Ok::<_, Infallible>(Response::new(Chunks::new(1 << 20, 1 << 16)))
        }))
        .await;
    let mut stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut stream, request).await.unwrap();
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut [0; 1000]).await.unwrap();
    drop(stream);
    assert_eq!(app.recorder.wait_for(1).await, ["log 200 service"]);
}

#[tokio::test]
async fn log_knows_how_much_was_sent() {
    let app = App::builder()
        .log(r#"require("recorder")(ngx.var.body_bytes_sent, ngx.var.status)"#)
        .access(r#"kong.response.exit(201, "12345")"#)
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["5 201"]);
}

#[tokio::test]
async fn no_more_than_1024_log_functions_of_a_vm_wait() {
    let events = Events::capture();
    let runtime = Runtime::builder().vms(1).build().unwrap();
    let functions = Functions::builder("patient").function(Phase::Log, "ngx.sleep(3600)");
    let layer = PreFunctionLayer::new(functions.build().unwrap()).runtime(&runtime);
    let service = layer.layer(service_fn(|_: Request<_>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    for _ in 0..1030 {
        let Ok(_) = service.clone().oneshot(request()).await;
    }
    assert_eq!(runtime.stats().suspended, 1024);
    let said = "patient: function 1 of log was given up: there are 1024 of its kind already";
    assert_eq!(events.messages().iter().filter(|message| *message == said).count(), 6);
}
