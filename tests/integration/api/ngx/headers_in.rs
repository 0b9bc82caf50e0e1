//! The request's headers.

use super::{assert_errors, assert_values};
use crate::support::App;

/// What the service gets as the header `name`, after `source` has run.
async fn sent(name: &str, source: &str) -> serde_json::Value {
    let app = App::access(source).await;
    let call = app.get("/").header("x-old", "one").header("x-old", "two");
    call.send().await.json()["headers"][name].take()
}

#[tokio::test]
async fn a_header_is_found_by_any_spelling() {
    for key in ["['x-api-key']", "['X-API-Key']", ".x_api_key", ".X_Api_KEY"] {
        let source = format!("ngx.req.get_headers(){key}");
        let call = |app: &App| app.get("/").header("X-Api-Key", "secret");
        assert_eq!(App::eval_for(&source, call).await.text(), "secret", "{key}");
    }
    assert_eq!(App::eval("ngx.req.get_headers().no_such_header").await, "nil");
}

#[tokio::test]
async fn names_are_in_lower_case() {
    let source = "(function() local found \
                  for name in pairs(ngx.req.get_headers()) do \
                  if name:find('api') then found = name end end return found end)()";
    let reply = App::eval_for(source, |app| app.get("/").header("X-Api-Key", "secret")).await;
    assert_eq!(reply.text(), "x-api-key");
}

