//! Where spans, numbers and the log go beside files: flags, with the names that OpenTelemetry and Kong
//! have for them as environment variables.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tower_lua::RuntimeBuilder;

use crate::flags::{number, time};
use crate::request::plugins::opentelemetry::{Defaults, Endpoint};
use crate::request::trace::{Instrumentations, Sink, Tracer};

/// What is told of requests and functions, and whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Telemetry")]
pub(crate) struct TelemetryConfig {
    /// Log calls of functions that take so long or longer from beginning to end, and where they were
    /// then: `50ms`, `1s`.
    #[arg(long, value_parser = time, value_name = "TIME")]
    slow_function: Option<Duration>,

    /// A server that speaks OTLP over HTTP, which gets the spans of all requests, all numbers and the log:
    /// `http://collector:4318`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = url, value_name = "URL")]
    otlp_endpoint: Option<String>,

    /// Headers for that server, as `name=value`, separated by commas.
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_HEADERS",
        value_delimiter = ',',
        value_parser = header,
        hide_env_values = true,
        value_name = "NAME=VALUE"
    )]
    otlp_headers: Vec<(String, String)>,

    /// What the gateway calls itself there.
    #[arg(long, env = "OTEL_SERVICE_NAME", default_value = "gateway", value_name = "NAME")]
    service_name: String,

    /// How often numbers are sent there, in milliseconds.
    #[arg(
        long,
        env = "OTEL_METRIC_EXPORT_INTERVAL",
        default_value_t = 60_000,
        value_parser = number::<u64>(10..=86_400_000),
        allow_negative_numbers = true,
        value_name = "MS"
    )]
    metric_export_interval: u64,

    /// Which spans there are: `off`, `all`, or some of `request`, `balancer`, `http_client`,
    /// `plugin_rewrite`, `plugin_access` and `plugin_header_filter`. All with --otlp-endpoint, when
    /// nothing is said, and none without.
    #[arg(
        long,
        env = "KONG_TRACING_INSTRUMENTATIONS",
        value_delimiter = ',',
        value_parser = instrumentation,
        value_name = "NAME"
    )]
    tracing_instrumentations: Vec<String>,

    /// The part of traces that are sent, from 0 to 1, of those whose clients have not decided. All of
    /// --otlp-endpoint, when nothing is said, and 0.01 of the plugin opentelemetry, as in Kong.
    #[arg(
        long,
        env = "KONG_TRACING_SAMPLING_RATE",
        value_parser = number::<f64>(0.0..=1.0),
        value_name = "RATE"
    )]
    tracing_sampling_rate: Option<f64>,
}

impl TelemetryConfig {
    /// The server, if there is one.
    pub(crate) fn endpoint(&self, node_id: &str) -> Option<Endpoint> {
        Some(Endpoint {
            url: self.otlp_endpoint.clone()?,
            headers: self.otlp_headers.iter().cloned().collect(),
            service_name: self.service_name.clone(),
            node_id: node_id.to_owned(),
        })
    }

    /// How often it gets numbers.
    pub(crate) const fn interval(&self) -> Duration {
        Duration::from_millis(self.metric_export_interval)
    }

    fn instrumentations(&self) -> Instrumentations {
        let names = &self.tracing_instrumentations;
        let has = |name: &str| names.iter().any(|known| known == name);
        match () {
            () if has("off") => Instrumentations::Off,
            () if has("all") => Instrumentations::All,
            () if !names.is_empty() => Instrumentations::Some(names.clone()),
            () if self.otlp_endpoint.is_some() => Instrumentations::All,
            () => Instrumentations::Off,
        }
    }

    /// What plugins go by.
    pub(crate) fn defaults(&self, node_id: &str) -> Defaults {
        let (instrumentations, rate) = (self.instrumentations(), self.tracing_sampling_rate);
        Defaults { instrumentations, rate, node_id: node_id.to_owned() }
    }

    /// Who begins traces; `sink` gets those of all requests. Where there are to be no spans, requests are
    /// part of no trace but their client's.
    pub(crate) fn tracer(&self, sink: Option<Sink>) -> Arc<Tracer> {
        let (instrumentations, rate) = (self.instrumentations(), self.tracing_sampling_rate);
        let sink = sink.filter(|_| !matches!(instrumentations, Instrumentations::Off));
        Arc::new(Tracer { instrumentations, rate, sink })
    }

    /// Tells a runtime which calls are slow, and what functions see of the rest in `kong.configuration`.
    pub(crate) fn tell(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let builder = builder.configuration(self.shown());
        match self.slow_function {
            Some(time) => builder.slow_function(time),
            None => builder,
        }
    }

    fn shown(&self) -> Value {
        let instrumentations = match self.instrumentations() {
            Instrumentations::Off => json!(["off"]),
            Instrumentations::All => json!(["all"]),
            Instrumentations::Some(names) => json!(names),
        };
        json!({
            "tracing_instrumentations": instrumentations,
            "tracing_sampling_rate": self.tracing_sampling_rate.unwrap_or(0.01),
        })
    }
}

/// Kong's names. Of some there is no span here.
const INSTRUMENTATIONS: [&str; 10] = [
    "off",
    "all",
    "request",
    "db_query",
    "dns_query",
    "router",
    "http_client",
    "balancer",
    "plugin_rewrite",
    "plugin_access",
];
const LAST: &str = "plugin_header_filter";

fn instrumentation(text: &str) -> Result<String, String> {
    let name = text.trim();
    if INSTRUMENTATIONS.contains(&name) || name == LAST {
        return Ok(name.to_owned());
    }
    Err(format!("expected some of {}, {LAST}", INSTRUMENTATIONS.join(", ")))
}

fn url(text: &str) -> Result<String, &'static str> {
    let uri: Option<http::Uri> = text.parse().ok();
    let is_http = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
    });
    is_http.then(|| text.to_owned()).ok_or("expected a URL, as in http://collector:4318")
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let expected = "expected a header, as in api-key=secret";
    let (name, value) = text.split_once('=').ok_or(expected)?;
    let (name, value) = (name.trim(), value.trim());
    let is_sound =
        name.parse::<http::HeaderName>().is_ok() && http::HeaderValue::try_from(value).is_ok();
    is_sound.then(|| (name.to_owned(), value.to_owned())).ok_or(expected)
}
