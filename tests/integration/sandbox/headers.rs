//! Headers that would be more than one.

use crate::support::App;

/// Calls that set the header `x-injected` to, or call it, what has a line break in it.
const REQUEST: &[&str] = &[
    "kong.service.request.set_header('x-a', value)",
    "kong.service.request.add_header('x-a', value)",
    "kong.service.request.set_headers({ ['x-a'] = value })",
    "kong.service.request.set_header('x-a\\r\\nx-injected', 'yes')",
    "ngx.req.set_header('x-a', value)",
    "ngx.req.set_header('x-a', { value, value })",
    "ngx.req.set_header('x-a\\r\\nx-injected', 'yes')",
    "require('ngx.req').add_header('x-a', value)",
    "ngx.var.upstream_x_forwarded_host = value",
    "ngx.var.upstream_host = value",
];

const RESPONSE: &[&str] = &[
    "kong.response.set_header('x-a', value)",
    "kong.response.add_header('x-a', value)",
    "kong.response.set_headers({ ['x-a'] = value })",
    "kong.response.set_header('x-a\\r\\nx-injected', 'yes')",
    "kong.response.exit(200, 'a', { ['x-a'] = value })",
    "kong.response.error(400, 'a', { ['x-a'] = value })",
    "ngx.header['x-a'] = value",
    "ngx.header['x-a\\r\\nx-injected'] = 'yes'",
    "require('ngx.resp').add_header('x-a', value)",
    "ngx.redirect(value)",
];

#[tokio::test]
async fn no_setter_makes_two_headers_of_one() {
    for source in REQUEST.iter().chain(RESPONSE) {
        let app = App::access(&format!(
            "if kong.request.get_method() == 'GET' then return end
             local value = 'a\\r\\nx-injected: yes\\r\\n\\r\\nbody'
             {source}"
        ))
        .await;
        let reply = app.post("/").send().await;
        assert!(!reply.headers.contains_key("x-injected"), "{source}");
        let seen = reply.text();
        assert!(!seen.contains("\"x-injected\""), "{source}: {seen}");
        assert_eq!(app.get("/").send().await.status, 200, "after {source}");
    }
}
