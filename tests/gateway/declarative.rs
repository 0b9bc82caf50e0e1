//! Files in Kong's declarative format, and what is said of those that are not.

use crate::support::{Gateway, Start, echo_upstream};

/// What the gateway says of a file that it does not take.
fn refusal(kong_yml: &str) -> String {
    let (code, said) = Start::of_file(kong_yml).ending();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("gateway: ") && !said.contains("panicked"), "{said}");
    said
}

/// A file with one plugin, whose configuration is `config`.
fn with_config(config: &str) -> String {
    format!(
        r#"
_format_version: "3.0"
services:
  - name: shop
    url: http://127.0.0.1:1
    routes: [{{ name: all, paths: [/] }}]
    plugins: [{{ name: pre-function, config: {config} }}]
"#
    )
}

#[tokio::test]
async fn a_file_as_kongs_documentation_has_it_is_served() {
    let upstream = echo_upstream().await;
    let gateway = Gateway::of_file(&format!(
        r#"
_format_version: "3.0"
_transform: true

services:
  - name: example-service
    url: http://{upstream}/base
    tags: [example]
    routes:
      - name: example-route
        paths:
          - /example
    plugins:
      - name: post-function
        config:
          access:
            - |
              kong.service.request.set_header("x-one", "1")
            - |
              return function()
                kong.service.request.set_header("x-two", "2")
              end
"#
    ));
    let seen = gateway.get("/example/path?q=1").send().await.json();
    assert_eq!(seen["uri"], "/base/path?q=1");
    assert_eq!(seen["headers"]["x-one"], "1");
    assert_eq!(seen["headers"]["x-two"], "2");
}

#[tokio::test]
async fn a_file_may_be_json() {
    let gateway = Gateway::of_file(
        r#"{"_format_version": "3.0", "services": [{
            "host": "127.0.0.1", "port": 1, "protocol": "http",
            "routes": [{"paths": ["/"]}],
            "plugins": [{"name": "pre-function", "config": {
                "access": ["return kong.response.exit(200, 'from JSON')"]
            }}]
        }]}"#,
    );
    assert_eq!(gateway.get("/").send().await.text(), "from JSON");
}

#[tokio::test]
async fn a_file_may_begin_as_editors_of_windows_begin_it() {
    let config = with_config(r#"{ access: ["return kong.response.exit(204)"] }"#);
    let gateway = Gateway::of_file(&format!("\u{feff}{}", config.replace('\n', "\r\n")));
    assert_eq!(gateway.get("/").send().await.status, 204);
}

#[tokio::test]
async fn the_key_of_old_versions_means_access() {
    let gateway =
        Gateway::of_file(&with_config(r#"{ functions: ["return kong.response.exit(204)"] }"#));
    assert_eq!(gateway.get("/").send().await.status, 204);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let (code, said) = Start::new().arg("--declarative-config").arg("/nowhere/kong.yml").ending();
    assert_eq!(code, 1);
    assert!(said.contains("cannot read /nowhere/kong.yml"), "{said}");
}

#[test]
fn what_is_no_yaml_is_refused_with_its_line() {
    let said = refusal("_format_version: \"3.0\"\nservices: [\n");
    assert!(said.contains("kong.yml") && said.contains("line"), "{said}");
}

#[test]
fn a_key_that_is_said_twice_is_named_with_where_it_is() {
    let file = "_format_version: '3.0'\nservices:\n- name: shop\n  url: http://127.0.0.1:1\n  name: other\n";
    let refusal = refusal(file);
    assert!(
        refusal.contains(r#"services[0]: duplicate entry with key "name" at line 3"#),
        "{refusal}"
    );
}

#[test]
fn an_empty_file_is_refused() {
    let said = refusal("");
    assert!(said.contains("kong.yml"), "{said}");
}

#[test]
fn a_file_needs_a_version_that_is_known() {
    let said = refusal("services: []");
    assert!(said.contains("_format_version: required field missing"), "{said}");
    let said = refusal("_format_version: \"9.0\"");
    assert!(said.contains("_format_version: expected one of: 1.1, 2.1, 3.0"), "{said}");
}

#[test]
fn an_unknown_field_is_named() {
    let said = refusal("_format_version: \"3.0\"\nservices: [{ title: shop }]");
    assert!(said.contains("services[1].title: unknown field"), "{said}");
    assert!(said.contains("services[1].host: required field missing"), "{said}");
    let said = refusal(&with_config("{ on_access: [] }"));
    assert!(said.contains("services[1].plugins[1].config.on_access: unknown field"), "{said}");
}

#[test]
fn a_mistake_is_told_with_its_line_and_the_names_of_what_it_is_in() {
    let said = refusal(
        "_format_version: '3.0'
services:
  - name: shop
    url: http://127.0.0.1:1
    routes:
      - {name: cart, paths: [/cart]}
      - name: till
        paths: [/till]
        colour: red
",
    );
    let expected =
        "line 9: services[1].routes[2].colour: unknown field (service 'shop', route 'till')";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn an_unknown_plugin_is_named() {
    let said = refusal(
        "_format_version: \"3.0\"\nplugins: [{ name: bot-detection, config: { access: [return 1] } }]",
    );
    assert!(said.contains("plugin 'bot-detection' not enabled"), "{said}");
    assert!(said.contains("pre-function") && !said.contains("access"), "{said}");
}

#[test]
fn each_function_that_does_not_compile_is_named_with_its_line() {
    let said = refusal(&with_config(
        r#"{ access: ["return 1", "local x =\nif"], log: ["this is not lua"] }"#,
    ));
    assert!(said.contains("access") && said.contains(":2:"), "{said}");
    assert!(said.contains("log") && said.contains("'=' expected near 'is'"), "{said}");
}

#[test]
fn bytecode_is_refused() {
    let said = refusal(&with_config(r#"{ access: ["\eLJ\x02"] }"#));
    assert!(said.contains("access"), "{said}");
}

#[test]
fn a_plugin_without_functions_is_refused() {
    let said = refusal(&with_config("{ access: [] }"));
    assert!(said.contains("at least one of"), "{said}");
}

#[test]
fn the_service_that_a_route_names_must_be_there() {
    let file = |route: &str| {
        format!(
            "_format_version: \"3.0\"\nservices: [{{ name: shop, url: http://127.0.0.1:1 }}]\nroutes: [{route}]"
        )
    };
    let said = refusal(&file("{ paths: [/], service: stock }"));
    assert!(said.contains("stock"), "{said}");
}

#[test]
fn a_route_must_match_by_something() {
    let said = refusal(
        r#"{"_format_version": "3.0", "services": [
            {"name": "shop", "url": "http://127.0.0.1:1", "routes": [{"name": "all"}]}]}"#,
    );
    assert!(said.contains("must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"), "{said}");
}

#[test]
fn a_service_that_cannot_be_reached_in_principle_is_refused() {
    let file = |service: &str| {
        format!(
            r#"{{"_format_version": "3.0", "services": [{{{service}, "routes": [{{"paths": ["/"]}}]}}]}}"#
        )
    };
    for (service, wanted) in [
        (r#""url": "not a url""#, "not a url"),
        (r#""url": "/path""#, "expected a scheme and a host"),
        (r#""name": "shop""#, "services[1].host: required field missing"),
        (r#""url": "ftp://127.0.0.1""#, "services[1].protocol: expected one of: grpc, grpcs, http"),
    ] {
        let said = refusal(&file(service));
        assert!(said.contains(wanted), "{said}");
    }
}
