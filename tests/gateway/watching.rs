//! How functions are watched while they run.

use serde_json::json;

use crate::support::{Gateway, Start, echo_upstream, with_plugins};

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
    for part in
        ["pre-function: access[1]: slow: it took ", reply.header("x-kong-request-id"), "]:2: in "]
    {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert_eq!(seen.matches("slow: it took").count(), 1, "{seen}");
}

#[tokio::test]
async fn where_functions_spend_their_time_is_drawn() {
    let access =
        "local function spin()\n  for i = 1, 1e5 do\n    local _ = tostring(i)\n  end\nend\nspin()";
    let plugins = [("pre-function", json!({ "access": [access] }))];
    let file = with_plugins(echo_upstream().await, &plugins);
    let gateway = Start::of_file(&file).arg("--debug").serving();
    let profile = async |query: &str| {
        let path = format!("/debug/profile?{query}");
        tokio::select! {
            reply = gateway.admin(&path).send() => reply,
            () = busy_again(&gateway) => unreachable!("it goes on for ever"),
        }
    };
    let reply = profile("seconds=1&format=folded").await;
    assert_eq!(reply.status, 200);
    let text = reply.text();
    let is_of_spin = |line: &str| {
        let (stack, time) = line.rsplit_once(' ').unwrap();
        assert!(time.parse::<u64>().unwrap() > 0, "{line}");
        let frames: Vec<_> = stack.split(';').collect();
        frames[0] == "route pre-function: access[1]"
            && frames.iter().any(|frame| frame.starts_with("spin [string") && frame.ends_with(":3"))
    };
    assert!(text.lines().any(is_of_spin), "{text}");
    let reply = profile("seconds=0.5").await;
    assert_eq!(reply.header("content-type"), "image/svg+xml");
    assert!(reply.text().starts_with("<svg ") && reply.text().contains("<title>spin [string"));
    for (query, said) in [
        ("seconds=0", "seconds: expected a number above 0 and up to 60"),
        ("seconds=61", "seconds: expected"),
        ("seconds=x", "seconds: expected"),
        ("format=pdf", "format: expected svg or folded"),
    ] {
        let reply = gateway.admin(&format!("/debug/profile?{query}")).send().await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains(said), "{}", reply.text());
    }
}

/// Asks again and again.
async fn busy_again(gateway: &Gateway) {
    loop {
        gateway.get("/").send().await;
    }
}

#[tokio::test]
async fn one_profile_is_made_at_a_time_and_none_without_the_flag() {
    let file = with_plugins(echo_upstream().await, &[]);
    let gateway = Start::of_file(&file).arg("--debug").serving();
    let first = gateway.admin("/debug/profile?seconds=1").send();
    let second = gateway.admin("/debug/profile?seconds=1").send();
    let (first, second) = tokio::join!(first, second);
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let gateway = Gateway::of_file(&file);
    let reply = gateway.admin("/debug/profile?seconds=1").send().await;
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("--debug"), "{}", reply.text());
}

#[test]
fn a_time_that_is_none_is_refused() {
    for text in ["50", "ms", "0ms", "5h"] {
        let (code, said) = Start::new().arg("--slow-function").arg(text).ending();
        assert_ne!(code, 0);
        assert!(said.contains("expected a time, as in 50ms or 5s"), "{said}");
    }
}