#[tokio::test]
async fn several_values_are_an_array_in_their_order() {
    let reply = App::eval_for("ngx.req.get_headers()['x-old']", |app| {
        app.get("/").header("x-old", "b").header("x-old", "").header("x-old", "a")
    });
    assert_eq!(reply.await.text(), r#"["b","","a"]"#);
}

#[tokio::test]
async fn a_hundred_headers_are_given_unless_another_number_is_named() {
    for (max, given) in [
        ("", "100, truncated"),
        ("-1", "100, truncated"),
        ("7", "7, truncated"),
        ("0", "many, nil"),
    ] {
        let source = format!(
            "(function()
               local values = {{}}
               for i = 1, 150 do values[i] = 'v' .. i end
               ngx.req.set_header('x-many', values)
               local headers, err = ngx.req.get_headers({max})
               local count = 0
               for _, value in pairs(headers) do
                 count = count + (type(value) == 'table' and #value or 1)
               end
               return count > 150 and 'many' or count, err
             end)()"
        );
        assert_eq!(App::eval(&source).await, given, "{max}");
    }
    let message = "bad argument #1 to 'get_headers' (number expected, got table)";
    assert_errors(&[("ngx.req.get_headers({})", message)]).await;
}

#[tokio::test]
async fn the_service_gets_what_was_set() {
    for (value, text) in [
        ("'new'", "new"),
        ("5", "5"),
        ("1.5", "1.5"),
        ("true", "true"),
        ("{'a', 2, false}", "a|2|false"),
    ] {
        let source = format!("ngx.req.set_header('X-Old', {value})");
        assert_eq!(sent("x-old", &source).await, text, "{value}");
    }
}

#[tokio::test]
async fn later_functions_see_what_was_set() {
    let app = App::builder()
        .rewrite("ngx.req.set_header('X-User', 'ann')")
        .access("kong.response.exit(200, ngx.req.get_headers()['x-user'])")
        .serve()
        .await;
    assert_eq!(app.get("/").header("x-user", "bob").send().await.text(), "ann");
}

#[tokio::test]
async fn nothing_and_the_empty_string_clear_a_header() {
    for source in [
        "ngx.req.set_header('x-old', nil)",
        "ngx.req.set_header('x-old', '')",
        "ngx.req.set_header('x-old', {})",
        "ngx.req.clear_header('X-OLD')",
    ] {
        assert_eq!(sent("x-old", source).await, serde_json::Value::Null, "{source}");
    }
}

#[tokio::test]
async fn what_is_not_there_can_be_cleared() {
    assert_eq!(
        sent("x-old", "ngx.req.clear_header('x-none') ngx.req.clear_header()").await,
        "one|two"
    );
}

#[tokio::test]
async fn a_request_header_keeps_its_underscores() {
    assert_eq!(sent("x_new", "ngx.req.set_header('x_new', 'yes')").await, "yes");
    assert_eq!(sent("x-old", "ngx.req.clear_header('x_old')").await, "one|two");
}

#[tokio::test]
async fn of_several_values_the_last_counts_where_there_can_be_one() {
    for name in ["user-agent", "content-type", "authorization", "host"] {
        let source = format!("ngx.req.set_header('{name}', {{'a', 'b'}})");
        assert_eq!(sent(name, &source).await, "b", "{name}");
    }
    assert_eq!(sent("cookie", "ngx.req.set_header('Cookie', {'a=1', 'b=2'})").await, "a=1|b=2");
}

#[tokio::test]
async fn bytes_that_cannot_stand_in_a_header_are_encoded() {
    assert_eq!(
        sent("x-new", "ngx.req.set_header('x-new', 'a\\r\\nb\\0\\tc')").await,
        "a%0D%0Ab%00\tc"
    );
    assert_eq!(sent("x%20new%3a%ff", "ngx.req.set_header('x new:\\255', 'yes')").await, "yes");
    let source = "ngx.req.set_header('x\\255', 'yes') ngx.req.clear_header('x\\255')";
    assert_eq!(sent("x%ff", source).await, serde_json::Value::Null);
}

#[tokio::test]
async fn what_no_service_could_read_is_refused() {
    let failed = "failed to set header";
    assert_errors(&[
        ("ngx.req.set_header(nil, 'x')", "bad 'name' argument: string expected, got nil"),
        ("ngx.req.set_header('', 'x')", "header name must not be empty"),
        ("ngx.req.set_header('Content-Length', 'many')", failed),
        ("ngx.req.set_header('Content-Length', '-1')", failed),
        ("ngx.req.set_header('Content-Length', ('9'):rep(30))", failed),
        ("ngx.req.set_header('Host', 'a/b')", failed),
        ("ngx.req.set_header('Host', 'a..b')", failed),
        ("ngx.req.set_header('Host', ':80')", failed),
        (
            "ngx.req.set_header('x', ('x'):rep(200000))",
            "header value too long: 200000 bytes (limit: 131072)",
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_host_of_a_request_can_be_changed() {
    let source = "(function() ngx.req.set_header('Host', 'Example.com:8080') return ngx.var.host, \
                  ngx.var.http_host end)()";
    assert_values(&[(source, "example.com, Example.com:8080")]).await;
}

#[tokio::test]
async fn the_head_can_be_had_as_one_text() {
    let app = App::access("kong.response.exit(200, ngx.req.raw_header())").await;
    let request = "POST /a%20b?c HTTP/1.1\r\nHost: x\r\nX-Many: 1\r\nX-Many: 2\r\n";
    let answer = app.raw(&format!("{request}Content-Length: 0\r\nConnection: close\r\n\r\n")).await;
    let (_, head) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /a%20b?c HTTP/1.1");
    assert_eq!(lines.split_off(lines.len() - 2), ["", ""]);
    lines.sort_unstable();
    let headers = ["connection: close", "content-length: 0", "host: x", "x-many: 1", "x-many: 2"];
    assert_eq!(lines, headers);
}

#[tokio::test]
async fn the_head_can_be_had_without_its_first_line() {
    let source = "ngx.req.raw_header(true):match('^host: ') ~= nil, \
                  ngx.req.raw_header(false):match('^GET / HTTP/1.1\\r\\nhost') ~= nil";
    assert_eq!(App::eval(source).await, "true, true");
}

#[tokio::test]
async fn http_2_has_no_head_of_text() {
    let source = "(pcall(ngx.req.raw_header)), select(2, pcall(ngx.req.raw_header))";
    let reply = App::eval_for(source, |app| app.get("/").http2()).await;
    assert_eq!(reply.text(), "false, http2 requests not supported yet");
}

#[tokio::test]
async fn raw_names_are_as_functions_write_them() {
    let source = "(function()
        ngx.req.set_header('X-custom-AUTH', '1')
        local raw, n = ngx.req.get_headers(0, true), ngx.req.get_headers()
        return raw['X-custom-AUTH'] .. tostring(raw['x-custom-auth']) .. n['X-CUSTOM-auth']
     end)(), ngx.req.raw_header():find('X-custom-AUTH: 1', 1, true) ~= nil";
    assert_eq!(App::eval(source).await, "1nil1, true");
}

#[tokio::test]
async fn raw_names_are_as_the_application_says_that_they_came() {
    let source = "(function()
        local raw = ngx.req.get_headers(0, true)
        ngx.req.set_header('x-mine', '1')
        return raw['X-UPPER'], tostring(raw['x-upper']), ngx.req.get_headers(0, true)['x-mine']
     end)()";
    let upper = |headers: &http::HeaderMap, _: &http::Extensions| {
        headers.iter().map(|(name, _)| name.as_str().to_ascii_uppercase()).collect()
    };
    let app = App::builder().runtime(|runtime| runtime.header_names(upper));
    let app = app.access(&format!("kong.response.exit(200, table.concat({{ {source} }}, ' '))"));
    let app = app.serve().await;
    let reply = app.get("/").header("x-upper", "1").send().await;
    assert_eq!(reply.text(), "1 nil 1");
    let app = App::builder().runtime(|runtime| runtime.header_names(|_, _| vec!["X-Lie".into()]));
    let app = app.access("kong.response.exit(200, ngx.req.get_headers(0, true)['x-upper'])");
    assert_eq!(app.serve().await.get("/").header("x-upper", "1").send().await.text(), "1");
}
