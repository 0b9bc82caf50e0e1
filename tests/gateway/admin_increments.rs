//! A change looks at what it is about, and what is in force is the same as if all had been read anew.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Gateway, Random, answering};

const ROUTES: usize = 6;

/// What clients see of every route.
async fn answers(gateway: &Gateway) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    for number in 0..ROUTES {
        for path in [format!("/route-{number}"), format!("/other-{number}")] {
            let reply = gateway.get(&path).send().await;
            answers.push((reply.status.as_u16(), reply.text()));
        }
    }
    answers
}

/// A change, of anything, that may well be refused.
fn change(random: &mut Random, number: usize) -> (Method, String, Value) {
    let name = |random: &mut Random, of: &str, count| format!("{of}-{}", random.below(count));
    let route = name(random, "route", ROUTES);
    let service = name(random, "service", 2);
    let plugin = name(random, "plugin", 8);
    let owner = match random.below(5) {
        0 => json!({ "service": { "name": service } }),
        1 if random.once_in(3) => json!({}),
        _ => json!({ "route": { "name": route } }),
    };
    match random.below(8) {
        0 => (Method::DELETE, format!("/routes/{route}"), json!({})),
        1 => (Method::DELETE, format!("/plugins/{plugin}"), json!({})),
        2 | 3 => {
            let paths = json!([format!("/{route}"), format!("/other-{}", random.below(ROUTES))]);
            let fields = json!({ "paths": paths, "service": { "name": service } });
            (Method::PUT, format!("/routes/{route}"), fields)
        }
        4 => {
            let fields = json!({ "enabled": random.once_in(2) });
            (Method::PATCH, format!("/services/{service}"), fields)
        }
        5 => {
            let fields = json!({ "enabled": !random.once_in(4) });
            (Method::PATCH, format!("/plugins/{plugin}"), fields)
        }
        6 => {
            let fields = json!({ "config": answering(&format!("changed {number}"))["config"] });
            (Method::PATCH, format!("/plugins/{plugin}"), fields)
        }
        _ => {
            let mut fields = owner;
            fields["name"] = "pre-function".into();
            fields["config"] = answering(&format!("{plugin} {number}"))["config"].clone();
            (Method::PUT, format!("/plugins/{plugin}"), fields)
        }
    }
}

#[tokio::test]
async fn change_by_change_comes_to_the_same_as_all_at_once() {
    let (changed, fresh) = (Gateway::empty(), Gateway::empty());
    for service in ["service-0", "service-1"] {
        changed.post("/services", &json!({ "name": service, "host": "a.example" })).await;
    }
    let any = json!({ "name": "request-termination", "config": { "status_code": 404 } });
    changed.post("/services/service-0/plugins", &any).await;
    changed.post("/services/service-1/plugins", &any).await;
    let mut random = Random::new(7);
    let mut made = 0;
    for number in 0..120 {
        let (method, path, fields) = change(&mut random, number);
        let reply = changed.send(method, &path, &fields).await;
        made += usize::from(reply.status.is_success());
        if number % 10 == 9 {
            let config = changed.admin("/config").send().await.json();
            let loaded = fresh.post("/config", &config).await;
            assert!(loaded.status.is_success(), "{}", loaded.text());
            assert_eq!(answers(&changed).await, answers(&fresh).await, "after {number} changes");
        }
    }
    assert!(made > 40, "{made}");
}
