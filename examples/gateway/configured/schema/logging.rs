//! The configurations of the plugins that tell others of requests, as Kong 3.x has them.

use http::Uri;

use super::Rule::{Between, Check, GreaterThan, OneOf};
use super::plugin::{plugin, text};
use super::rules::{Checked, check, header_name};
use super::tables::switch;
use super::{Field, Kind, Rule, Schema};

/// Values for the log, each with the function that makes it.
macro_rules! custom_fields {
    ($plugin:literal) => {
        Field::new(
            "custom_fields_by_lua",
            Kind::Map {
                keys: &Field::element(Kind::String),
                values: &Field::element(Kind::String)
                    .rules(&[Rule::Function($plugin, "custom_fields_by_lua")]),
            },
        )
    };
}

plugin!(
    pub(super) of consumers FILE_LOG,
    [
        text("path").required().rules(&[Check(file_name)]),
        switch("reopen", "false"),
        custom_fields!("file-log"),
    ],
    []
);

plugin!(
    pub(super) of consumers HTTP_LOG,
    [
        text("http_endpoint").required().rules(&[Check(endpoint)]),
        text("method").default(r#""POST""#).rules(&[OneOf(&["POST", "PUT", "PATCH"])]),
        text("content_type").default(r#""application/json""#).rules(&[OneOf(&[
            "application/json",
            "application/json; charset=utf-8"
        ])]),
        Field::new("timeout", Kind::Number).default("10000").rules(&[GreaterThan(0)]),
        Field::new("keepalive", Kind::Number).default("60000").rules(&[GreaterThan(0)]),
        // Kong: believes every certificate unless it is told not to.
        switch("ssl_verify", "true"),
        Field::new(
            "headers",
            Kind::Map {
                keys: &Field::element(Kind::String).rules(&[Check(free_header)]),
                values: &Field::element(Kind::String),
            }
        ),
        Field::new("queue", Kind::Record(&QUEUE)).required(),
        custom_fields!("http-log"),
        // What files for Kong before 3.3 have in place of the queue.
        Field::new("retry_count", Kind::Integer).legacy(),
        Field::new("queue_size", Kind::Integer).legacy().rules(&[GreaterThan(0)]),
        Field::new("flush_timeout", Kind::Number).legacy().rules(&[Between(0, 3600)]),
    ],
    []
);

plugin!(
    pub(super) of consumers PROMETHEUS,
    [
        switch("per_consumer", "false"),
        switch("status_code_metrics", "false"),
        switch("latency_metrics", "false"),
        switch("bandwidth_metrics", "false"),
        switch("upstream_health_metrics", "false"),
        switch("ai_metrics", "false"),
        switch("wasm_metrics", "false"),
    ],
    []
);

/// Declares how entries wait, and how often they are sent: so many at a time, where nothing is said.
macro_rules! queue {
    ($static:ident, $batch:literal) => {
        static $static: Schema = Schema {
            fields: &[
                $crate::configured::schema::logging::count("max_batch_size", $batch),
                Field::new("max_coalescing_delay", Kind::Number)
                    .default("1")
                    .rules(&[$crate::configured::schema::Rule::Between(0, 3600)]),
                $crate::configured::schema::logging::count("max_entries", "10000"),
                Field::new("max_bytes", Kind::Integer)
                    .rules(&[$crate::configured::schema::Rule::GreaterThan(0)]),
                $crate::configured::schema::logging::delay("initial_retry_delay", "0.01"),
                Field::new("max_retry_time", Kind::Number)
                    .default("60")
                    .rules(&[$crate::configured::schema::Rule::Between(0, 1_000_000)]),
                $crate::configured::schema::logging::delay("max_retry_delay", "60"),
                Field::new("concurrency_limit", Kind::Integer)
                    .default("1")
                    .rules(&[$crate::configured::schema::Rule::OneOfIntegers(&[-1, 1])]),
            ],
            checks: &[],
        };
    };
}
pub(super) use queue;

queue!(QUEUE, "1");

pub(super) const fn count(name: &'static str, default: &'static str) -> Field {
    Field::new(name, Kind::Integer).default(default).rules(&[Between(1, 1_000_000)])
}

pub(super) const fn delay(name: &'static str, default: &'static str) -> Field {
    Field::new(name, Kind::Number).default(default).rules(&[GreaterThan(0), Between(0, 1_000_000)])
}

fn file_name(path: &str) -> Checked {
    check(!path.contains(['*', '&', '%', '\\', '`']), || "not a valid filename".to_owned())
}

pub(super) fn endpoint(url: &str) -> Checked {
    let uri: Uri = url.parse().map_err(|_| format!("'{url}' is not a url"))?;
    check(uri.host().is_some_and(|host| !host.is_empty()), || "missing host in url".to_owned())?;
    check(matches!(uri.scheme_str(), Some("http" | "https")), || {
        "expected a url that begins with http:// or https://".to_owned()
    })
}

/// A header that the plugin itself does not set.
fn free_header(name: &str) -> Checked {
    header_name(name)?;
    let other = match name.to_ascii_lowercase().as_str() {
        "host" => "must be specified in the 'http_endpoint' attribute",
        "content-type" => "must be specified in the 'content_type' attribute",
        "content-length" => "is that of the entries",
        _ => return Ok(()),
    };
    Err(format!("cannot contain '{name}' header, which {other}"))
}
