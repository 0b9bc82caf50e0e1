//! The configuration of `opentelemetry`, as Kong 3.x has it.

use super::Check::Custom;
use super::Rule::{Between, Check, LenMin, OneOf};
use super::logging::{endpoint, queue};
use super::plugin::{HEADER_NAME, plugin, text};
use super::{Field, Kind, Object, Schema, Split};

plugin!(
    pub(super) of consumers OPENTELEMETRY,
    [
        text("traces_endpoint").rules(&[Check(endpoint)]),
        text("logs_endpoint").rules(&[Check(endpoint)]),
        Field::new("headers", Kind::Map { keys: &HEADER_NAME, values: &Field::element(Kind::String) }),
        Field::new(
            "resource_attributes",
            Kind::Map {
                keys: &Field::element(Kind::String),
                values: &Field::element(Kind::String).rules(&[LenMin(1)]),
            }
        ),
        Field::new("queue", Kind::Record(&QUEUE)).required(),
        timeout("connect_timeout", "1000"),
        timeout("send_timeout", "5000"),
        timeout("read_timeout", "5000"),
        text("http_response_header_for_traceid").rules(&[Check(super::rules::header_name)]),
        text("header_type").default(r#""preserve""#).rules(&[OneOf(&[
            "preserve", "ignore", "b3", "b3-single", "w3c", "jaeger", "ot", "aws", "gcp", "datadog",
        ])]),
        Field::new("sampling_rate", Kind::Number).rules(&[Between(0, 1)]),
        Field::new("propagation", Kind::Record(&PROPAGATION)).required(),
        // What files for old versions of Kong have.
        text("endpoint").legacy().rules(&[Check(endpoint)]),
        Field::new("batch_span_count", Kind::Integer).legacy().rules(&[Between(1, 1_000_000)]),
        Field::new("batch_flush_delay", Kind::Integer).legacy().rules(&[Between(0, 3600)]),
    ],
    [Custom(any_endpoint)]
);

queue!(QUEUE, "200");

const fn timeout(name: &'static str, default: &'static str) -> Field {
    Field::new(name, Kind::Integer).default(default).rules(&[Between(0, (1 << 31) - 2)])
}

/// As `AtLeastOneOf`, whose message would name the field of old versions, too.
fn any_endpoint(plugin: &Object) -> Result<(), String> {
    let given = ["traces_endpoint", "logs_endpoint", "endpoint"];
    let config = plugin.get("config");
    let is_given = |name: &str| config.is_some_and(|config| !config[name].is_null());
    given.into_iter().any(is_given).then_some(()).ok_or_else(|| {
        "at least one of these fields must be non-empty: 'config.traces_endpoint', \
         'config.logs_endpoint'"
            .to_owned()
    })
}

/// How what is said of traces in headers is read and written.
static PROPAGATION: Schema = Schema {
    fields: &[
        Field::new("extract", Kind::Array(&EXTRACTED, Split::Commas)),
        Field::new("clear", Kind::Array(&HEADER_NAME, Split::Commas)),
        Field::new("inject", Kind::Array(&INJECTED, Split::Commas)),
        text("default_format").required().default(r#""w3c""#).rules(&[OneOf(&[
            "b3",
            "b3-single",
            "w3c",
            "jaeger",
            "ot",
            "aws",
            "gcp",
            "datadog",
        ])]),
    ],
    checks: &[],
};

static EXTRACTED: Field = Field::element(Kind::String)
    .rules(&[OneOf(&["b3", "w3c", "jaeger", "ot", "aws", "gcp", "datadog"])]);

static INJECTED: Field = Field::element(Kind::String).rules(&[OneOf(&[
    "preserve",
    "b3",
    "b3-single",
    "w3c",
    "jaeger",
    "ot",
    "aws",
    "gcp",
    "datadog",
])]);
