//! Which route a request takes, and which functions run for it.

use http::Method;

use crate::support::{Gateway, Start, echo_upstream};

/// A gateway over an echo service, with `rest` of a file.
async fn gateway(service: &str, rest: &str) -> Gateway {
    let upstream = echo_upstream().await;
    Gateway::of_file(&format!(
        r#"
_format_version: "3.0"
services:
  - name: echo
    url: http://{upstream}
{service}
{rest}
"#
    ))
}

/// A plugin that appends its name to the header `x-ran`, in the phase `phase`.
fn trace(name: &str, phase: &str) -> String {
    format!("{{ {phase}: ['kong.service.request.add_header(\"x-ran\", \"{name}\")'] }}")
}

#[tokio::test]
async fn the_longest_path_wins() {
    let gateway = gateway(
        "    routes:
      - { name: short, paths: [/a], plugins: [{ name: pre-function, config: { access: ['kong.response.exit(200, \"short\")'] } }] }
      - { name: long, paths: [/a/b], plugins: [{ name: pre-function, config: { access: ['kong.response.exit(200, \"long\")'] } }] }",
        "",
    )
    .await;
    assert_eq!(gateway.get("/a/x").send().await.text(), "short");
    assert_eq!(gateway.get("/a/b/x").send().await.text(), "long");
    assert_eq!(gateway.get("/a/./x/../b").send().await.text(), "long");
    assert_eq!(gateway.get("/b").send().await.status, 404);
}

#[tokio::test]
async fn hosts_and_methods_are_matched() {
    let gateway = gateway(
        "    routes:
      - { paths: [/], hosts: [shop.example], plugins: [{ name: pre-function, config: { access: ['kong.response.exit(200, \"shop\")'] } }] }
      - { paths: [/], methods: [POST], plugins: [{ name: pre-function, config: { access: ['kong.response.exit(200, \"post\")'] } }] }",
        "",
    )
    .await;
    assert_eq!(gateway.get("/").header("host", "Shop.Example:80").send().await.text(), "shop");
    assert_eq!(gateway.call(Method::POST, "/").send().await.text(), "post");
    assert_eq!(gateway.get("/").send().await.status, 404);
}

#[tokio::test]
async fn the_matched_path_is_stripped_unless_the_route_keeps_it() {
    let gateway = gateway(
        "    routes:
      - { paths: [/strip] }
      - { paths: [/keep], strip_path: false }",
        "",
    )
    .await;
    assert_eq!(gateway.get("/strip/a?b=c").send().await.json()["uri"], "/a?b=c");
    assert_eq!(gateway.get("/keep/a?b=c").send().await.json()["uri"], "/keep/a?b=c");
}

#[tokio::test]
async fn the_most_specific_configuration_of_a_plugin_runs() {
    let gateway = gateway(
        &format!(
            "    routes:
      - {{ name: own, paths: [/own], plugins: [{{ name: pre-function, config: {} }}] }}
      - {{ name: disabled, paths: [/disabled], plugins: [{{ name: pre-function, enabled: false, config: {} }}] }}
      - {{ name: named, paths: [/named] }}
    plugins: [{{ name: pre-function, config: {} }}]",
            trace("route", "access"),
            trace("disabled", "access"),
            trace("service", "access"),
        ),
        &format!(
            "plugins:
  - {{ name: pre-function, config: {} }}
  - {{ name: post-function, config: {} }}
  - {{ name: pre-function, route: named, config: {} }}",
            trace("global", "access"),
            trace("post", "access"),
            trace("by name", "access"),
        ),
    )
    .await;
    for (path, wanted) in
        [("/own", "route|post"), ("/disabled", "service|post"), ("/named", "by name|post")]
    {
        assert_eq!(gateway.get(path).send().await.json()["headers"]["x-ran"], wanted, "{path}");
    }
}

#[tokio::test]
async fn rewrite_runs_for_global_plugins_alone() {
    let gateway = gateway(
        &format!(
            "    routes: [{{ paths: [/] }}]
    plugins: [{{ name: pre-function, config: {} }}]",
            trace("service", "rewrite")
        ),
        &format!("plugins: [{{ name: post-function, config: {} }}]", trace("global", "rewrite")),
    )
    .await;
    assert_eq!(gateway.get("/").send().await.json()["headers"]["x-ran"], "global");
}

#[tokio::test]
async fn without_a_route_global_functions_see_the_response_and_access_does_not_run() {
    let gateway = gateway(
        "    routes: [{ paths: [/there] }]",
        r#"plugins:
  - name: pre-function
    config:
      access: ['kong.response.exit(200, "access ran")']
      header_filter: ['kong.response.set_header("x-seen", kong.response.get_status())']"#,
    )
    .await;
    let reply = gateway.get("/elsewhere").send().await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["message"], "no Route matched with those values");
    assert_eq!(reply.header("x-seen"), "404");
}

#[tokio::test]
async fn a_route_at_top_level_belongs_to_the_service_it_names() {
    let upstream = echo_upstream().await;
    let file = format!(
        r#"{{"_format_version": "3.0",
            "services": [{{"name": "echo", "url": "http://{upstream}/base"}}],
            "routes": [{{"paths": ["/"], "service": {{"name": "echo"}}}}]}}"#
    );
    let gateway = Start::of_file(&file).serving();
    assert_eq!(gateway.get("/x").send().await.json()["uri"], "/base/x");
}
