//! Functions that run before the route is known, and what they leave for those after.

use crate::support::{Gateway, echo_upstream};

#[tokio::test]
async fn a_path_for_the_service_that_is_set_in_rewrite_does_not_change_the_route() {
    let functions = [
        "kong.service.request.set_path('/elsewhere') ngx.req.set_uri_args('b=2')",
        "kong.response.set_header('x-seen', ngx.var.uri .. ' ' .. ngx.var.upstream_uri)",
    ];
    let file = format!(
        r#"
_format_version: "3.0"
plugins:
  - name: pre-function
    config: {{ rewrite: ["{}"], access: ["{}"] }}
services:
  - url: http://{}/base
    routes: [{{ paths: [/shop] }}]
"#,
        functions[0],
        functions[1],
        echo_upstream().await
    );
    let reply = Gateway::of_file(&file).get("/shop/cart?a=1").send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("x-seen"), "/shop/cart /elsewhere");
    assert_eq!(reply.json()["uri"], "/elsewhere?b=2", "{}", reply.text());
}

#[tokio::test]
async fn what_a_global_function_answers_in_rewrite_passes_the_other_global_functions() {
    let file = r#"
_format_version: "3.0"
plugins:
  - name: pre-function
    config:
      rewrite: ["kong.ctx.shared.seen = 'rewrite' kong.response.exit(200, 'early')"]
      header_filter: ["kong.response.set_header('x-pre', kong.ctx.shared.seen)"]
      body_filter: ["if ngx.arg[1] ~= '' then ngx.arg[1] = ngx.arg[1] .. ' pre' end"]
      log: ["kong.log.err('logged by pre')"]
  - name: post-function
    config:
      header_filter: ["kong.response.set_header('x-post', kong.response.get_source())"]
      body_filter: ["if ngx.arg[1] ~= '' then ngx.arg[1] = ngx.arg[1] .. ' post' end"]
"#;
    let gateway = Gateway::of_file(file);
    let reply = gateway.get("/nowhere").send().await;
    assert_eq!((reply.status.as_u16(), &*reply.text()), (200, "early pre post"));
    assert_eq!((reply.header("x-pre"), reply.header("x-post")), ("rewrite", "exit"));
    gateway.logged("logged by pre");
}

/// A gateway with a route `/x` to a service under `/base`, and pre-functions.
async fn under_base(functions: &str) -> Gateway {
    let upstream = echo_upstream().await;
    Gateway::of_file(&format!(
        r#"
_format_version: "3.0"
services:
  - url: http://{upstream}/base
    routes: [{{ paths: [/x] }}]
    plugins:
      - name: pre-function
        config: {{ {functions} }}
"#
    ))
}

#[tokio::test]
async fn functions_know_the_path_that_the_router_has_chosen() {
    let appends = r#"access: ["ngx.var.upstream_uri = ngx.var.upstream_uri .. '/more'"]"#;
    let reply = under_base(appends).await.get("/x/y?z=1").send().await;
    assert_eq!(reply.json()["uri"], "/base/y/more?z=1", "{}", reply.text());
}

#[tokio::test]
async fn the_log_has_the_uri_that_the_service_got() {
    let logs = r#"log: ["kong.log.err('went to ', kong.log.serialize().upstream_uri, ';')"]"#;
    let gateway = under_base(logs).await;
    assert_eq!(gateway.get("/x/y?z=1").send().await.json()["uri"], "/base/y?z=1");
    gateway.logged("went to /base/y?z=1;");
}

#[tokio::test]
async fn functions_know_the_path_that_the_router_has_chosen_for_another_one() {
    for leads in ["ngx.req.set_uri('/x/y')", "ngx.req.set_uri('/x/y', true)", "ngx.exec('/x/y')"] {
        let upstream = echo_upstream().await;
        let gateway = Gateway::of_file(&format!(
            r#"
_format_version: "3.0"
plugins:
  - name: pre-function
    config: {{ rewrite: ["{leads}"] }}
services:
  - url: http://{upstream}/base
    routes: [{{ paths: [/x] }}]
    plugins:
      - name: pre-function
        config:
          access: ["ngx.var.upstream_uri = ngx.var.upstream_uri .. '/more'"]
      - name: post-function
        config:
          access: ["kong.response.set_header('x-seen', ngx.var.upstream_uri)"]
"#
        ));
        let reply = gateway.get("/old?z=1").send().await;
        assert_eq!(reply.header("x-seen"), "/base/y/more", "{leads}");
        let query = if leads.contains("exec") { "" } else { "?z=1" };
        assert_eq!(reply.json()["uri"], format!("/base/y/more{query}"), "{leads}");
    }
}

#[tokio::test]
async fn what_is_set_in_rewrite_and_in_access_comes_together() {
    let path = "kong.service.request.set_path('/p')";
    for (rewrite, access, uri) in [
        (path, "local _", "/p?a=1"),
        (path, "ngx.req.set_uri_args('b=2')", "/p?b=2"),
        (path, "ngx.req.set_uri_args('')", "/p"),
        (path, "kong.service.request.set_path('/q')", "/q?a=1"),
        ("ngx.var.upstream_uri = '/p?own=1'", "ngx.req.set_uri_args('b=2')", "/p?own=1"),
        ("ngx.req.set_uri_args('b=2')", "kong.service.request.set_path('/q')", "/q?b=2"),
    ] {
        let upstream = echo_upstream().await;
        let gateway = Gateway::of_file(&format!(
            r#"
_format_version: "3.0"
plugins:
  - name: pre-function
    config: {{ rewrite: ["{rewrite}"], access: ["{access}"] }}
services:
  - url: http://{upstream}/base
    routes: [{{ paths: [/x] }}]
"#
        ));
        assert_eq!(gateway.get("/x?a=1").send().await.json()["uri"], uri, "{rewrite} {access}");
    }
}
