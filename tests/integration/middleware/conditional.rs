//! Requests with conditions, and responses that functions have made.

use tower_lua::Phase;

use crate::support::App;

const THEN: &str = "Mon, 28 Sep 1970 06:00:00 GMT";
const LATER: &str = "Tue, 29 Sep 1970 06:00:00 GMT";
const BEFORE: &str = "Sun, 27 Sep 1970 06:00:00 GMT";

#[tokio::test]
async fn a_response_of_a_function_is_what_the_conditions_make_of_it() {
    let answers = [
        "return kong.response.exit(200, 'hello')",
        "ngx.say('hello') return ngx.exit(200)",
        "ngx.print('hello')",
    ];
    for answer in answers {
        let set =
            format!(r#"ngx.header.etag = '"a"' ngx.header.last_modified = '{THEN}' {answer}"#);
        let once = App::access(&set).await;
        let filtered = App::builder()
            .access(&set)
            .header_filter("kong.response.set_header('x-status', ngx.status)")
            .serve()
            .await;
        for (name, value, status) in [
            ("if-none-match", r#""a""#, 304),
            ("if-none-match", r#""b", W/"a""#, 304),
            ("if-none-match", "*", 304),
            ("if-none-match", r#""b""#, 200),
            ("if-modified-since", THEN, 304),
            ("if-modified-since", LATER, 200),
            ("if-modified-since", "nonsense", 200),
            ("if-match", r#""a""#, 200),
            ("if-match", r#""b""#, 412),
            ("if-match", r#"W/"a""#, 412),
            ("if-unmodified-since", THEN, 200),
            ("if-unmodified-since", BEFORE, 412),
        ] {
            for call in [once.get("/"), filtered.get("/"), once.get("/").http2()] {
                let reply = call.header(name, value).send().await;
                assert_eq!(reply.status, status, "{answer}: {name}: {value}");
                assert_eq!(reply.header("etag"), r#""a""#);
                if status == 304 {
                    assert!(reply.body.is_empty());
                    assert_eq!(
                        (reply.header("content-length"), reply.header("content-type")),
                        ("", "")
                    );
                }
            }
        }
        let seen = filtered.get("/").header("if-none-match", "*").send().await;
        assert_eq!(seen.header("x-status"), "304");
    }
}

#[tokio::test]
async fn conditions_are_for_successes_of_functions_alone() {
    let app = App::access("ngx.header.etag = 'a' return kong.response.exit(404, 'no')").await;
    assert_eq!(app.get("/").header("if-none-match", "*").send().await.status, 404);
    let app = App::access("ngx.header.etag = 'a' ngx.resp.bypass_if_checks() ngx.say('yes')").await;
    assert_eq!(app.get("/").header("if-none-match", "*").send().await.status, 200);
    // What a service answers is its own affair.
    let app = App::builder().post_function(Phase::Access, "ngx.header.etag = 'a'").serve().await;
    assert_eq!(app.get("/").header("if-none-match", "*").send().await.status, 200);
}
