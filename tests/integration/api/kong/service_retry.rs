//! `kong.service.set_target_retry_callback`: a function that says where to try again.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_lua::{Budget, Phase, RetryCallback};

use crate::support::{App, AppBuilder, Events};

/// A forwarder that cannot reach anything, and tells where it was to try again, three times.
async fn asking<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let callback = request.extensions().get::<RetryCallback>().cloned();
    let answers = (0..3).map(|_| match callback.as_ref().map(RetryCallback::call) {
        None => "no callback".to_owned(),
        Some(Ok(Some((host, port)))) => format!("{host}:{port}"),
        Some(Ok(None)) => "as before".to_owned(),
        Some(Err(error)) => error.to_string(),
    });
    Ok(Response::new(Full::from(answers.collect::<Vec<_>>().join(", "))))
}

async fn answers_of(builder: AppBuilder) -> String {
    let app = builder.serve_around(tower::service_fn(asking)).await;
    app.get("/").send().await.text()
}

/// What comes of asking a callback with this body.
async fn answers(callback: &str) -> String {
    let set = format!("kong.service.set_target_retry_callback(function() {callback} end)");
    answers_of(App::builder().access(&set)).await
}

#[tokio::test]
async fn each_answer_names_the_next_target() {
    let text = answers_of(App::builder().access(
        "local tries = 0
         kong.service.set_target_retry_callback(function()
           tries = tries + 1
           return 'host-' .. tries, 8000 + tries
         end)",
    ));
    assert_eq!(text.await, "host-1:8001, host-2:8002, host-3:8003");
}

#[tokio::test]
async fn it_may_set_the_target_itself_and_say_that_it_did() {
    let text = answers("kong.service.set_target('other.example', 81) return true");
    assert_eq!(text.await, "other.example:81, other.example:81, other.example:81");
}

#[tokio::test]
async fn without_a_target_the_request_goes_where_it_was_to_go() {
    assert_eq!(answers("return true").await, "as before, as before, as before");
    assert_eq!(answers("return 'a.example'").await, "as before, as before, as before");
}

#[tokio::test]
async fn no_answer_is_an_error_that_is_logged() {
    for (callback, expected) in [
        ("return nil, nil, 'no peers'", "retry handler failed: no peers"),
        ("return nil, 'no peers'", "retry handler failed: no peers"),
        ("", "retry handler failed: nil"),
        ("error('boom')", "boom"),
        ("ngx.sleep(1) return true", "retry handler failed: it cannot wait"),
        ("kong.response.exit(503)", "retry handler failed: it ended the request"),
    ] {
        let events = Events::capture();
        let text = answers(callback).await;
        assert_eq!(text.matches(expected).count(), 3, "{callback}: {text}");
        let logged = events.messages().join("\n");
        assert!(logged.contains(expected), "{callback}: {logged}");
    }
}

#[tokio::test]
async fn it_keeps_to_the_budget() {
    let short = Budget::default().call_time(std::time::Duration::from_millis(20));
    let set = "kong.service.set_target_retry_callback(function() while true do end end)";
    let text = answers_of(App::builder().budget(short).access(set)).await;
    assert!(text.contains("CPU budget exhausted"), "{text}");
}

#[tokio::test]
async fn it_sees_the_request_and_its_contexts() {
    let text = answers_of(
        App::builder()
            .access(
                "kong.ctx.shared.hosts = {'a', 'b', 'c'}
                 kong.service.set_target_retry_callback(function()
                   return table.remove(kong.ctx.shared.hosts, 1) .. kong.request.get_path(), 1
                 end)",
            )
            .post_function(Phase::HeaderFilter, "kong.ctx.shared.done = true"),
    );
    assert_eq!(text.await, "a/:1, b/:1, c/:1");
}

#[tokio::test]
async fn there_is_none_unless_a_function_sets_one() {
    let text = answers_of(App::builder().access("kong.service.set_target('a', 1)")).await;
    assert_eq!(text, "no callback, no callback, no callback");
}

#[tokio::test]
async fn when_the_request_has_been_answered_it_is_an_error() {
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None));
    let keep = std::sync::Arc::clone(&kept);
    let app = App::builder()
        .access("kong.service.set_target_retry_callback(function() return 'a', 1 end)")
        .serve_around(tower::service_fn(move |request: Request<_>| {
            *keep.lock().unwrap() = request.extensions().get::<RetryCallback>().cloned();
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
        }))
        .await;
    app.get("/").send().await;
    let callback = kept.lock().unwrap().take().unwrap();
    // Whether or not the transaction is still there, nothing breaks.
    let _ = callback.call();
    assert_eq!(app.get("/").send().await.status, 200);
}
