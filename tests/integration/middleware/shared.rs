//! What functions and the application tell each other by `kong.ctx.shared`, and who functions have said
//! the client is.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::service_fn;
use tower_lua::{Consumer, Credential, Phase, Shared};

use crate::support::App;

/// A service that answers with what `tell` says of its request.
macro_rules! telling {
    ($tell:expr) => {
        service_fn(move |request: Request<_>| async move {
            let text: String = $tell(request.extensions());
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
        })
    };
}

fn left<T: serde::de::DeserializeOwned + std::fmt::Debug>(
    extensions: &http::Extensions,
    key: &str,
) -> String {
    let Some(shared) = extensions.get::<Shared>() else { return "nothing".to_owned() };
    match shared.get::<T>(key) {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_service_finds_what_functions_have_left() {
    let app = App::builder()
        .access(
            "local shared = kong.ctx.shared
             shared.text, shared.number, shared.list = 'a', 1.5, { 'x', 'y' }
             shared.f = function() end
             shared.null = ngx.null",
        )
        .post_function(Phase::Access, "kong.ctx.shared.text = kong.ctx.shared.text .. 'b'")
        .serve_around(telling!(|extensions: &http::Extensions| [
            left::<String>(extensions, "text"),
            left::<f64>(extensions, "number"),
            left::<Vec<String>>(extensions, "list"),
            left::<Value>(extensions, "none"),
            left::<Value>(extensions, "null"),
            left::<u8>(extensions, "text"),
            left::<Value>(extensions, "f"),
        ]
        .join("|")))
        .await;
    let expected = "Some(\"ab\")|Some(1.5)|Some([\"x\", \"y\"])|None|None|\
        kong.ctx.shared.text: invalid type: string \"ab\", expected u8|\
        kong.ctx.shared.f: ";
    let text = app.get("/").send().await.text();
    assert!(text.starts_with(expected), "{text}");
}

#[tokio::test]
async fn functions_find_what_the_application_has_put_there() {
    let told = Shared::new(json!({ "tenant": "blue", "plan": { "quota": 400 } })).unwrap();
    assert_eq!(told.get::<String>("tenant").unwrap().as_deref(), Some("blue"));
    assert_eq!(format!("{told:?}"), "Shared { .. }");
    let say = "local shared = kong.ctx.shared
               require('recorder')(shared.tenant, shared.plan.quota, shared.mine)";
    let app = App::builder()
        .extension(told)
        .header_filter(&format!("{say} kong.ctx.shared.mine = 1"))
        .log(say)
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(2).await, ["blue 400 nil", "blue 400 1"]);
}

#[tokio::test]
async fn nothing_is_there_when_no_function_has_used_it() {
    let app = App::builder()
        .access("kong.service.request.set_header('a', 'b')")
        .serve_around(telling!(|extensions: &http::Extensions| left::<Value>(extensions, "a")))
        .await;
    assert_eq!(app.get("/").send().await.text(), "nothing");
}

#[tokio::test]
async fn only_values_with_named_fields_can_be_shared() {
    let error = Shared::new(7).unwrap_err();
    assert_eq!(error.to_string(), "a Shared must be a value with named fields");
}

fn who(extensions: &http::Extensions) -> String {
    let consumer = extensions.get::<Consumer>();
    let credential = extensions.get::<Credential>();
    let name = consumer.map(|consumer| (consumer.username(), consumer.id(), consumer.custom_id()));
    let key = credential.map(|credential| credential.field("key").cloned());
    format!("{name:?} {key:?}")
}

#[tokio::test]
async fn the_service_knows_whom_functions_have_authenticated() {
    let app = App::builder()
        .extension(Consumer::new(json!({ "username": "before" })).unwrap())
        .extension(Credential::new(json!({ "key": "k" })).unwrap())
        .access(
            "if ngx.var.arg_as then
               kong.client.authenticate({ id = '7', username = ngx.var.arg_as }, nil)
             end",
        )
        .log("require('recorder')(kong.client.get_consumer().username, kong.client.get_credential())")
        .serve_around(telling!(who))
        .await;
    let unknown = "Some((Some(\"before\"), None, None)) Some(Some(String(\"k\")))";
    assert_eq!(app.get("/").send().await.text(), unknown);
    let known = "Some((Some(\"alice\"), Some(\"7\"), None)) None";
    assert_eq!(app.get("/?as=alice").send().await.text(), known);
    let said = app.recorder.wait_for(2).await;
    assert!(said[0].starts_with("before table") && said[1] == "alice nil", "{said:?}");
}

#[test]
fn entities_are_written_with_the_fields_they_were_made_of() {
    let fields = json!({ "id": "1", "username": "ada", "custom_id": "a-1", "tags": ["beta"] });
    let consumer = Consumer::new(&fields).unwrap();
    assert_eq!(serde_json::to_value(&consumer).unwrap(), fields);
    assert_eq!((consumer.id(), consumer.custom_id()), (Some("1"), Some("a-1")));
    assert_eq!(consumer.field("tags"), Some(&json!(["beta"])));
}
