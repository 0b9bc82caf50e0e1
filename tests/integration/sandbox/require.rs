//! `require` of the crate's own modules.

use tower_lua::{Sandbox, UntrustedLua};

use super::eval_in;

const SAFE: [&str; 66] = [
    "bit",
    "cjson",
    "cjson.safe",
    "kong.constants",
    "kong.meta",
    "kong.plugins.jwt.jwt_parser",
    "kong.resty.mlcache",
    "kong.tools.gzip",
    "kong.tools.http",
    "kong.tools.ip",
    "kong.tools.rand",
    "kong.tools.string",
    "kong.tools.table",
    "kong.tools.time",
    "kong.tools.utils",
    "kong.tools.uuid",
    "ngx.base64",
    "ngx.errlog",
    "ngx.pipe",
    "ngx.process",
    "ngx.re",
    "ngx.req",
    "ngx.resp",
    "resty.aes",
    "resty.cookie",
    "resty.core",
    "resty.core.base",
    "resty.hmac",
    "resty.jit-uuid",
    "resty.jwt",
    "resty.jwt-validators",
    "resty.limit.conn",
    "resty.limit.count",
    "resty.limit.req",
    "resty.limit.traffic",
    "resty.lock",
    "resty.lrucache",
    "resty.lrucache.pureffi",
    "resty.md5",
    "resty.mlcache",
    "resty.openssl",
    "resty.openssl.bn",
    "resty.openssl.cipher",
    "resty.openssl.digest",
    "resty.openssl.hmac",
    "resty.openssl.kdf",
    "resty.openssl.mac",
    "resty.openssl.pkey",
    "resty.openssl.rand",
    "resty.openssl.version",
    "resty.openssl.x509",
    "resty.random",
    "resty.sha1",
    "resty.sha224",
    "resty.sha256",
    "resty.sha384",
    "resty.sha512",
    "resty.string",
    "string.buffer",
    "tablepool",
    "table.clear",
    "table.clone",
    "table.isarray",
    "table.isempty",
    "table.new",
    "table.nkeys",
];

#[tokio::test]
async fn modules_that_touch_nothing_outside_are_allowed_unless_the_operator_says_no() {
    for name in SAFE {
        let expression = format!("type(require('{name}'))");
        let kind = if name.starts_with("table.") { "function" } else { "table" };
        assert_eq!(eval_in(Sandbox::default(), &expression).await, kind);
        let strict = Sandbox::default().safe_modules(false);
        let denied = format!("require '{name}' not allowed within sandbox");
        assert_eq!(eval_in(strict.clone(), &expression).await, denied);
        let listed = strict.allow_require(name);
        assert_eq!(eval_in(listed, &expression).await, kind);
        let open = Sandbox::new(UntrustedLua::On);
        assert_eq!(eval_in(open, &expression).await, kind);
    }
}

#[tokio::test]
async fn ngx_is_a_module_where_there_is_no_sandbox() {
    let same = "require('ngx') == ngx and require('ngx').var ~= nil";
    assert_eq!(eval_in(Sandbox::new(UntrustedLua::On), same).await, "true");
    let denied = "require 'ngx' not allowed within sandbox";
    assert_eq!(eval_in(Sandbox::default(), same).await, denied);
}

#[tokio::test]
async fn other_modules_need_permission() {
    for name in ["io", "os", "ffi", "package", "string", "resty.http", "table.nothing", ""] {
        let expression = format!("require('{name}')");
        let denied = format!("require '{name}' not allowed within sandbox");
        assert_eq!(eval_in(Sandbox::default(), &expression).await, denied);
    }
}
