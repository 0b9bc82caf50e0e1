//! How functions are watched while they run.

use serde_json::json;

use crate::support::{Start, echo_upstream, with_plugins};

#[tokio::test]
async fn slow_calls_are_logged_with_where_they_were() {
    let access = "if kong.request.get_path() == '/slow' then\n  ngx.sleep(0.05)\nend";
    let plugins = [("pre-function", json!({ "access": [access] }))];
    let start = Start::of_file(&with_plugins(echo_upstream().await, &plugins));
    let gateway = start.arg("--slow-function").arg("20ms").serving();
    gateway.get("/quick").send().await;
    let reply = gateway.get("/slow").send().await;
    let seen = gateway.logged_until("slow: it took");
    let line = seen.lines().last().unwrap();
    for part in [
        "pre-function: access[1]: slow: it took ",
        reply.header("x-kong-request-id"),
        "]:2: in function",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert_eq!(seen.matches("slow: it took").count(), 1, "{seen}");
}

#[test]
fn a_time_that_is_none_is_refused() {
    for text in ["50", "ms", "0ms", "5h"] {
        let (code, said) = Start::new().arg("--slow-function").arg(text).ending();
        assert_ne!(code, 0);
        assert!(said.contains("expected a time, as in 50ms or 5s"), "{said}");
    }
}
