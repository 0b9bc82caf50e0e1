//! `kong.configuration`: what the operator has set.

use serde_json::json;
use tower_lua::{Budget, Runtime, Sandbox};

use crate::support::App;

async fn configured(source: &str) -> String {
    let app = App::builder()
        .runtime(|runtime| {
            runtime
                .trusted_ips(["10.0.0.0/8", "192.0.2.7"])
                .budget(Budget::default().memory(64 << 20))
                .sandbox(Sandbox::default().allow_require("cjson").allow_global("os.getenv"))
                .body_buffer_size(4096)
                .configuration(json!({
                    "log_level": "info",
                    "real_ip_header": "X-Client",
                    "anonymous_reports": false,
                    "none": null,
                    "pg_password": "hunter2",
                    "ssl_cert_key": ["/etc/hunter2.key"],
                    "upstreams": [{ "host": "a", "api_key": "hunter2" }],
                    "redis_url": "redis://default:hunter2@cache",
                }))
        })
        .access(&format!(
            "local conf, cjson = kong.configuration, require('cjson')
             local values = {{}}
             local function collect(...)
               for i = 1, select('#', ...) do
                 local value = select(i, ...)
                 values[i] = type(value) == 'table' and cjson.encode(value) or tostring(value)
               end
             end
             collect((function() return {source} end)())
             kong.response.exit(200, table.concat(values, ' '))"
        ))
        .serve()
        .await;
    app.get("/").send().await.text()
}

#[tokio::test]
async fn functions_see_what_the_runtime_is_set_to() {
    for (source, expected) in [
        ("conf.untrusted_lua", "sandbox"),
        ("conf.untrusted_lua_sandbox_requires", r#"["cjson"]"#),
        ("conf.untrusted_lua_sandbox_environment", r#"["os.getenv"]"#),
        ("conf.trusted_ips", r#"["10.0.0.0\/8","192.0.2.7\/32"]"#),
        ("conf.client_body_buffer_size", "4096"),
        ("conf.client_max_body_size", "67108864"),
        ("conf.nginx_worker_processes", "1"),
        ("conf.budget.call_time, conf.budget.memory", "250 67108864"),
        ("conf.database, conf.role", "off traditional"),
        ("conf.node_id == kong.node.get_id()", "true"),
    ] {
        assert_eq!(configured(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn functions_see_what_the_application_registers() {
    for (source, expected) in [
        ("conf.log_level, conf.anonymous_reports, conf.upstreams[1].host", "info false a"),
        ("conf.real_ip_header", "X-Client"),
        ("conf.none, conf.absent, conf[1], conf[{}]", "nil nil nil nil"),
    ] {
        assert_eq!(configured(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn nobody_sees_a_secret() {
    for (source, expected) in [
        ("conf.pg_password, conf.ssl_cert_key, conf.redis_url", "****** ****** ******"),
        ("conf.upstreams[1].api_key", "******"),
        ("conf.remove_sensitive().pg_password, conf.remove_sensitive().log_level", "****** info"),
        ("cjson.encode(conf.remove_sensitive()):find('hunter2')", "nil"),
    ] {
        assert_eq!(configured(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn nobody_can_change_it() {
    for (source, expected) in [
        ("pcall(function() conf.log_level = 'debug' end)", "false cannot write to configuration"),
        ("pcall(function() conf.new = 1 end)", "false cannot write to configuration"),
        ("pcall(function() conf.remove_sensitive = 1 end)", "false cannot write to configuration"),
        ("(function() conf.upstreams[1].host = 'b' return conf.upstreams[1].host end)()", "a"),
        ("next(conf)", "nil"),
    ] {
        assert_eq!(configured(source).await, expected, "{source}");
    }
}

#[tokio::test]
async fn what_has_no_fields_is_no_configuration() {
    let error = Runtime::builder().configuration("hunter2").build().unwrap_err();
    assert_eq!(error.to_string(), "the configuration must be a value with named fields");
}
