//! `kong.service`: which service a request goes to, and how.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_lua::{Phase, Timeouts, Upstream};

use crate::support::{App, AppBuilder};

/// What a forwarder is told: all that it was asked, in the words of Rust.
async fn told<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut told = Vec::new();
    if let Some(upstream) = request.extensions().get::<Upstream>() {
        told.extend(upstream.target().map(|target| format!("target {target:?}")));
        told.extend(upstream.name().map(|name| format!("name {name}")));
        told.extend(upstream.retries().map(|retries| format!("retries {retries}")));
        told.extend(upstream.timeouts().map(|Timeouts { connect, send, read }| {
            format!("timeouts {connect:?} {send:?} {read:?}")
        }));
        told.extend(upstream.tls_verify().map(|on| format!("verify {on}")));
        told.extend(upstream.tls_verify_depth().map(|depth| format!("depth {depth}")));
    }
    Ok(Response::new(Full::from(told.join(", "))))
}

async fn told_by(builder: AppBuilder) -> String {
    let app = builder.serve_around(tower::service_fn(told)).await;
    app.get("/").send().await.text()
}

/// What a forwarder is told after `source` has run in `access`, with `service` for `kong.service`.
async fn told_after(source: &str) -> String {
    told_by(App::builder().access(&format!("local service = kong.service {source}"))).await
}

