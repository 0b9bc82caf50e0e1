//! `POST /functions/check`: what is to be said of functions that nobody has taken yet.

use serde_json::{Value, json};

use crate::support::{Gateway, Start};

async fn findings(gateway: &Gateway, functions: Value) -> Value {
    let reply = gateway.post("/functions/check", &json!({ "functions": functions })).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["findings"].clone()
}

#[tokio::test]
async fn each_finding_says_where_it_is_and_what_to_do() {
    let gateway = Gateway::empty();
    let functions = json!({
        "access": ["kong.log('a')", "local a = 1\nkong.request.get_heder('x')"],
        "log": ["if"],
    });
    let findings = findings(&gateway, functions).await;
    let [unknown, syntax] = &findings.as_array().unwrap()[..] else { panic!("{findings}") };
    assert_eq!(unknown["phase"], "access");
    assert_eq!(unknown["function"], 2);
    assert_eq!((&unknown["line"], &unknown["column"]), (&json!(2), &json!(14)));
    assert_eq!((&unknown["level"], &unknown["rule"]), (&json!("error"), &json!("unknown-name")));
    assert!(unknown["help"].as_str().unwrap().contains("kong.request.get_header"), "{unknown}");
    assert_eq!((&syntax["phase"], &syntax["rule"]), (&json!("log"), &json!("syntax")));
}

#[tokio::test]
async fn the_functions_are_looked_at_as_those_of_one_plugin() {
    let gateway = Gateway::empty();
    let changes = "kong.response.set_raw_body('a')";
    let alone = findings(&gateway, json!({ "body_filter": [changes] })).await;
    assert_eq!(alone[0]["rule"], "content-length");
    let clears = "kong.response.clear_header('Content-Length')";
    let both = json!({ "header_filter": [clears], "body_filter": [changes] });
    assert_eq!(findings(&gateway, both).await, json!([]));
    // Kong's name for those of access, before there were phases.
    let old = findings(&gateway, json!({ "functions": ["kong.response.set_raw_body('a')"] })).await;
    assert_eq!((&old[0]["phase"], &old[0]["rule"]), (&json!("functions"), &json!("phase")));
}

#[tokio::test]
async fn of_a_function_that_is_nothing_but_wrong_the_first_findings_are_told() {
    let gateway = Gateway::empty();
    let found = findings(&gateway, json!({ "access": ["kong.a()\n".repeat(5000)] })).await;
    let found = found.as_array().unwrap();
    assert_eq!((found.len(), &found[499]["line"]), (500, &json!(500)));
    let long = format!("kong.{}()", "a".repeat(100_000));
    let found = findings(&gateway, json!({ "access": [long] })).await;
    assert_eq!(found[0]["help"], "docs/compatibility.md lists what functions have");
}

#[tokio::test]
async fn nothing_is_kept_and_a_gateway_of_a_file_looks_as_well() {
    let gateway = Start::of_file("_format_version: '3.0'").serving();
    let findings = findings(&gateway, json!({ "access": ["return kong.log.warm('a')"] })).await;
    assert_eq!(findings[0]["rule"], "unknown-name");
    assert_eq!(gateway.admin("/plugins").send().await.json()["data"], json!([]));
}

#[tokio::test]
async fn what_is_not_functions_is_answered_with_what_is_wrong() {
    let gateway = Gateway::empty();
    for (body, field, expected) in [
        (json!({}), "functions", "expected the functions of each phase"),
        (json!({ "functions": "kong" }), "functions", "expected the functions of each phase"),
        (json!({ "functions": { "acces": [] } }), "functions.acces", "there is no such phase"),
        (json!({ "functions": { "access": 1 } }), "functions.access", "an array of strings"),
        (json!({ "functions": { "access": [1] } }), "functions.access", "an array of strings"),
        (json!({ "functions": { "log": ["-".repeat(300_000)] } }), "functions", "no more than"),
        (json!({ "functions": { "log": vec![""; 1001] } }), "functions.log", "no more than 1000"),
    ] {
        let reply = gateway.post("/functions/check", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        let said = reply.json()["fields"][field].as_str().unwrap_or_default().to_owned();
        assert!(said.contains(expected), "{field}: {}", reply.text());
    }
    assert_eq!(gateway.admin("/functions/check").send().await.status, 405);
}
