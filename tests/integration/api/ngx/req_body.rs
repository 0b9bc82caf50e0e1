//! The request's body.

use tower_lua::{Sandbox, UntrustedLua};

use super::assert_errors;
use crate::support::App;

/// What `expression` is worth in access, of a request with `body`, after the body was read.
async fn of_body(body: &'static str, expression: &str) -> String {
    let source = format!("(function() ngx.req.read_body() return {expression} end)()");
    App::eval_for(&source, |app| app.post("/").body(body)).await.text()
}

#[tokio::test]
async fn a_body_is_there_once_it_was_read() {
    let source = "ngx.req.get_body_data(), (function() ngx.req.read_body() \
                  return ngx.req.get_body_data() end)()";
    let reply = App::eval_for(source, |app| app.post("/").body("hello")).await;
    assert_eq!(reply.text(), "nil, hello");
}

#[tokio::test]
async fn as_much_as_is_asked_for_is_given() {
    for (max, data) in [
        ("", "hello"),
        ("nil", "hello"),
        ("2", "he"),
        ("'3'", "hel"),
        ("99", "hello"),
        ("0", "hello"),
        ("-1", "hello"),
    ] {
        let expression = format!("ngx.req.get_body_data({max})");
        assert_eq!(of_body("hello", &expression).await, data, "{max}");
    }
}

#[tokio::test]
async fn an_empty_body_is_nil() {
    assert_eq!(of_body("", "ngx.req.get_body_data()").await, "nil");
}

#[tokio::test]
async fn a_body_is_bytes() {
    let app = App::access(
        "ngx.req.read_body()
         kong.response.exit(200, ngx.req.get_body_data():reverse())",
    )
    .await;
    let reply = app.post("/").body(&b"\xff\0a"[..]).send().await;
    assert_eq!(&*reply.body, b"a\0\xff");
}

#[tokio::test]
async fn a_body_longer_than_the_buffer_is_not_given_but_goes_on() {
    let app = App::builder()
        .runtime(|runtime| runtime.body_buffer_size(4))
        .access(
            "ngx.req.read_body()
             require('recorder')(ngx.req.get_body_data(), ngx.req.get_body_file())
             require('recorder')(ngx.req.get_post_args())",
        )
        .serve()
        .await;
    let reply = app.post("/").body("hello").send().await;
    assert_eq!(reply.json()["body"], "hello");
    let entries = ["nil nil", "nil request body in temp file not supported"];
    assert_eq!(app.recorder.entries(), entries);
}

