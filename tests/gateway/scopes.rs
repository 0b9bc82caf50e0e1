//! Which of several configurations of a plugin a request gets.

use serde_json::json;

use crate::support::{Gateway, echo_upstream};

#[tokio::test]
async fn the_most_specific_enabled_configuration_wins() {
    let upstream = echo_upstream().await;
    let says = |text: &str| json!({ "message": text, "trigger": "stop" });
    let plugin = |text: &str| json!({ "name": "request-termination", "config": says(text) });
    let mut disabled = plugin("disabled");
    disabled["enabled"] = json!(false);
    let file = json!({
        "_format_version": "3.0",
        "services": [
            {
                "name": "one", "url": format!("http://{upstream}"),
                "plugins": [plugin("service")],
                "routes": [
                    { "name": "own", "paths": ["/own"], "plugins": [plugin("route")] },
                    { "name": "both", "paths": ["/both"], "plugins": [plugin("route")] },
                    { "name": "off", "paths": ["/off"], "plugins": [disabled] },
                    { "name": "none", "paths": ["/none"] },
                ],
            },
            { "name": "two", "url": format!("http://{upstream}"), "routes": [{ "paths": ["/two"] }] },
            {
                "name": "three", "url": format!("http://{upstream}"), "enabled": false,
                "routes": [{ "paths": ["/three"] }],
            },
        ],
        "plugins": [
            plugin("global"),
            {
                "name": "request-termination", "config": says("route and service"),
                "route": "both", "service": "one",
            },
        ],
    });
    let gateway = Gateway::of_file(&file.to_string());
    for (path, wanted) in [
        ("/own", "route"),
        ("/both", "route and service"),
        ("/off", "service"),
        ("/none", "service"),
        ("/two", "global"),
    ] {
        let reply = gateway.get(path).header("stop", "1").send().await;
        assert_eq!(reply.json()["message"], wanted, "{path}");
        assert_eq!(gateway.get(path).send().await.status, 200, "{path}");
    }
    // The routes of a service that is disabled are none.
    assert_eq!(gateway.get("/three").send().await.status, 404);
}