#[tokio::test]
async fn the_forwarder_is_told_what_functions_ask_for() {
    for (source, expected) in [
        ("", ""),
        ("service.set_target('service.example', 8080)", r#"target ("service.example", 8080)"#),
        ("service.set_target('::1', 65535)", r#"target ("::1", 65535)"#),
        ("service.set_target('', 0)", r#"target ("", 0)"#),
        ("service.set_upstream('canary')", "name canary"),
        ("service.set_retries(0)", "retries 0"),
        ("service.set_retries(32767)", "retries 32767"),
        ("service.set_timeouts(1, 2500, 2147483646)", "timeouts 1ms 2.5s 2147483.646s"),
        ("service.set_tls_verify(true)", "verify true"),
        ("service.set_tls_verify(false)", "verify false"),
        ("service.set_tls_verify_depth(3)", "depth 3"),
        ("service.set_tls_verify_depth(1.9)", "depth 1"),
        (
            "service.set_target('a', 1) service.set_retries(2) service.set_tls_verify(true)",
            r#"target ("a", 1), retries 2, verify true"#,
        ),
    ] {
        assert_eq!(told_after(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn the_last_destination_counts() {
    for (source, expected) in [
        ("service.set_target('a', 1) service.set_target('b', 2)", r#"target ("b", 2)"#),
        ("service.set_upstream('a') service.set_target('b', 2)", r#"target ("b", 2)"#),
        ("service.set_target('a', 1) service.set_upstream('b')", "name b"),
        ("service.set_target('a', 1) pcall(service.set_target, 'b', 'c')", r#"target ("a", 1)"#),
    ] {
        assert_eq!(told_after(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn the_application_may_say_which_upstreams_there_are() {
    let source = "for _, name in ipairs({ 'canary', 'missing' }) do
          local ok, err = kong.service.set_upstream(name)
          require('recorder')(tostring(ok), tostring(err))
        end";
    let app = App::builder()
        .runtime(|runtime| runtime.upstreams(|name| name == "canary"))
        .access(source)
        .serve_around(tower::service_fn(told))
        .await;
    assert_eq!(app.get("/").send().await.text(), "name canary");
    let unknown = "nil could not find an Upstream named 'missing'";
    assert_eq!(app.recorder.entries(), ["true nil", unknown]);
}

#[tokio::test]
async fn the_functions_of_both_plugins_and_phases_come_together() {
    let builder = App::builder()
        .rewrite("kong.service.set_target('rewrite', 1) kong.service.set_tls_verify(true)")
        .access("kong.service.set_retries(1) kong.service.set_timeouts(1, 1, 1)")
        .post_function(
            Phase::Access,
            "kong.service.set_target('post', 2) kong.service.set_retries(2)",
        );
    let told = told_by(builder).await;
    assert_eq!(told, r#"target ("post", 2), retries 2, timeouts 1ms 1ms 1ms, verify true"#);
}

#[tokio::test]
async fn a_request_that_ends_early_needs_no_target() {
    let source = "kong.service.set_target('a', 1) kong.response.exit(204)";
    assert_eq!(App::access(source).await.get("/").send().await.status, 204);
}

#[tokio::test]
async fn functions_are_answered_as_in_kong() {
    for (call, answer) in [
        ("set_target('a', 1)", "0"),
        ("set_retries(1)", "0"),
        ("set_timeouts(1, 1, 1)", "0"),
        ("set_upstream('a')", "1 true"),
        ("set_tls_verify(true)", "1 true"),
        ("set_tls_verify_depth(1)", "1 true"),
    ] {
        let source = format!(
            "(function(...) return select('#', ...) .. (... and ' ' .. tostring(...) or '') end)\
             (kong.service.{call})"
        );
        assert_eq!(App::eval(&source).await, answer, "{call}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (call, message) in [
        ("set_upstream", "host must be a string"),
        ("set_upstream, 127001", "host must be a string"),
        ("set_target", "host must be a string"),
        ("set_target, 127001, 123", "host must be a string"),
        ("set_target, 'a'", "port must be an integer"),
        ("set_target, 'a', '80'", "port must be an integer"),
        ("set_target, 'a', 80.5", "port must be an integer"),
        ("set_target, 'a', 0/0", "port must be an integer"),
        ("set_target, 'a', -1", "port must be an integer between 0 and 65535: given -1"),
        ("set_target, 'a', 70000", "port must be an integer between 0 and 65535: given 70000"),
        ("set_target, 'a', 1/0", "port must be an integer between 0 and 65535: given inf"),
        ("set_target_retry_callback", "retry_callback must be a function"),
        ("set_target_retry_callback, 'a'", "retry_callback must be a function"),
        ("set_retries", "retries must be an integer"),
        ("set_retries, '1'", "retries must be an integer"),
        ("set_retries, 1.5", "retries must be an integer"),
        ("set_retries, -1", "retries must be an integer between 0 and 32767: given -1"),
        ("set_retries, 32768", "retries must be an integer between 0 and 32767: given 32768"),
        ("set_timeouts", "connect_timeout must be an integer"),
        ("set_timeouts, 1", "write_timeout must be an integer"),
        ("set_timeouts, 1, 1", "read_timeout must be an integer"),
        ("set_timeouts, 1, 1, '1'", "read_timeout must be an integer"),
        ("set_timeouts, 0.5, 1, 1", "connect_timeout must be an integer"),
        (
            "set_timeouts, 0, 1, 1",
            "connect_timeout must be an integer between 1 and 2147483646: given 0",
        ),
        (
            "set_timeouts, 1, 2147483647, 1",
            "write_timeout must be an integer between 1 and 2147483646: given 2147483647",
        ),
        (
            "set_timeouts, 1, 1, -5",
            "read_timeout must be an integer between 1 and 2147483646: given -5",
        ),
        ("set_tls_cert_key", "chain must be a parsed cdata object"),
        ("set_tls_cert_key, 'PEM', 'PEM'", "chain must be a parsed cdata object"),
        ("set_tls_verify", "argument must be a boolean"),
        ("set_tls_verify, 1", "argument must be a boolean"),
        ("set_tls_verify_depth", "argument must be a number"),
        ("set_tls_verify_depth, '1'", "argument must be a number"),
        ("set_tls_verify_depth, -1", "depth expects a non-negative integer but found -1"),
        ("set_tls_verify_store", "argument must be a resty.openssl.x509.store object"),
        (
            "set_tls_verify_store, {}",
            "store expects a resty.openssl.x509.store object but found table",
        ),
    ] {
        let source = format!("select(2, pcall(kong.service.{call}))");
        assert_eq!(App::eval(&source).await, message, "{call}");
    }
}
