//! What is counted and told of canaries, beside what they may replace.

use http::Method;
use serde_json::json;

use crate::canaries::{begun, canary, new_of, shop};

#[tokio::test]
async fn the_numbers_of_both_versions_are_beside_each_other() {
    let gateway = shop().await;
    assert_eq!(new_of(&gateway, 3).await, 0);
    let config = json!({ "access": ["local first = 1", "error('too new')"] });
    let made = begun(&gateway, &json!({ "config": config, "percent": 50 })).await;
    assert_eq!((&made["stable"]["calls"], &made["canary"]["calls"]), (&json!(0), &json!(0)));
    assert_eq!(made["canary"]["wall_us"], json!({ "p50": null, "p99": null, "sum": 0 }));
    for _ in 0..100 {
        gateway.get("/").send().await;
    }
    let shown = canary(&gateway).await;
    let (stable, canary) = (&shown["stable"], &shown["canary"]);
    assert_eq!((&stable["requests"], &canary["requests"]), (&json!(50), &json!(50)));
    assert_eq!(stable["calls"], 50, "those of before are not for comparison: {stable}");
    assert_eq!((&stable["exits"], &stable["errors"]["runtime"]), (&json!(50), &json!(0)));
    assert_eq!((&canary["calls"], &canary["errors"]["runtime"]), (&json!(100), &json!(50)));
    let [first, second] = &canary["functions"].as_array().unwrap()[..] else { panic!("{canary}") };
    assert_eq!((&first["phase"], &first["function"]), (&json!("access"), &json!(1)));
    assert_eq!((&first["calls"], &first["errors"]["runtime"]), (&json!(50), &json!(0)));
    assert_eq!((&second["function"], &second["errors"]["runtime"]), (&json!(2), &json!(50)));
    for version in [stable, canary] {
        for numbers in
            [&version["wall_us"], &version["cpu_us"], &version["functions"][0]["wall_us"]]
        {
            let [p50, p99] = ["p50", "p99"].map(|name| numbers[name].as_u64().unwrap());
            assert!(p50 <= p99 && numbers["sum"].is_u64(), "{numbers}");
        }
    }
    // Another change of the plugin does not begin anew.
    let tags = json!({ "tags": ["a"] });
    assert_eq!(gateway.send(Method::PATCH, "/plugins/shop", &tags).await.status, 200);
    let again = gateway.admin("/plugins/shop/canary").send().await.json();
    assert_eq!((&again["stable"]["calls"], &again["canary"]["calls"]), (&json!(50), &json!(100)));
    let metrics = gateway.admin("/metrics").send().await.text();
    for (name, calls) in [("shop shop", 53), ("shop shop canary", 50)] {
        let labels = format!(r#"name="{name}",plugin="pre-function",phase="access",index="1""#);
        let line = format!("kong_lua_function_calls_total{{{labels}}} {calls}");
        assert!(metrics.lines().any(|found| found == line), "{line} in:\n{metrics}");
    }
}

#[tokio::test]
async fn what_fails_in_a_canary_is_told_of_its_plugin() {
    let gateway = shop().await;
    let config = json!({ "access": ["error('too new')"] });
    begun(&gateway, &json!({ "config": config, "percent": 100 })).await;
    assert_eq!(gateway.get("/").send().await.status, 500);
    let failures = gateway.admin("/functions/failures").send().await.json();
    let failure = &failures["data"][0];
    let plugin = gateway.admin("/plugins/shop").send().await.json();
    assert_eq!(failure["plugin"]["id"], plugin["id"], "{failures}");
    assert_eq!(failure["functions"], "shop shop canary");
}
