//! Bodies that the Admin API takes, and those that it does not.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Reply};

async fn post(
    gateway: &Gateway,
    path: &str,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> Reply {
    let call = gateway.admin_call(Method::POST, path).header("content-type", content_type);
    call.body(body.into()).send().await
}

/// A multipart body with these parts: name, file name, content.
fn parts(parts: &[(&str, Option<&str>, &str)]) -> String {
    let mut body = String::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body += &format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        );
    }
    body + "--frontier--\r\n"
}

const MULTIPART: &str = "multipart/form-data; boundary=frontier";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[tokio::test]
async fn an_uploaded_file_is_its_content() {
    let gateway = Gateway::empty();
    let source = "local function f(a, b)\n  return a\nend\nkong.response.exit(200, f('up', 2))\n";
    let body = parts(&[
        ("name", None, "pre-function"),
        ("config.functions", Some("custom-auth.lua"), source),
        ("enabled", None, "true"),
    ]);
    let reply = post(&gateway, "/plugins", MULTIPART, body).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.json()["config"]["functions"], json!([source]));
    let body = parts(&[
        ("name", None, "post-function"),
        ("config.access[]", Some("a.lua"), source),
        ("config.access[]", None, "return 1, 2"),
    ]);
    let reply = post(&gateway, "/plugins", MULTIPART, body).await;
    assert_eq!(reply.json()["config"]["access"], json!([source, "return 1, 2"]));
}

#[tokio::test]
async fn a_broken_upload_is_refused() {
    let gateway = Gateway::empty();
    let whole = parts(&[("name", None, "cors")]);
    for (content_type, body) in [
        ("multipart/form-data", whole.as_str()),
        ("multipart/form-data; boundary=", whole.as_str()),
        (MULTIPART, &whole[..whole.len() - 16]),
        (MULTIPART, "--frontier\r\nno header\r\n\r\n\r\n--frontier--\r\n"),
        (MULTIPART, ""),
    ] {
        let reply = post(&gateway, "/plugins", content_type, body).await;
        assert_eq!(reply.status, 400, "{content_type} {body}: {}", reply.text());
        assert!(reply.text().contains("multipart"), "{body}: {}", reply.text());
    }
    let mut binary = parts(&[("name", None, "#")]).into_bytes();
    let at = binary.iter().position(|byte| *byte == b'#').unwrap();
    binary[at] = 0xff;
    let reply = post(&gateway, "/plugins", MULTIPART, binary).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("'name' has bytes that are not UTF-8"), "{}", reply.text());
}

#[tokio::test]
async fn json_that_is_none_is_refused() {
    let gateway = Gateway::empty();
    for body in ["", "{", "[]", "1", "null", "\"text\"", "{\"a\":1}x", &"[".repeat(100_000)] {
        let reply = post(&gateway, "/services", JSON, body).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json(), json!({ "message": "Cannot parse JSON body" }));
    }
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let gateway = Gateway::empty();
    for content_type in ["text/plain", "application/xml", "application/yaml", "nonsense"] {
        let reply = post(&gateway, "/services", content_type, "host=a.example").await;
        assert_eq!(reply.status, 415, "{content_type}");
        assert!(reply.text().contains("expected application/json"), "{}", reply.text());
    }
    let reply = gateway.admin_call(Method::POST, "/services").body("host=a.example").send().await;
    assert_eq!(reply.status, 415);
    let call = gateway.admin_call(Method::POST, "/services");
    let call = call.header("content-type", JSON).header("content-type", FORM);
    let reply = call.body("host=a.example").send().await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["message"], "Multiple Content-Type headers not allowed");
}

#[tokio::test]
async fn content_types_are_told_by_what_they_say_first() {
    let gateway = Gateway::empty();
    for content_type in ["Application/JSON", "application/json; charset=utf-8"] {
        let reply = post(&gateway, "/services", content_type, r#"{"host":"a.example"}"#).await;
        assert_eq!(reply.status, 201, "{content_type}");
    }
    let reply =
        post(&gateway, "/services", &format!("{FORM}; charset=utf-8"), "host=b.example").await;
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn nothing_is_a_body_without_fields() {
    let gateway = Gateway::empty();
    let reply = gateway.admin_call(Method::POST, "/services").send().await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["fields"], json!({ "host": "required field missing" }));
    assert_eq!(post(&gateway, "/services", FORM, "").await.status, 400);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let gateway = Gateway::empty();
    let body = format!("host={}", "a".repeat(10 << 20));
    let reply = post(&gateway, "/services", FORM, body).await;
    assert_eq!(reply.status, 413);
    assert!(reply.text().contains("Payload too large"), "{}", reply.text());
}

#[tokio::test]
async fn what_is_very_long_is_answered_soon_and_shortly() {
    let gateway = Gateway::empty();
    let many = |element: &'static str| vec![element; 300_000];
    let unknown: Value = (0..300_000).map(|n| (n.to_string(), json!(1))).collect();
    for (path, body) in [
        ("/plugins", json!({ "name": "pre-function", "config": { "access": many("x") } })),
        (
            "/plugins",
            json!({ "name": "pre-function", "config": { "functions": many("x").join(",") } }),
        ),
        ("/plugins", json!({ "name": "cors", "config": unknown })),
        ("/routes", json!({ "paths": many("x") })),
        ("/routes", json!({ "paths": many("x").join(",") })),
        ("/routes", json!({ "protocols": many("x") })),
        ("/services", unknown),
        ("/services", json!({ "host": "a.example", "tags": many("/") })),
    ] {
        let reply = gateway.post(path, &body).await;
        assert_eq!(reply.status, 400, "{path}");
        assert!(reply.body.len() < 1 << 21, "{path}: {}", reply.body.len());
    }
}

#[tokio::test]
async fn forms_are_decoded() {
    let gateway = Gateway::empty();
    let body = "name=a%2Db&host=a.example&tags=one+two&&path=%2Fa%252Fb&=ignored";
    let reply = post(&gateway, "/services", FORM, body).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(reply.json()["fields"], json!({ "": "unknown field" }));
    let service =
        post(&gateway, "/services", FORM, body.trim_end_matches("&=ignored")).await.json();
    let fields = ["name", "tags", "path"].map(|name| service[name].clone());
    assert_eq!(fields, [json!("a-b"), json!(["one two"]), json!("/a%2Fb")]);
    let reply = post(&gateway, "/services", FORM, "host=%ff").await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn forms_that_contradict_themselves_are_refused() {
    let gateway = Gateway::empty();
    for (body, wanted) in [
        ("tags=a&tags.b=c", "'tags.b': is given as more than one of"),
        ("tags.b=c&tags=a", "'tags': is given both as a value and as a record"),
        (&*format!("a{}=1", ".b".repeat(100)), "more than 16 parts"),
        (&*"a=1&".repeat(1001), "Too many arguments"),
    ] {
        let reply = post(&gateway, "/services", FORM, body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text().contains(wanted), "{body}: {}", reply.text());
    }
}

#[tokio::test]
async fn types_of_json_are_not_guessed() {
    let gateway = Gateway::empty();
    let service = json!({ "host": "a.example", "port": "80", "enabled": "true", "retries": 3.0 });
    let reply = gateway.post("/services", &service).await;
    assert_eq!(
        reply.json()["fields"],
        json!({ "port": "expected an integer", "enabled": "expected a boolean" })
    );
    let service = json!({ "host": "a.example", "retries": 3.0, "name": Value::Null });
    assert_eq!(gateway.post("/services", &service).await.json()["retries"], 3);
}
