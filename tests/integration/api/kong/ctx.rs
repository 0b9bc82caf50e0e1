//! `kong.ctx`.

use tower_lua::Phase;

use crate::support::App;

#[tokio::test]
async fn shared_is_one_table_for_all_plugins_and_phases() {
    let app = App::builder()
        .rewrite("kong.ctx.shared.seen = 'rewrite'")
        .access("kong.ctx.shared.seen = kong.ctx.shared.seen .. ' access'")
        .post_function(Phase::Access, "kong.ctx.shared.seen = kong.ctx.shared.seen .. ' post'")
        .header_filter("kong.ctx.shared.seen = kong.ctx.shared.seen .. ' header_filter'")
        .body_filter("kong.ctx.shared.eof = ngx.arg[2]")
        .log("require('recorder')(kong.ctx.shared.seen, kong.ctx.shared.eof)")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.wait_for(1).await, ["rewrite access post header_filter true"]);
}

#[tokio::test]
async fn plugin_is_a_table_of_each_plugins_own() {
    let app = App::builder()
        .access("kong.ctx.plugin.value = 'pre'")
        .post_function(Phase::Access, "require('recorder')(kong.ctx.plugin.value)")
        .post_function(Phase::Access, "kong.ctx.plugin.value = 'post'")
        .header_filter("require('recorder')(kong.ctx.plugin.value)")
        .post_function(Phase::HeaderFilter, "require('recorder')(kong.ctx.plugin.value)")
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["nil", "pre", "post"]);
}

#[tokio::test]
async fn the_next_request_begins_with_empty_tables() {
    let app = App::access(
        "local before = tostring(kong.ctx.shared.a) .. ' ' .. tostring(kong.ctx.plugin.a)
         kong.ctx.shared.a, kong.ctx.plugin.a = 1, 1
         kong.response.exit(200, before)",
    )
    .await;
    for _ in 0..3 {
        assert_eq!(app.get("/").send().await.text(), "nil nil");
    }
}

#[tokio::test]
async fn requests_that_wait_keep_their_tables_apart() {
    let app = App::access(
        "kong.ctx.shared.method = kong.request.get_method()
         kong.ctx.plugin.method = kong.request.get_method()
         kong.request.get_raw_body()
         ngx.sleep(0.01)
         kong.response.exit(200, kong.ctx.shared.method .. kong.ctx.plugin.method)",
    )
    .await;
    let (get, post) = tokio::join!(app.get("/").send(), app.post("/").body("a").send());
    assert_eq!((&*get.text(), &*post.text()), ("GETGET", "POSTPOST"));
}

#[tokio::test]
async fn it_is_the_same_table_each_time() {
    let source = "kong.ctx.shared == kong.ctx.shared, kong.ctx.plugin == kong.ctx.plugin, \
                  kong.ctx.shared == kong.ctx.plugin, type(kong.ctx.shared), kong.ctx.other";
    assert_eq!(App::eval(source).await, "true, true, false, table, nil");
}

#[tokio::test]
async fn values_can_be_removed_and_be_of_any_kind() {
    let app = App::builder()
        .access(
            "local shared = kong.ctx.shared
             shared.gone, shared[1], shared[true] = 'a', { deep = { 'value' } }, function() return 7 end
             shared.gone = nil",
        )
        .header_filter(
            "local shared = kong.ctx.shared
             require('recorder')(tostring(shared.gone), shared[1].deep[1], shared[true]())",
        )
        .serve()
        .await;
    app.get("/").send().await;
    assert_eq!(app.recorder.entries(), ["nil value 7"]);
}