#[tokio::test]
async fn a_form_is_decoded() {
    for (body, expression, value) in [
        ("a=1&b=2", "ngx.req.get_post_args().b", "2"),
        ("a=1&a&a=%203+", "ngx.req.get_post_args().a", r#"["1",true," 3 "]"#),
        ("a=1&a=2&a=3", "ngx.req.get_post_args(2)", r#"{"a":["1","2"]}, truncated"#),
        ("a=1&a=2", "ngx.req.get_post_args(0).a", r#"["1","2"]"#),
        ("", "next(ngx.req.get_post_args())", "nil"),
    ] {
        assert_eq!(of_body(body, expression).await, value, "{body}");
    }
}

#[tokio::test]
async fn reading_twice_is_reading_once() {
    let read_again = "(function() ngx.req.read_body() return ngx.req.get_body_data() end)()";
    assert_eq!(of_body("hello", read_again).await, "hello");
}

#[tokio::test]
async fn the_body_can_be_read_inside_pcall_and_a_coroutine() {
    for read in ["pcall(ngx.req.read_body)", "coroutine.wrap(function() ngx.req.read_body() end)()"]
    {
        let source = format!("(function() {read} return ngx.req.get_body_data() end)()");
        let reply = App::eval_for(&source, |app| app.post("/").body("hello")).await;
        assert_eq!(reply.text(), "hello", "{read}");
    }
}

#[tokio::test]
async fn the_service_gets_the_body_that_was_set() {
    for (data, body) in
        [("'other'", "other"), ("''", ""), ("12", "12"), ("('x'):rep(9)", "xxxxxxxxx")]
    {
        let source = format!("ngx.req.read_body() ngx.req.set_body_data({data})");
        let seen = App::access(&source).await.post("/").body("hello").send().await.json();
        assert_eq!(seen["body"], body);
        assert_eq!(seen["headers"]["content-length"], body.len().to_string(), "{data}");
    }
}

#[tokio::test]
async fn later_functions_see_the_body_that_was_set() {
    let app = App::builder()
        .rewrite("ngx.req.read_body() ngx.req.set_body_data('a=b')")
        .access("ngx.req.read_body() require('recorder')(ngx.req.get_body_data())")
        .log("require('recorder')(ngx.req.get_post_args().a)")
        .serve()
        .await;
    app.post("/").body("hello").send().await;
    assert_eq!(app.recorder.wait_for(2).await, ["a=b", "b"]);
}

#[tokio::test]
async fn a_discarded_body_reaches_nobody() {
    let app = App::access(
        "ngx.req.discard_body() ngx.req.read_body()
         require('recorder')(ngx.req.get_body_data(), next(ngx.req.get_post_args()))",
    )
    .await;
    let seen = app.post("/").body("hello").send().await.json();
    assert_eq!((&seen["body"], &seen["headers"]["content-length"]), (&"".into(), &"0".into()));
    assert_eq!(app.recorder.entries(), ["nil nil"]);
}

#[tokio::test]
async fn a_discarded_body_has_no_other_in_its_place() {
    let source = "ngx.req.discard_body()
        for _, f in ipairs({ ngx.req.set_body_data, ngx.req.init_body }) do
          require('recorder')(select(2, pcall(f, 'x')))
        end";
    let app = App::access(source).await;
    app.post("/").body("hello").send().await;
    for said in app.recorder.entries() {
        assert!(said.ends_with("request body already discarded asynchronously"), "{said}");
    }
    assert_eq!(app.recorder.entries().len(), 2);
}

#[tokio::test]
async fn a_body_that_was_read_is_not_discarded_any_more() {
    let discard = "(function() ngx.req.discard_body() return ngx.req.get_body_data() end)()";
    assert_eq!(of_body("hello", discard).await, "hello");
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    assert_errors(&[
        (
            "ngx.req.get_body_data('all')",
            "bad argument #1 to 'get_body_data' (number expected, got string)",
        ),
        (
            "ngx.req.get_post_args({})",
            "bad argument #1 to 'get_post_args' (number expected, got table)",
        ),
        (
            "ngx.req.set_body_data()",
            "bad argument #1 to 'set_body_data' (string expected, got nil)",
        ),
        (
            "ngx.req.set_body_data({})",
            "bad argument #1 to 'set_body_data' (string expected, got table)",
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_needs_a_body_says_when_it_was_not_read() {
    assert_errors(&[
        ("ngx.req.set_body_data('x')", "request body not read yet"),
        (
            "ngx.req.get_post_args()",
            "no request body found; maybe you should turn on lua_need_request_body?",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_body_can_be_written_piece_by_piece() {
    let app = App::access(
        "ngx.req.read_body()
         ngx.req.init_body(128)
         for i = 1, 5 do ngx.req.append_body('line ' .. i .. ';') end
         ngx.req.append_body(7)
         require('recorder')(ngx.req.get_body_data())
         ngx.req.finish_body()
         require('recorder')(ngx.req.get_body_data())",
    )
    .await;
    let reply = app.post("/").body("old").send().await.json();
    let body = "line 1;line 2;line 3;line 4;line 5;7";
    assert_eq!((&reply["body"], &reply["headers"]["content-length"]), (&body.into(), &"36".into()));
    assert_eq!(app.recorder.entries(), ["old", body]);
}

#[tokio::test]
async fn pieces_have_their_order() {
    assert_errors(&[
        ("ngx.req.init_body()", "request body not read yet"),
        ("ngx.req.read_body() ngx.req.init_body(-1)", "bad size argument: -1"),
        ("ngx.req.init_body(1, 2)", "expecting 0 or 1 argument but seen 2"),
        ("ngx.req.append_body('x')", "request_body not initialized"),
        ("ngx.req.append_body()", "expecting 1 arguments but seen 0"),
        ("ngx.req.finish_body()", "request_body not initialized"),
        ("ngx.req.finish_body(1)", "expecting 0 argument but seen 1"),
        (
            "ngx.req.read_body() ngx.req.init_body() ngx.req.append_body({})",
            "bad argument #1 to 'append_body' (string expected, got table)",
        ),
        (
            "ngx.req.read_body() ngx.req.init_body() ngx.req.finish_body() ngx.req.append_body('x')",
            "request_body not initialized",
        ),
    ])
    .await;
}

#[tokio::test]
async fn no_more_can_be_appended_than_a_body_may_have() {
    let app = App::builder()
        .runtime(|runtime| runtime.max_body_size(10))
        .access(
            "ngx.req.read_body() ngx.req.init_body() ngx.req.append_body(('x'):rep(10))
             local _, why = pcall(ngx.req.append_body, 'x')
             kong.response.exit(200, why)",
        )
        .serve()
        .await;
    let text = app.get("/").send().await.text();
    assert!(text.ends_with("more than 10 bytes appended"), "{text}");
}

/// A file with `content`, for the time of a test.
fn file(name: &str, content: &str) -> String {
    let path = std::env::temp_dir().join(format!("tower-lua-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_body_can_come_from_a_file_where_files_can_be_opened() {
    let path = file("body", "from a file");
    for (sandbox, clean) in [
        (Sandbox::new(UntrustedLua::On), "false"),
        (Sandbox::default().allow_global("io.open").allow_require("recorder"), "true"),
    ] {
        let app = App::builder()
            .runtime(|runtime| runtime.sandbox(sandbox))
            .access(&format!(
                "ngx.req.read_body() ngx.req.set_body_file('{path}', {clean})
                 require('recorder')(ngx.req.get_body_file(), ngx.req.get_body_data(), ngx.var.request_body_file)"
            ))
            .serve()
            .await;
        let reply = app.post("/").body("old").send().await.json();
        assert_eq!(reply["body"], "from a file");
        assert_eq!(app.recorder.entries(), [format!("{path} nil {path}")]);
    }
    assert!(!std::path::Path::new(&path).exists(), "the second was to remove it");
}

#[tokio::test]
async fn a_body_that_was_set_is_in_no_file() {
    let path = file("replaced", "from a file");
    let app = App::builder()
        .runtime(|runtime| runtime.sandbox(Sandbox::new(UntrustedLua::On)))
        .access(&format!(
            "ngx.req.read_body() ngx.req.set_body_file('{path}', true) ngx.req.set_body_data('text')
             kong.response.exit(200, tostring(ngx.req.get_body_file()) .. ngx.req.get_body_data())"
        ))
        .serve()
        .await;
    assert_eq!(app.get("/").send().await.text(), "niltext");
}

#[tokio::test]
async fn a_sandboxed_function_reads_no_file() {
    let path = file("secret", "secret");
    let source = format!("ngx.req.read_body() ngx.req.set_body_file('{path}', true)");
    assert_errors(&[(&source, "ngx.req.set_body_file not allowed within sandbox")]).await;
    assert!(std::path::Path::new(&path).exists());
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    assert_errors(&[
        ("ngx.req.set_body_file()", "expecting 1 or 2 arguments but seen 0"),
        ("ngx.req.set_body_file('a', true, 1)", "expecting 1 or 2 arguments but seen 3"),
        (
            "ngx.req.set_body_file({})",
            "bad argument #1 to 'set_body_file' (string expected, got table)",
        ),
        (
            "ngx.req.set_body_file('a', 1)",
            "bad argument #2 to 'set_body_file' (boolean expected, got number)",
        ),
    ])
    .await;
    for (path, message) in [
        ("/nowhere/at/all", "open() \"/nowhere/at/all\" failed"),
        ("/", "open() \"/\" failed"),
        ("/dev/zero", "more than 100 bytes in \"/dev/zero\""),
    ] {
        let app = App::builder()
            .runtime(|runtime| runtime.max_body_size(100).sandbox(Sandbox::new(UntrustedLua::On)))
            .access(&format!(
                "ngx.req.read_body() local _, why = pcall(ngx.req.set_body_file, '{path}')
                 kong.response.exit(200, why)"
            ))
            .serve()
            .await;
        let text = app.get("/").send().await.text();
        assert!(text.ends_with(message), "{text}");
    }
}

#[tokio::test]
async fn a_body_of_no_length_is_no_variable() {
    let source = "(function()
        ngx.req.discard_body()
        return tostring(ngx.var.request_body), tostring(ngx.req.get_body_data())
     end)()";
    let discarded = App::eval_for(source, |app| app.post("/").body("hello")).await;
    assert_eq!(discarded.text(), "nil, nil");
    assert_eq!(
        App::eval("(function() ngx.req.read_body() return ngx.var.request_body end)()").await,
        "nil"
    );
}
