//! Functions by the Admin API: how they are sent, what is said of those that are none, and changes.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, Start, answering, shop};

#[tokio::test]
async fn a_function_that_does_not_compile_is_named_with_its_line() {
    let gateway = shop().await;
    let config = json!({ "access": ["this is not lua"] });
    let reply =
        gateway.post("/plugins", &json!({ "name": "pre-function", "config": config })).await;
    assert_eq!(reply.status, 400);
    let error =
        "error parsing pre-function: [string \"this is not lua\"]:1: '=' expected near 'is'";
    assert_eq!(reply.json()["name"], "schema violation");
    assert_eq!(reply.json()["code"], 2);
    assert_eq!(reply.json()["fields"], json!({ "config": { "access": [error] } }));
    assert!(
        reply.json()["message"].as_str().unwrap().starts_with("schema violation (config.access:")
    );
    let config = json!({ "log": ["return 1", "local x =\nif"] });
    let plugin = json!({ "name": "post-function", "config": config });
    let reply = gateway.post("/plugins", &plugin).await;
    let errors = reply.json()["fields"]["config"]["log"].clone();
    assert_eq!(errors[0], Value::Null);
    let error = errors[1].as_str().unwrap();
    assert!(error.starts_with("error parsing post-function: [string \"local x =..."), "{error}");
    assert!(error.contains("]:2: "), "{error}");
    let bytecode = json!({ "name": "pre-function", "config": { "access": ["\u{1b}LJ\u{2}"] } });
    assert_eq!(gateway.post("/plugins", &bytecode).await.status, 400);
    assert_eq!(gateway.admin("/plugins").send().await.json()["data"], json!([]));
}

#[tokio::test]
async fn functions_of_old_versions_may_have_commas() {
    let gateway = shop().await;
    let functions = async |source: &str| {
        let form = [("name", "pre-function"), ("config.functions", source)];
        let reply = gateway.form("/schemas/plugins/validate", &form).await;
        if reply.status != 200 {
            return reply.json()["fields"]["config"]["functions"].clone();
        }
        let plugin = gateway.form("/plugins", &form).await.json();
        let path = format!("/plugins/{}", plugin["id"].as_str().unwrap());
        gateway.admin_call(Method::DELETE, &path).send().await;
        plugin["config"]["functions"].clone()
    };
    assert_eq!(functions("[]").await, json!([]));
    assert_eq!(functions("return f(1, 2)").await, json!(["return f(1, 2)"]));
    assert_eq!(functions(r"return f(1\, 2)").await, json!(["return f(1, 2)"]));
    assert_eq!(
        functions("a = 1 return, b = 2 return").await,
        json!(["a = 1 return", "b = 2 return"])
    );
    let error = functions("this is, not lua").await;
    assert!(error[0].as_str().unwrap().contains("'=' expected near 'is'"), "{error}");
}

#[tokio::test]
async fn functions_of_new_versions_are_never_split() {
    let gateway = shop().await;
    let access = async |form: &[(&str, &str)]| {
        let form = [&[("name", "pre-function")], form].concat();
        let plugin = gateway.form("/plugins", &form).await.json();
        let path = format!("/plugins/{}", plugin["id"].as_str().unwrap_or_default());
        gateway.admin_call(Method::DELETE, &path).send().await;
        plugin["config"]["access"].clone()
    };
    let (one, two) = ("return f(1, 2)", "return g(3, 4)");
    assert_eq!(access(&[("config.access", one)]).await, json!([one]));
    assert_eq!(
        access(&[("config.access[]", one), ("config.access[]", two)]).await,
        json!([one, two])
    );
    assert_eq!(
        access(&[("config.access[2]", two), ("config.access[1]", one)]).await,
        json!([one, two])
    );
    // Split, both would compile.
    assert_eq!(access(&[("config.access", "a = 1 return, b = 2 return")]).await, Value::Null);
}

