//! `ngx.ctx.balancer_data`: where the request will go.

use serde_json::json;
use tower_lua::{Service, Upstream};

use super::assert_errors;
use crate::support::App;

/// What the service inside is asked for, after `source` has run in `access`.
async fn asked(source: &str) -> String {
    let app = App::builder()
        .extension(
            Service::new(json!({
                "host": "a.example", "port": 8080, "protocol": "http", "retries": 5,
                "connect_timeout": 1000, "write_timeout": 2000, "read_timeout": 3000,
            }))
            .unwrap(),
        )
        .access(source)
        .serve_around(tower::service_fn(async |request: http::Request<_>| {
            let upstream = request.extensions().get::<Upstream>().cloned().unwrap_or_default();
            let text = format!(
                "{:?} {:?} {:?} {:?}",
                upstream.target(),
                upstream.scheme(),
                upstream.retries(),
                upstream.timeouts().map(|timeouts| (timeouts.connect, timeouts.read))
            );
            Ok(http::Response::new(http_body_util::Full::new(bytes::Bytes::from(text))))
        }))
        .await;
    app.get("/").send().await.text()
}

#[tokio::test]
async fn it_tells_what_the_service_has() {
    let text = asked(
        "local data = ngx.ctx.balancer_data
         kong.response.exit(200, table.concat({ data.scheme, data.host, data.port, data.type,
           data.retries, data.connect_timeout, data.send_timeout, data.read_timeout,
           data.try_count, #data.tries, tostring(data.ip), tostring(data.other) }, ' '))",
    );
    assert_eq!(text.await, "http a.example 8080 name 5 1000 2000 3000 0 0 nil nil");
}

#[tokio::test]
async fn what_is_written_leads_the_request() {
    for (source, expected) in [
        ("data.host = 'b.example'", r#"Some(("b.example", 8080)) None None None"#),
        ("data.port = 9", r#"Some(("a.example", 9)) None None None"#),
        ("data.host = '::1' data.port = 9", r#"Some(("::1", 9)) None None None"#),
        ("data.scheme = 'https' data.retries = 0", r#"None Some("https") Some(0) None"#),
        ("data.read_timeout = 50", "None None None Some((1s, 50ms))"),
    ] {
        let source = format!("local data = ngx.ctx.balancer_data {source}");
        assert_eq!(asked(&source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn the_time_to_send_has_two_names() {
    let text = asked(
        "local seen = {}
         local function see()
           local data = ngx.ctx.balancer_data
           seen[#seen + 1] = data.write_timeout .. ' ' .. data.send_timeout
         end
         see()
         ngx.ctx.balancer_data.write_timeout = 7
         see()
         ngx.ctx.balancer_data = { connect_timeout = 1, write_timeout = 1, read_timeout = 1 }
         kong.service.set_timeouts(2, 3, 4)
         see()
         kong.response.exit(200, table.concat(seen, ', '))",
    );
    assert_eq!(text.await, "2000 2000, 7 7, 3 3");
}

#[tokio::test]
async fn it_follows_set_target() {
    let text = asked(
        "kong.service.set_target('10.0.0.1', 81)
         local data = ngx.ctx.balancer_data
         kong.response.exit(200, data.host .. ' ' .. data.port .. ' ' .. data.type .. ' ' .. data.ip)",
    );
    assert_eq!(text.await, "10.0.0.1 81 ipv4 10.0.0.1");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    assert_errors(&[
        ("ngx.ctx.balancer_data = { host = 7 }", "balancer_data.host cannot be set to a number"),
        ("ngx.ctx.balancer_data.host = 7", "balancer_data.host cannot be set to a number"),
        ("ngx.ctx.balancer_data.port = 'a'", "balancer_data.port cannot be set to a string"),
        ("ngx.ctx.balancer_data.scheme = 'ftp'", "balancer_data.scheme cannot be set to a string"),
        ("ngx.ctx.balancer_data.upstream = {}", "balancer_data.upstream cannot be set to a table"),
    ])
    .await;
}

#[tokio::test]
async fn a_table_of_a_functions_own_takes_its_place() {
    for (source, expected) in [
        ("{ host = 'b.example', port = 9 }", r#"Some(("b.example", 9)) None None None"#),
        ("{ port = 9 }", r#"Some(("a.example", 9)) None None None"#),
        (
            "{ scheme = 'https', retries = 2, read_timeout = 50, tries = {}, mine = true }",
            r#"None Some("https") Some(2) Some((1s, 50ms))"#,
        ),
        ("nil", "None None None None"),
    ] {
        for before in ["", "local _ = ngx.ctx.balancer_data.host"] {
            let source = format!("{before} ngx.ctx.balancer_data = {source}");
            assert_eq!(asked(&source).await, expected, "{source}");
        }
    }
}

#[tokio::test]
async fn such_a_table_shows_what_is_set_later() {
    for (set, shown) in [
        ("kong.service.set_target('b.example', 81)", "b.example 81 4 60 70 80 true"),
        ("kong.service.set_upstream('canary')", "canary 8080 4 60 70 80 true"),
        ("kong.service.set_timeouts(1, 2, 3)", "a.example 8080 4 1 2 3 true"),
        ("kong.service.set_retries(5)", "a.example 8080 5 60 70 80 true"),
        ("own.retries = 6", "a.example 8080 6 60 70 80 true"),
        ("own.host = 'c.example'", "c.example 8080 4 60 70 80 true"),
    ] {
        let source = format!(
            "local own = {{ retries = 4, connect_timeout = 60, send_timeout = 70, read_timeout = 80,
               mine = true }}
             ngx.ctx.balancer_data = own
             {set}
             local data = ngx.ctx.balancer_data
             assert(data == own)
             kong.response.exit(200, table.concat({{ data.host, data.port, data.retries,
               data.connect_timeout, data.send_timeout, data.read_timeout, tostring(data.mine) }}, ' '))"
        );
        assert_eq!(asked(&source).await, shown, "{set}");
    }
}

#[tokio::test]
async fn the_table_of_one_request_is_not_that_of_the_next() {
    let app = App::access(
        "if kong.request.get_query_arg('own') then
           ngx.ctx.balancer_data = { host = 'mine', port = 1 }
         end
         kong.response.exit(200, tostring(ngx.ctx.balancer_data.host))",
    )
    .await;
    assert_eq!(app.get("/?own=1").send().await.text(), "mine");
    assert_eq!(app.get("/").send().await.text(), "nil");
}
