//! The configurations of the plugins, as Kong 3.x has them.

use super::Check::{AtLeastOneOf, Custom, When};
use super::Rule::{Between, Check, GreaterThan, OneOf};
use super::authentication::{ACL, BASIC_AUTH, HMAC_AUTH, JWT, KEY_AUTH};
use super::caching::PROXY_CACHE;
use super::logging::{FILE_LOG, HTTP_LOG, PROMETHEUS};
use super::plugin::{plugin, text, texts};
use super::tables::switch;
use super::telemetry::OPENTELEMETRY;
use super::transformers::{IP_RESTRICTION, REQUEST_TRANSFORMER, RESPONSE_TRANSFORMER};
use super::{Field, Kind, Must, Rule, Schema, Split, custom, functions, rules};

/// The plugins of this gateway, by priority.
pub(crate) const NAMES: [&str; 20] = [
    "pre-function",
    "correlation-id",
    "cors",
    "jwt",
    "key-auth",
    "basic-auth",
    "hmac-auth",
    "ip-restriction",
    "request-size-limiting",
    "acl",
    "rate-limiting",
    "request-transformer",
    "response-transformer",
    "proxy-cache",
    "opentelemetry",
    "prometheus",
    "http-log",
    "file-log",
    "request-termination",
    "post-function",
];

/// What is special about a plugin: its `config`, its `protocols`, its checks.
pub(crate) fn plugin(name: &str) -> Option<&'static Schema> {
    Some(match name {
        "pre-function" => &PRE_FUNCTION,
        "post-function" => &POST_FUNCTION,
        "correlation-id" => &CORRELATION_ID,
        "cors" => &CORS,
        "jwt" => &JWT,
        "key-auth" => &KEY_AUTH,
        "basic-auth" => &BASIC_AUTH,
        "hmac-auth" => &HMAC_AUTH,
        "acl" => &ACL,
        "ip-restriction" => &IP_RESTRICTION,
        "request-transformer" => &REQUEST_TRANSFORMER,
        "response-transformer" => &RESPONSE_TRANSFORMER,
        "proxy-cache" => &PROXY_CACHE,
        "opentelemetry" => &OPENTELEMETRY,
        "prometheus" => &PROMETHEUS,
        "http-log" => &HTTP_LOG,
        "file-log" => &FILE_LOG,
        "request-size-limiting" => &REQUEST_SIZE_LIMITING,
        "rate-limiting" => &RATE_LIMITING,
        "request-termination" => &REQUEST_TERMINATION,
        _ => return None,
    })
}

/// The two function plugins, which differ in what their messages call them.
macro_rules! functions {
    ($static:ident, $name:literal) => {
        plugin!(
            $static,
            [
                phase("certificate", &function(&[Rule::Function($name, "certificate")])),
                phase("rewrite", &function(&[Rule::Function($name, "rewrite")])),
                phase("access", &function(&[Rule::Function($name, "access")])),
                phase("header_filter", &function(&[Rule::Function($name, "header_filter")])),
                phase("body_filter", &function(&[Rule::Function($name, "body_filter")])),
                phase("log", &function(&[Rule::Function($name, "log")])),
                // What Kong's first versions had: functions for `access`.
                Field::new(
                    "functions",
                    Kind::Array(&function(&[Rule::Function($name, "functions")]), Split::Functions)
                )
                .legacy()
                .rules(FUNCTIONS),
                // Ours: whether a request goes on when a function fails.
                Field::new("fail_open", Kind::Boolean).legacy(),
            ],
            [Custom(custom::any_function)]
        );
    };
}

const FUNCTIONS: &[Rule] = &[Rule::LenMax(functions::MAX_FUNCTIONS)];

/// An element of a list of functions.
const fn function(rules: &'static [Rule]) -> Field {
    Field::element(Kind::String).rules(rules)
}

const fn phase(name: &'static str, element: &'static Field) -> Field {
    Field::new(name, Kind::Array(element, Split::Never)).required().default("[]").rules(FUNCTIONS)
}

functions!(PRE_FUNCTION, "pre-function");
functions!(POST_FUNCTION, "post-function");

plugin!(
    of consumers CORRELATION_ID,
    [
        text("header_name").default(r#""Kong-Request-ID""#),
        text("generator").required().default(r#""uuid#counter""#).rules(&[OneOf(&[
            "uuid",
            "uuid#counter",
            "tracker"
        ])]),
        switch("echo_downstream", "false"),
    ],
    []
);

