//! `gateway try`: a request through functions, without a server or a network.

use serde_json::Value;

use crate::support::Start;

/// What a dry run of files says, with which exit status. The first of them is what is tried.
fn tried(files: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let start = Start::new();
    for (name, text) in files {
        start.file(name, text);
    }
    let start = start.arg("try").arg(files[0].0);
    let (code, said) = arguments.iter().fold(start, Start::arg).ending();
    assert!(!said.contains("panicked"), "{said}");
    (code, said)
}

/// The same in JSON, of a run that goes well.
fn told(files: &[(&str, &str)], arguments: &[&str]) -> Value {
    let (code, said) = tried(files, &[arguments, &["--format", "json"]].concat());
    let start = said.find("{\n").unwrap_or_else(|| panic!("no JSON: {said}"));
    assert!(code == 0, "{said}");
    serde_json::from_str(&said[start..]).unwrap()
}

const KONG_YML: &str = r#"
_format_version: "3.0"
services:
  - name: shop
    url: http://shop.internal:8080/v1
    plugins:
      - name: post-function
        config: { header_filter: ["kong.response.set_header('x-of', 'service')"] }
    routes:
      - name: orders
        paths: [/orders]
        plugins:
          - name: pre-function
            config:
              access:
                - |
                  local route = kong.router.get_route().name
                  kong.service.request.set_header("x-route", route)
          - name: key-auth
plugins:
  - name: pre-function
    config:
      rewrite: ["kong.ctx.shared.began = true"]
      log: ["kong.log.warn('over')"]
"#;

