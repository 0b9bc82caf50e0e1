//! `kong.response.get_raw_body` and `set_raw_body`: the body as a whole, in `body_filter`.

use tower_lua::Phase;

use crate::support::App;

/// A body of three chunks: each print is one.
const CHUNKS: &str = "ngx.print('one ') ngx.print('two ') ngx.print('three')";

#[tokio::test]
async fn the_body_is_there_when_its_last_chunk_is() {
    let app = App::builder()
        .access(CHUNKS)
        .body_filter("require('recorder')(kong.response.get_raw_body())")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "one two three");
    assert_eq!(app.recorder.entries(), ["nil", "nil", "nil", "one two three"]);
}

#[tokio::test]
async fn asking_again_changes_nothing() {
    let app = App::builder()
        .access(CHUNKS)
        .body_filter(
            "local first, second = kong.response.get_raw_body(), kong.response.get_raw_body()
             require('recorder')(tostring(first) .. ',' .. tostring(second))",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "one two three");
    assert_eq!(app.recorder.entries().pop().unwrap(), "one two three,one two three");
}

#[tokio::test]
async fn an_empty_body_is_an_empty_string() {
    let app = App::builder()
        .access("kong.response.exit(200)")
        .body_filter("require('recorder')('[' .. kong.response.get_raw_body() .. ']')")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "");
    assert_eq!(app.recorder.entries(), ["[]"]);
}

#[tokio::test]
async fn the_body_can_be_replaced_by_a_longer_one() {
    let app = App::builder()
        .body_filter(
            "local body = kong.response.get_raw_body()
             if body then kong.response.set_raw_body(('x'):rep(5000) .. body:sub(1, 1)) end",
        )
        .serve()
        .await;
    let reply = app.get("/").send().await;
    assert_eq!(reply.text(), "x".repeat(5000) + "{");
    assert!(["", "5001"].contains(&reply.header("content-length")), "{:?}", reply.headers);
}

#[tokio::test]
async fn a_body_set_early_is_the_whole_body() {
    let app = App::builder()
        .access(CHUNKS)
        .body_filter("require('recorder')(ngx.arg[1]) kong.response.set_raw_body('instead')")
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "instead");
    assert_eq!(app.recorder.entries(), ["one "], "no later chunk is looked at");
}

#[tokio::test]
async fn an_empty_body_is_sent_as_a_line_break() {
    let app = App::builder().body_filter("kong.response.set_raw_body('')").serve().await;
    assert_eq!(app.get("/").send().await.text(), "\n");
}

#[tokio::test]
async fn post_function_gets_what_pre_function_has_set() {
    let app = App::builder()
        .post_function(Phase::Access, CHUNKS)
        .body_filter(
            "local body = kong.response.get_raw_body()
             if body then kong.response.set_raw_body(body .. ' pre') end",
        )
        .post_function(
            Phase::BodyFilter,
            "local body = kong.response.get_raw_body()
             if body then kong.response.set_raw_body(body .. ' post') end",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "one two three pre post");
}

#[tokio::test]
async fn a_body_is_a_string() {
    for argument in ["nil", "0", "{}", "true"] {
        let app = App::builder()
            .body_filter(&format!(
                "kong.response.set_raw_body(select(2, pcall(kong.response.set_raw_body, {argument})))"
            ))
            .serve()
            .await;
        assert_eq!(app.get("/").send().await.text(), "body must be a string", "{argument}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_to_gather_is_cut_off() {
    let app = App::builder()
        .runtime(|runtime| runtime.max_body_size(10))
        .access(CHUNKS)
        .body_filter(
            "require('recorder')(select(2, pcall(kong.response.get_raw_body)))
                      kong.response.get_raw_body()",
        )
        .serve()
        .await;
    let failed = app.get("/").try_send().await;
    assert!(failed.is_err(), "{failed:?}");
    let last = app.recorder.entries().pop().unwrap();
    assert_eq!(last, "response body too big: more than 10 bytes");
}

#[tokio::test]
async fn any_bytes_go_in_and_out() {
    let app = App::builder()
        .access("kong.response.exit(200, '\\0\\255\\128')")
        .body_filter(
            "local body = kong.response.get_raw_body()
             if body then kong.response.set_raw_body(body:reverse()) end",
        )
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.body, &[128, 255, 0][..]);
}
