//! The request's method, version and age.

use http::Method;

use super::{assert_errors, assert_values};
use crate::support::App;

#[tokio::test]
async fn any_method_has_its_name() {
    for method in ["GET", "POST", "PATCH", "PURGE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let reply =
            App::eval_for("ngx.req.get_method()", |app| app.call(method.clone(), "/")).await;
        assert_eq!(reply.text(), method.as_str());
    }
}

#[tokio::test]
async fn the_service_gets_the_method_that_was_set() {
    for method in [
        "GET",
        "POST",
        "PUT",
        "DELETE",
        "MKCOL",
        "COPY",
        "MOVE",
        "OPTIONS",
        "PROPFIND",
        "PROPPATCH",
        "LOCK",
        "UNLOCK",
        "PATCH",
        "TRACE",
    ] {
        let app = App::access(&format!("ngx.req.set_method(ngx.HTTP_{method})")).await;
        assert_eq!(app.get("/").send().await.json()["method"], method);
    }
}

#[tokio::test]
async fn later_functions_see_the_method_that_was_set() {
    let source = "(function() ngx.req.set_method(ngx.HTTP_PUT) return ngx.req.get_method(), \
                  ngx.var.request_method end)()";
    assert_values(&[(source, "PUT, PUT")]).await;
}

#[tokio::test]
async fn what_is_no_method_is_refused() {
    assert_errors(&[
        ("ngx.req.set_method()", "bad method number"),
        ("ngx.req.set_method('POST')", "bad method number"),
        ("ngx.req.set_method(3)", "unsupported HTTP method: 3"),
        ("ngx.req.set_method(65536)", "unsupported HTTP method: 65536"),
        ("ngx.req.set_method(-2)", "unsupported HTTP method: -2"),
    ])
    .await;
}

#[tokio::test]
async fn the_version_is_a_number() {
    let source = "ngx.req.http_version(), type(ngx.req.http_version())";
    assert_eq!(App::eval(source).await, "1.1, number");
    let reply = App::eval_for(source, |app| app.get("/").http2()).await;
    assert_eq!(reply.text(), "2, number");
}

#[tokio::test]
async fn a_request_has_begun_before_now_and_only_once() {
    let app = App::builder()
        .access("ngx.ctx.start = ngx.req.start_time() ngx.sleep(0.002)")
        .log(
            "local start = ngx.req.start_time()
             require('recorder')(start == ngx.ctx.start, start < ngx.now())",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["true true"]);
}

#[tokio::test]
async fn a_request_is_internal_once_it_has_another_path() {
    let source = "ngx.req.is_internal(), (function() ngx.req.set_uri('/other') \
                  return ngx.req.is_internal() end)()";
    assert_eq!(App::eval(source).await, "false, true");
}
