//! What a function before the service can do to a request.

use crate::support::App;

const CUSTOM_AUTH: &str = r#"
-- Get list of request headers
local custom_auth = kong.request.get_header("x-custom-auth")
-- Terminate request early if our custom authentication header does not exist
if not custom_auth then
  return kong.response.exit(401, "Invalid Credentials")
end
-- Remove custom authentication header from request
kong.request.clear_header('x-custom-auth')
"#;

#[tokio::test]
async fn the_documentations_function_refuses_who_has_no_credentials() {
    let app = App::access(CUSTOM_AUTH).await;
    let reply = app.get("/test").send().await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.text(), "Invalid Credentials");
    assert_eq!(reply.header("content-length"), "19");
    assert!(!reply.headers.contains_key("content-type"));
}

#[tokio::test]
async fn the_documentations_function_lets_through_who_has_and_hides_the_header() {
    let app = App::access(CUSTOM_AUTH).await;
    let reply = app.get("/test").header("x-custom-auth", "demo").send().await;
    assert_eq!(reply.status, 200);
    let seen = reply.json();
    assert_eq!(seen["uri"], "/test");
    assert_eq!(seen["headers"]["x-custom-auth"], serde_json::Value::Null);
}