#[tokio::test]
async fn the_documentations_commas_are_undone_wherever_a_function_stands() {
    let gateway = shop().await;
    let (written, meant) = (r#"kong.log("x"\, "1")"#, r#"kong.log("x", "1")"#);
    let stored = async |reply: Reply, field: &str| {
        let plugin = reply.json();
        let id = plugin["id"].as_str().unwrap_or_else(|| panic!("{field}: {plugin}"));
        let path = format!("/plugins/{id}");
        gateway.admin_call(Method::DELETE, &path).send().await;
        plugin["config"][field][0].clone()
    };
    for field in ["functions", "access", "header_filter", "log"] {
        for parameter in ["", "[]", "[1]"].map(|end| format!("config.{field}{end}")) {
            let form = [("name", "pre-function"), (&parameter, written)];
            let reply = gateway.form("/plugins", &form).await;
            assert_eq!(stored(reply, field).await, meant, "{parameter}");
        }
        let plugin = json!({ "name": "pre-function", "config": { field: [written] } });
        assert_eq!(stored(gateway.post("/plugins", &plugin).await, field).await, meant, "{field}");
    }
}

#[tokio::test]
async fn the_name_of_a_file_is_answered_with_the_way_to_send_it() {
    let gateway = shop().await;
    for (parameter, field) in [
        ("config.functions", "functions"),
        ("config.functions[]", "functions"),
        ("config.access", "access"),
        ("config.access[]", "access"),
        ("config.header_filter[1]", "header_filter"),
    ] {
        let form = [("name", "pre-function"), (parameter, "@custom-auth.lua")];
        let reply = gateway.form("/services/shop/plugins", &form).await;
        assert_eq!(reply.status, 400, "{parameter}");
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        let hint = format!(r#"curl sends the content with -F \"config.{field}=@custom-auth.lua\""#);
        assert!(message.contains(&hint), "{parameter}: {message}");
    }
}

#[tokio::test]
async fn a_function_is_changed_while_it_is_in_use() {
    let gateway = shop().await;
    let plugin = gateway.post("/services/shop/plugins", &answering("one")).await.json();
    assert_eq!(gateway.get("/").send().await.text(), "one");
    let path = format!("/plugins/{}", plugin["id"].as_str().unwrap());
    for text in ["two", "three"] {
        let change = json!({ "config": answering(text)["config"] });
        let reply = gateway.send(Method::PATCH, &path, &change).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(gateway.get("/").send().await.text(), text);
    }
    let broken = json!({ "config": { "access": ["if"] } });
    assert_eq!(gateway.send(Method::PATCH, &path, &broken).await.status, 400);
    assert_eq!(gateway.get("/").send().await.text(), "three");
    let reply = gateway.send(Method::PATCH, &path, &json!({ "enabled": false })).await;
    assert_eq!(reply.json()["config"]["access"], answering("three")["config"]["access"]);
    assert_eq!(gateway.get("/").send().await.status, 502);
}

#[tokio::test]
async fn where_lua_is_off_functions_are_refused() {
    let gateway = crate::support::Start::new().arg("--untrusted-lua").arg("off").serving();
    let reply = gateway.post("/plugins", &answering("no")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("loading of untrusted Lua code disabled"), "{}", reply.text());
    assert_eq!(gateway.post("/plugins", &json!({ "name": "cors" })).await.status, 201);
}

#[tokio::test]
async fn a_function_that_comes_after_a_pause_answers_its_first_requests() {
    let gateway = Start::new().arg("--workers").arg("1").serving();
    gateway.post("/services", &json!({ "name": "shop", "url": "http://127.0.0.1:1" })).await;
    gateway.post("/services/shop/routes", &json!({ "paths": ["/"] })).await;
    let of =
        |text: &str| json!([format!("for i = 1, 1000 do end kong.response.exit(200, '{text}')")]);
    let plugin = json!({ "name": "pre-function", "config": { "access": of("none") } });
    let id = gateway.post("/plugins", &plugin).await.json()["id"].clone();
    let path = format!("/plugins/{}", id.as_str().unwrap());
    for text in ["one", "two"] {
        assert_eq!(gateway.get("/").send().await.status, 200);
        // Longer than a call may take.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let change = json!({ "config": { "access": of(text) } });
        assert_eq!(gateway.send(Method::PATCH, &path, &change).await.status, 200);
        for _ in 0..2 {
            assert_eq!(gateway.get("/").send().await.text(), text);
        }
    }
}
