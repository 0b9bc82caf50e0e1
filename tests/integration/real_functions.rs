//! What functions in real use rely on, beyond single functions of the API.

use tower_lua::Budget;

use crate::support::App;

#[tokio::test]
async fn both_values_of_gsub_may_be_passed_on() {
    let app = App::access(
        r#"kong.service.request.set_path(kong.request.get_path():gsub("^/old", "/new"))
        kong.service.request.set_header("X-Name", ("a-b"):gsub("%-", "_"))
        ngx.req.set_header("X-Text", ngx.decode_base64(("aGk_"):gsub("_", "=")))"#,
    )
    .await;
    let seen = app.get("/old/page").send().await.json();
    assert_eq!(seen["uri"], "/new/page");
    assert_eq!(
        (&seen["headers"]["x-name"], &seen["headers"]["x-text"]),
        (&"a_b".into(), &"hi".into())
    );
}

#[tokio::test]
async fn a_header_that_is_nil_is_a_500_that_names_the_argument() {
    for call in [
        "kong.service.request.set_header('X-User', nil)",
        "kong.response.set_header('X-User', nil)",
        "kong.service.request.set_headers({['X-User'] = print})",
    ] {
        let events = crate::support::Events::capture();
        assert_eq!(App::access(call).await.get("/").send().await.status, 500, "{call}");
        let log = events.messages().join("\n");
        assert!(log.contains("invalid"), "{call}: {log}");
    }
}

#[tokio::test]
async fn the_payload_of_a_token_is_decoded_as_people_do_it() {
    // Unpadded, and of the url-safe alphabet only after it was translated.
    let app = App::access(
        r#"local payload = kong.request.get_header("authorization"):match("Bearer [^.]+%.([^.]+)")
        local raw = ngx.decode_base64(payload)
        local translated = ngx.decode_base64(payload:gsub("-", "+"):gsub("_", "/"), nil)
        kong.response.exit(200, tostring(raw) .. " " .. translated)"#,
    )
    .await;
    let call = app.get("/").header("authorization", "Bearer e30.eyJhIjoi8J-YgD8ifQ.x");
    assert_eq!(call.send().await.text(), "nil {\"a\":\"\u{1f600}?\"}");
}

#[tokio::test]
async fn honest_work_of_half_a_million_instructions_is_within_the_budget() {
    let app = App::builder()
        .budget(Budget::default())
        .access(
            "local sum = 0
         for i = 1, 100000 do
           sum = (sum * 31 + i) % 65521
         end
         local words = {}
         for i = 1, 2000 do words[#words + 1] = ('%x'):format(i) end
         kong.response.exit(200, sum .. ' ' .. #table.concat(words))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.status, 200);
}

#[tokio::test]
async fn a_context_forgets_what_is_set_to_nil() {
    let app = App::builder()
        .access("kong.ctx.shared.user = 'ada' kong.ctx.plugin.seen = 1 kong.ctx.shared.user = nil")
        .header_filter(
            "kong.response.set_header('X-User', tostring(kong.ctx.shared.user))
             kong.response.set_header('X-Seen', tostring(kong.ctx.plugin.seen))",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!((reply.header("x-user"), reply.header("x-seen")), ("nil", "1"));
}

#[tokio::test]
async fn a_module_that_is_denied_can_be_done_without() {
    let app = App::access(
        "local ok, zlib = pcall(require, 'ffi-zlib')
         kong.response.exit(200, ok and 'compressed' or 'plain: ' .. zlib)",
    )
    .await;
    let text = app.get("/").send().await.text();
    assert_eq!(text, "plain: require 'ffi-zlib' not allowed within sandbox");
}

#[tokio::test]
async fn a_function_on_one_line_runs() {
    let app = App::access(
        r#"local h=kong.request.get_header("x-key") if not h then return kong.response.exit(401,"No key") end if h~="k" then return kong.response.exit(403,{message="Wrong key"}) end kong.service.request.clear_header("x-key")"#,
    )
    .await;
    assert_eq!(app.get("/").send().await.status, 401);
    assert_eq!(app.get("/").header("x-key", "no").send().await.json()["message"], "Wrong key");
    assert_eq!(app.get("/").header("x-key", "k").send().await.status, 200);
}