#[test]
fn a_file_of_lua_is_told_of_phase_by_phase() {
    let source = "local name = kong.request.get_header('x-user')\n\
        kong.service.request.set_header('x-name', name:upper())\n\
        kong.log.warn('for ', name)\n";
    let (code, said) = tried(&[("auth.lua", source)], &["/orders?a=1", "-H", "X-User: ada"]);
    assert_eq!(code, 0, "{said}");
    for expected in [
        "\naccess\n",
        r#"    kong.request.get_header("x-user") → "ada""#,
        r#"    kong.service.request.set_header("x-name", "ADA")"#,
        "    warn [kong] auth.lua:3 [pre-function] for ada",
        "  + request header x-name: ADA",
        "sent on: GET http://upstream.internal/orders?a=1",
        "answered: 200 OK",
        "of CPU",
        "allocated",
    ] {
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
    assert!(!said.contains('\x1b'), "colours are for terminals: {said}");
}

#[test]
fn a_request_is_what_curl_would_send() {
    let files = [("f.lua", "kong.log(1)"), ("body.json", "{\"a\":\n1}")];
    let told = |arguments: &[&str]| told(&files, arguments)["forwarded"].clone();
    let forwarded = told(&["/", "-d", "a=1", "-d", "b=2"]);
    assert_eq!((&forwarded["method"], &forwarded["body"]), (&"POST".into(), &"a=1&b=2".into()));
    assert_eq!(forwarded["headers"]["content-type"], "application/x-www-form-urlencoded");
    let forwarded = told(&["-X", "PUT", "-d", "@body.json", "-H", "Content-Type: text/plain"]);
    assert_eq!((&forwarded["method"], &forwarded["body"]), (&"PUT".into(), &"{\"a\":1}".into()));
    assert_eq!(forwarded["headers"]["content-type"], "text/plain");
    let forwarded =
        told(&["https://shop.example/x", "--json", "@body.json", "--client-ip", "192.0.2.7"]);
    assert_eq!(forwarded["headers"]["content-type"], "application/json");
    assert_eq!(forwarded["body"], "{\"a\":\n1}");
    assert_eq!(forwarded["headers"]["x-forwarded-proto"], "https");
    assert_eq!(forwarded["headers"]["x-forwarded-host"], "shop.example");
    assert_eq!(forwarded["headers"]["x-real-ip"], "192.0.2.7");
}

#[test]
fn a_declarative_file_routes_the_request_to_its_functions() {
    let told = told(&[("kong.yml", KONG_YML)], &["/orders/7?a=1"]);
    assert_eq!(told["route"]["name"], "orders");
    assert_eq!(told["service"]["name"], "shop");
    assert_eq!(told["plugins_left_out"], serde_json::json!(["key-auth"]));
    let phases: Vec<_> = told["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| phase["phase"].as_str().unwrap())
        .collect();
    assert_eq!(phases, ["rewrite", "access", "header_filter"]);
    assert_eq!(told["forwarded"]["url"], "http://shop.internal:8080/v1/7?a=1");
    assert_eq!(told["forwarded"]["headers"]["x-route"], "orders");
    assert_eq!(told["response"]["headers"]["x-of"], "service");
    let nowhere = self::told(&[("kong.yml", KONG_YML)], &["/nothing"]);
    assert_eq!((&nowhere["route"], &nowhere["forwarded"]), (&Value::Null, &Value::Null));
    assert_eq!(nowhere["response"]["status"], 404);
    let log = &nowhere["phases"].as_array().unwrap().last().unwrap()["functions"][0];
    assert!(log["logs"][0]["message"].as_str().unwrap().ends_with("over"), "{nowhere}");
}

#[test]
fn the_service_answers_what_it_is_told_to() {
    let filters = "kong.response.set_header('x-status', kong.response.get_status())";
    let arguments = [
        "--phase",
        "header_filter",
        "--upstream-status",
        "503",
        "--upstream-header",
        "X-From: there",
        "--upstream-body",
        "sorry",
    ];
    let told = told(&[("f.lua", filters)], &arguments);
    let response = &told["response"];
    assert_eq!((&response["status"], &response["body"]), (&503.into(), &"sorry".into()));
    assert_eq!(response["headers"]["x-status"], "503");
    assert_eq!(response["headers"]["x-from"], "there");
    let changes = &told["phases"][0]["changes"];
    assert_eq!(changes[0]["name"], "x-status");
    assert_eq!(changes[0]["after"], serde_json::json!(["503"]));
}

#[test]
fn bodies_on_their_way_are_changed_as_a_whole() {
    let upper = "ngx.arg[1] = (ngx.arg[1] or ''):upper()";
    let arguments = ["--phase", "body_filter", "--upstream-body", "hello"];
    let told = told(&[("f.lua", upper)], &arguments);
    assert_eq!(told["response"]["body"], "HELLO");
    let change = &told["phases"][0]["changes"][0];
    assert_eq!((&change["before"][0], &change["after"][0]), (&"hello".into(), &"HELLO".into()));
}

#[test]
fn what_functions_ask_of_others_is_answered_or_refused() {
    let source = r#"
        local function ask(url) return require("resty.http").new():request_uri(url) end
        local keys = assert(ask("https://idp.internal/keys/7"))
        local answer, err = ask("https://others.internal/")
        kong.response.exit(keys.status, { keys = keys.body, err = err })
    "#;
    let files = [("f.lua", source), ("keys.json", r#"{"user":"ada"}"#)];
    let answers = ["--http", "https://idp.internal/keys/*", "403 @keys.json"];
    let told = told(&files, &answers);
    assert_eq!(told["response"]["status"], 403);
    let body = told["response"]["body"].as_str().unwrap();
    assert!(body.contains("ada") && body.contains("nothing leaves a dry run"), "{body}");
    assert!(body.contains("others.internal:443"), "{body}");
    assert_eq!(told["forwarded"], Value::Null);
}

#[test]
fn a_function_that_fails_is_told_of_with_its_place() {
    let (code, said) = tried(&[("f.lua", "local a\nkong.log(a.b)")], &[]);
    assert_eq!(code, 1);
    assert!(said.contains("error: f.lua:2: attempt to index"), "{said}");
    assert!(said.contains("nothing is sent on") && said.contains("answered: 500"), "{said}");
    let (code, said) = tried(
        &[("kong.yml", &KONG_YML.replace("get_route().name", "get_rout().name"))],
        &["/orders"],
    );
    assert_eq!(code, 1);
    assert!(said.contains("error: kong.yml:17: attempt to call"), "{said}");
}

#[test]
fn hostile_functions_end() {
    for (source, expected) in [
        ("while true do end", "CPU budget exhausted"),
        ("local s = 'x' while true do s = s .. s end", "not enough memory"),
        ("while true do kong.log.warn('again') end", "calls more"),
        ("ngx.sleep(3600)", "waited 3600s"),
    ] {
        let (_, said) = tried(&[("f.lua", source)], &[]);
        assert!(said.contains(expected), "{expected} in\n{said}");
    }
}

#[test]
fn bad_input_is_told_of() {
    let fine = ("f.lua", "kong.log(1)");
    for (files, arguments, expected) in [
        (fine, &["-H", "no colon"][..], "expected a name and a value"),
        (fine, &["-H", "a b: c"], "is no name of a header"),
        (fine, &["-H", "Host: a b"], "'a b' is no host"),
        (fine, &["-d", "@nothing.json"], "nothing.json: No such file"),
        (fine, &["-X", "GE T"], "method: 'GE T' is none"),
        (fine, &["orders"], "path: 'orders' is none"),
        (fine, &["--http", "idp", "x"], "http: 'idp' is no URL"),
        (fine, &["--upstream-status", "99"], "expected a number from 200 to 999"),
        (fine, &["--phase", "nothing"], "invalid value 'nothing'"),
        (("f.txt", ""), &[], "expected a file ending in .lua"),
        (("f.lua", "local = 1"), &[], "f.lua"),
        (("kong.yml", "services: ["), &[], "failed parsing declarative configuration"),
        (("kong.yml", "services: []"), &[], "_format_version"),
        (("kong.yml", "_format_version: '3.0'\nplugins: [{name: nothing}]"), &[], "not enabled"),
    ] {
        let (code, said) = tried(&[files], arguments);
        assert!(code != 0 && said.contains(expected), "{expected} in\n{code} {said}");
    }
    let (code, said) = Start::new().arg("try").arg("nothing.lua").ending();
    assert!(code == 1 && said.contains("nothing.lua: No such file"), "{said}");
}
