//! What functions reach: modules and objects.

use tower_lua::{Network, Sandbox, UntrustedLua};

use super::App;

/// The names of all modules that there are, as Lua itself has them.
pub async fn modules() -> Vec<String> {
    let app = App::builder()
        .access(
            "local names = {}
             for name in pairs(package.preload) do names[#names + 1] = name end
             for name in pairs(package.loaded) do names[#names + 1] = name end
             kong.response.exit(200, table.concat(names, ' '))",
        )
        .runtime(|runtime| runtime.sandbox(Sandbox::new(UntrustedLua::On).network(Network::any())))
        .serve()
        .await;
    let names = app.get("/").send().await.text();
    let mut names: Vec<_> = names.split(' ').map(str::to_owned).collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 60, "{names:?}");
    names
}

/// Objects that it takes more than a call with anything to make, with a dictionary `dict` and a body
/// of JSON.
pub const OBJECTS: &[&str] = &[
    "require('cjson').new().decode('[[1],{\"a\":[]}]')",
    "(function() local c = require('cjson') c.decode_array_with_array_mt(true)
       return c.decode('[[1],{\"a\":[]}]') end)()",
    "kong.request.get_body('application/json')",
    "kong.response.get_headers()",
    "kong.tracing.start_span('a')",
    "kong.tracing.new('t').start_span('a')",
    "kong.tracing.active_span()",
    "kong.log.new('a', '%message')",
    "kong.configuration.proxy_listeners",
    "ngx.ctx.balancer_data",
    "ngx.ctx.router_matches",
    "ngx.req.get_headers()",
    "ngx.resp.get_headers()",
    "ngx.re.match('ab', '(?<x>a)(b)')",
    "ngx.socket.tcp()",
    "ngx.socket.udp()",
    "ngx.req.socket()",
    "ngx.thread.spawn(function() end)",
    "ngx.shared.dict",
    "ngx.shared.dict:get_keys()",
    "require('kong.plugins.jwt.jwt_parser'):new('e30.e30.e30')",
    "require('ngx.semaphore').new(1)",
    "require('resty.aes'):new('secret')",
    "require('resty.cookie'):new()",
    "require('resty.hmac'):new('k')",
    "require('resty.http').new()",
    "require('resty.jwt'):load_jwt('e30.e30.e30')",
    "require('resty.limit.conn').new('dict', 1, 1, 1)",
    "require('resty.limit.count').new('dict', 1, 1)",
    "require('resty.limit.req').new('dict', 1, 1)",
    "require('resty.lock'):new('dict')",
    "require('resty.lrucache').new(10)",
    "require('resty.mlcache').new('m', 'dict')",
    "require('resty.openssl.bn').new(7)",
    "require('resty.openssl.cipher').new('aes-256-cbc')",
    "require('resty.openssl.digest').new('sha256')",
    "require('resty.openssl.hmac').new('k', 'sha256')",
    "require('resty.openssl.pkey').new({ type = 'EC', curve = 'prime256v1' })",
    "require('resty.openssl.pkey').new({ type = 'EC', curve = 'prime256v1' }):get_parameters()",
    "require('resty.sha256'):new()",
];
