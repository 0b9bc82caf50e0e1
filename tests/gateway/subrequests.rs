//! `ngx.location.capture`: functions ask for the gateway's own paths.

use crate::support::{Gateway, echo_upstream};

/// The answer to `/outer`, whose function is `source`; `/inner` goes to the echo service.
async fn gateway(source: &str) -> Gateway {
    let upstream = echo_upstream().await;
    let file = serde_json::json!({
        "_format_version": "3.0",
        "services": [
            { "name": "outer", "url": format!("http://{upstream}"), "routes": [{
                "paths": ["/outer"],
                "plugins": [{ "name": "pre-function", "config": { "access": [source] } }],
            }] },
            { "name": "inner", "url": format!("http://{upstream}"), "routes": [{
                "paths": ["/inner"],
                "plugins": [{ "name": "pre-function", "config": {
                    "access": ["kong.service.request.set_header('x-sub', tostring(ngx.is_subrequest))"],
                    "log": ["kong.log.err('a line of the log phase')"],
                } }],
            }] },
        ],
    });
    Gateway::of_file(&file.to_string())
}

#[tokio::test]
async fn a_subrequest_takes_the_way_of_any_request() {
    let gateway = gateway(
        "local res = ngx.location.capture('/inner/a?b=1', {
           method = ngx.HTTP_POST, body = 'hello',
         })
         kong.response.exit(res.status, res.body, { ['x-id'] = res.header['X-Kong-Request-Id'] })",
    )
    .await;
    let reply = gateway.get("/outer").header("x-from", "client").send().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = reply.json();
    assert_eq!((&seen["method"], &seen["uri"]), (&"POST".into(), &"/a?b=1".into()));
    assert_eq!(seen["body"], "hello");
    assert_eq!(
        (&seen["headers"]["x-sub"], &seen["headers"]["x-from"]),
        (&"true".into(), &"client".into())
    );
    assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(reply.header("x-id"), reply.header("x-kong-request-id"), "they are one");
}

#[tokio::test]
async fn neither_the_access_log_nor_functions_of_log_tell_of_it() {
    let gateway = gateway(
        "local a, b = ngx.location.capture_multi({ { '/inner' }, { '/nowhere' } })
         kong.log.err('they said ', a.status, ' ', b.status)
         kong.response.exit(204)",
    )
    .await;
    assert_eq!(gateway.get("/outer").send().await.status, 204);
    gateway.get("/outer/end").send().await;
    let log = gateway.logged_until("/outer/end");
    assert!(log.contains("they said 200 404"), "{log}");
    assert!(log.contains("GET /outer "), "{log}");
    assert!(!log.contains("GET /inner") && !log.contains("a line of the log phase"), "{log}");
}

#[tokio::test]
async fn one_that_makes_itself_comes_to_an_end() {
    let gateway = gateway(
        "local ok, res = pcall(ngx.location.capture, '/outer')
         kong.response.exit(200, ok and res.body or res)",
    )
    .await;
    let text = gateway.get("/outer").send().await.text();
    assert!(text.ends_with("subrequests cycle while processing \"/outer\""), "{text}");
}