plugin!(
    CORS,
    [
        Field::new(
            "origins",
            Kind::Array(
                &Field::element(Kind::String).rules(&[Check(rules::asterisk_or_regex)]),
                Split::Commas
            )
        ),
        texts("headers"),
        texts("exposed_headers"),
        Field::new(
            "methods",
            Kind::Array(
                &Field::element(Kind::String).rules(&[OneOf(&[
                    "GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT",
                ])]),
                Split::Commas
            )
        )
        .default(r#"["GET","HEAD","PUT","PATCH","POST","DELETE","OPTIONS","TRACE","CONNECT"]"#),
        Field::new("max_age", Kind::Number),
        switch("credentials", "false"),
        switch("private_network", "false"),
        switch("preflight_continue", "false"),
        switch("allow_origin_absent", "true"),
    ],
    []
);

plugin!(
    of consumers REQUEST_SIZE_LIMITING,
    [
        Field::new("allowed_payload_size", Kind::Integer).default("128"),
        text("size_unit").required().default(r#""megabytes""#).rules(&[OneOf(&[
            "megabytes",
            "kilobytes",
            "bytes"
        ])]),
        switch("require_content_length", "false"),
    ],
    []
);

plugin!(
    of consumers RATE_LIMITING,
    [
        period("second"),
        period("minute"),
        period("hour"),
        period("day"),
        period("month"),
        period("year"),
        text("limit_by").default(r#""consumer""#).rules(&[OneOf(&[
            "consumer",
            "credential",
            "ip",
            "service",
            "header",
            "path"
        ])]),
        text("header_name").rules(&[Check(rules::header_name)]),
        text("path").rules(&[Rule::StartsWith("/"), Check(rules::path)]),
        text("policy").default(r#""local""#).rules(&[OneOf(&["local", "cluster", "redis"])]),
        switch("fault_tolerant", "true"),
        Field::new("redis", Kind::Record(&REDIS)),
        // The same, as files for Kong before 3.6 have it.
        text("redis_host").legacy(),
        Field::new("redis_port", Kind::Integer).legacy(),
        Field::new("redis_timeout", Kind::Integer).legacy(),
        text("redis_username").legacy(),
        text("redis_password").rules(&[Rule::LenMin(0)]).legacy(),
        Field::new("redis_database", Kind::Integer).legacy(),
        Field::new("redis_ssl", Kind::Boolean).legacy(),
        Field::new("redis_ssl_verify", Kind::Boolean).legacy(),
        text("redis_server_name").legacy(),
        switch("hide_client_headers", "false"),
        Field::new("error_code", Kind::Number).default("429").rules(&[Between(100, 599)]),
        text("error_message").default(r#""API rate limit exceeded""#),
        Field::new("sync_rate", Kind::Number).required().default("-1"),
    ],
    [
        AtLeastOneOf(&[
            "config.second",
            "config.minute",
            "config.hour",
            "config.day",
            "config.month",
            "config.year"
        ]),
        When {
            field: "config.limit_by",
            is: &["header"],
            unless: false,
            then: "config.header_name",
            must: Must::BeThere,
        },
        When {
            field: "config.limit_by",
            is: &["path"],
            unless: false,
            then: "config.path",
            must: Must::BeThere,
        },
        Custom(custom::periods),
        Custom(custom::redis),
    ]
);

/// Where Kong has counters with the policy `redis`.
static REDIS: Schema = Schema {
    fields: &[
        text("host").rules(&[Check(rules::host)]),
        Field::new("port", Kind::Integer).default("6379").rules(&[Between(0, 65535)]),
        Field::new("timeout", Kind::Integer).default("2000").rules(&[Between(0, (1 << 31) - 2)]),
        text("username"),
        text("password").rules(&[Rule::LenMin(0)]),
        Field::new("database", Kind::Integer).default("0"),
        Field::new("ssl", Kind::Boolean).default("false"),
        Field::new("ssl_verify", Kind::Boolean).default("false"),
        text("server_name").rules(&[Check(rules::wildcard_sni)]),
        Field::new(
            "cluster_nodes",
            Kind::Array(&Field::element(Kind::Record(&REDIS_NODE)), Split::Never),
        )
        .rules(&[Rule::LenMin(1)]),
        Field::new("cluster_max_redirections", Kind::Integer)
            .default("5")
            .rules(&[Between(0, 100)]),
    ],
    checks: &[],
};

/// A server of a cluster, as plugins of Kong Enterprise have it.
static REDIS_NODE: Schema = Schema {
    fields: &[
        text("ip").required().rules(&[Check(rules::host)]),
        Field::new("port", Kind::Integer).required().rules(&[Between(0, 65535)]),
    ],
    checks: &[],
};

const fn period(name: &'static str) -> Field {
    Field::new(name, Kind::Number).rules(&[GreaterThan(0)])
}

plugin!(
    of consumers REQUEST_TERMINATION,
    [
        Field::new("status_code", Kind::Integer)
            .required()
            .default("503")
            .rules(&[Between(100, 599)]),
        text("message"),
        text("content_type"),
        text("body"),
        switch("echo", "false"),
        text("trigger").rules(&[Check(rules::header_name)]),
    ],
    [Custom(custom::termination)]
);
