//! `kong.telemetry`: structured log entries.

use crate::support::{App, Events};

#[tokio::test]
async fn an_entry_reaches_whoever_listens_to_tracing() {
    let events = Events::capture();
    let app = App::access(
        "local ok, err = kong.telemetry.log('my_plugin',
           { __plugin_id = 'p1', plugin_instance_name = 'mine' }, 'result', 'all well',
           { count = 3, nested = { 'a' } })
         kong.response.exit(200, tostring(ok) .. tostring(err))",
    )
    .await;
    assert_eq!(app.get("/").send().await.text(), "truenil");
    let all = events.all();
    let event = all.iter().find(|event| event.target == "tower_lua::telemetry").unwrap();
    assert_eq!((&*event.level, event.message()), ("INFO", "all well"));
    let names = ["message_type", "plugin.name", "plugin.id", "plugin.instance.name"];
    assert_eq!(names.map(|name| event.field(name)), ["result", "my_plugin", "p1", "mine"]);
    assert_eq!(event.field("attributes"), r#"{"count":3,"nested":["a"]}"#);
}

#[tokio::test]
async fn message_and_attributes_may_be_left_out() {
    let events = Events::capture();
    App::access("assert(kong.telemetry.log('p', {}, 'kind'))").await.get("/").send().await;
    let all = events.all();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].message(), all[0].field("attributes")), ("", ""));
}

#[tokio::test]
async fn when_nobody_listens_the_function_is_told() {
    let _nobody = tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new());
    let seen = App::eval("kong.telemetry.log('p', {}, 'kind', 'message')").await;
    assert!(
        seen.starts_with("nil, Telemetry logging is disabled: log entry will not be"),
        "{seen}"
    );
}

#[tokio::test]
async fn wrong_arguments_are_answered_with_a_message() {
    for (arguments, message) in [
        ("", "plugin_name must be a string"),
        ("1", "plugin_name must be a string"),
        ("'p'", "plugin_config must be a table"),
        ("'p', 'c'", "plugin_config must be a table"),
        ("'p', {}", "message_type must be a string"),
        ("'p', {}, 1", "message_type must be a string"),
        ("'p', {}, 't', 1", "message must be a string"),
        ("'p', {}, 't', {}", "message must be a string"),
        ("'p', {}, 't', 'm', 'a'", "attributes must be a table"),
    ] {
        let seen = App::eval(&format!("kong.telemetry.log({arguments})")).await;
        assert_eq!(seen, format!("nil, {message}"), "{arguments}");
    }
}
