//! `opentelemetry`: the spans and the log of requests for a server that speaks OTLP.

mod encode;
mod logs;
mod propagation;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::{Service, ServiceExt};
use tower_lua::{TraceId, TraceSpan};

use self::logs::LogSink;
pub(crate) use self::logs::hear;
use self::propagation::{ALL, Format};
pub(crate) use self::whole::{Endpoint, Numbers, Telling, Whole};
use super::logging::{Export, Logs};
use super::outward::Outward;
use super::queue::QueueConfig;
use super::receiver::Destination;
use super::{Around, Body, Next, once};
use crate::BoxError;
use crate::request::flight::Flight;
use crate::request::trace::{
    Instrumentations, KONGS_RATE, RequestTrace, Sink, TRACEPARENT, is_among,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    #[serde(default)]
    traces_endpoint: Option<String>,
    #[serde(default)]
    logs_endpoint: Option<String>,
    #[serde(default)]
    endpoint: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    resource_attributes: BTreeMap<String, String>,
    queue: QueueConfig,
    #[serde(default)]
    batch_span_count: Option<usize>,
    #[serde(default)]
    batch_flush_delay: Option<f64>,
    connect_timeout: f64,
    send_timeout: f64,
    read_timeout: f64,
    #[serde(default)]
    http_response_header_for_traceid: Option<String>,
    #[serde(default)]
    header_type: Option<HeaderType>,
    #[serde(default)]
    sampling_rate: Option<f64>,
    propagation: Propagation,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HeaderType {
    Preserve,
    Ignore,
    #[serde(untagged)]
    As(Format),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Propagation {
    #[serde(default)]
    extract: Option<Vec<Format>>,
    #[serde(default)]
    clear: Option<Vec<String>>,
    #[serde(default)]
    inject: Option<Vec<Injected>>,
    default_format: Format,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Injected {
    /// As the client has said it.
    Preserve,
    #[serde(untagged)]
    As(Format),
}

struct OpenTelemetry {
    spans: Option<Sink>,
    logs: Option<LogSink>,
    response_header: Option<HeaderName>,
    /// Which part of traces is wanted. Nothing, where tracing is off.
    rate: Option<f64>,
    extract: Vec<Format>,
    clear: Vec<HeaderName>,
    inject: Vec<Injected>,
    default_format: Format,
}

/// How the flags have it.
pub(crate) struct Defaults {
    pub(crate) instrumentations: Instrumentations,
    pub(crate) rate: Option<f64>,
    pub(crate) node_id: String,
}

pub(super) fn layer(
    config: &Config,
    logs: &Logs,
    outward: &Arc<Outward>,
    defaults: &Defaults,
) -> Result<Arc<dyn Around>, BoxError> {
    let mut attributes = attributes("kong", &defaults.node_id);
    let own = config.resource_attributes.iter();
    attributes.extend(own.map(|(name, value)| (name.clone(), Value::from(value.clone()))));
    let resource = encode::resource(&attributes);
    let mut queue = config.queue.clone();
    queue.max_batch_size = config.batch_span_count.unwrap_or(queue.max_batch_size);
    queue.max_coalescing_delay = config.batch_flush_delay.unwrap_or(queue.max_coalescing_delay);
    let spans = config.traces_endpoint.as_ref().or(config.endpoint.as_ref());
    let spans = spans.map(|url| {
        let to = config.destination(url);
        span_sink(&Via { logs, outward }, queue.clone(), &to, resource.clone())
    });
    let told = config.logs_endpoint.as_ref().map(|url| {
        let to = config.destination(url);
        logs::sink(&Via { logs, outward }, queue.clone(), &to, resource.clone())
    });
    let is_on = !matches!(defaults.instrumentations, Instrumentations::Off);
    let rate = config.sampling_rate.or(defaults.rate).unwrap_or(KONGS_RATE);
    let (extract, inject) = config.formats();
    let names = config.propagation.clear.iter().flatten();
    Ok(Arc::new(Arc::new(OpenTelemetry {
        spans: spans.transpose()?,
        logs: told.transpose()?,
        response_header: config
            .http_response_header_for_traceid
            .as_ref()
            .map(|name| name.parse())
            .transpose()?,
        rate: is_on.then_some(rate),
        extract,
        clear: names.map(|name| name.parse()).collect::<Result<_, _>>()?,
        inject,
        default_format: config.propagation.default_format,
    })))
}

/// What takes something away, and over which connections.
struct Via<'a> {
    logs: &'a Logs,
    outward: &'a Arc<Outward>,
}

/// Who takes spans to a server.
fn span_sink(
    via: &Via<'_>,
    queue: QueueConfig,
    to: &Destination,
    resource: Resource,
) -> Result<Sink, BoxError> {
    let encode = move |spans: Vec<Span>| encode::spans(&resource, spans);
    let export: Export<Span> =
        via.logs.export("opentelemetry:traces", queue, to, via.outward, encode)?;
    Ok(Arc::new(move |trace_id: TraceId, spans: &[TraceSpan]| {
        spans.iter().for_each(|span| export.put(encode::span(trace_id, span)));
    }))
}

impl Config {
    fn destination(&self, url: &str) -> Destination {
        Destination {
            // One deadline for all that Kong has one each for.
            timeout: self.connect_timeout + self.send_timeout + self.read_timeout,
            ..destination(url, self.headers.clone())
        }
    }

    /// Which formats are read, and which are written: those of `header_type`, unless `propagation` says
    /// more than its default.
    fn formats(&self) -> (Vec<Format>, Vec<Injected>) {
        let Propagation { extract, clear, inject, default_format } = &self.propagation;
        let is_said = extract.is_some() || clear.is_some() || inject.is_some();
        match self.header_type {
            Some(kind) if !is_said => match kind {
                HeaderType::Preserve => (ALL.to_vec(), vec![Injected::Preserve]),
                HeaderType::Ignore => (Vec::new(), vec![Injected::As(*default_format)]),
                HeaderType::As(format) => {
                    (ALL.to_vec(), vec![Injected::Preserve, Injected::As(format)])
                }
            },
            _ => (extract.clone().unwrap_or_default(), inject.clone().unwrap_or_default()),
        }
    }
}

/// A server that takes OTLP over HTTP.
fn destination(url: &str, headers: BTreeMap<String, String>) -> Destination {
    Destination {
        url: url.to_owned(),
        method: "POST".to_owned(),
        content_type: "application/x-protobuf".to_owned(),
        headers,
        ssl_verify: true,
        timeout: 10_000.0,
        keepalive: 60_000.0,
    }
}

impl Around for Arc<OpenTelemetry> {
    fn around(&self, next: Next) -> Next {
        let plugin = Self::clone(self);
        once(next, async move |mut request: Request<Body>, mut next: Next| {
            let flight = Flight::of(&request).cloned();
            if let Some(flight) = &flight {
                plugin.begin(&mut request, flight);
            }
            let mut response = next.ready().await?.call(request).await?;
            if let Some(flight) = &flight {
                plugin.answer(&mut response, flight);
            }
            Ok(response)
        })
    }
}

impl OpenTelemetry {
    fn begin(&self, request: &mut Request<Body>, flight: &Flight) {
        let Some(trace) = flight.trace() else { return };
        self.access(request, trace);
        if let Some(logs) = &self.logs {
            logs.listen_to(flight.id.as_str(), trace);
        }
    }

    fn answer(&self, response: &mut Response<Body>, flight: &Flight) {
        if let (Some(name), Some(trace)) = (&self.response_header, flight.trace()) {
            let id = encode::hex(&trace.trace.id());
            let value = HeaderValue::try_from(id).expect("hexadecimal digits");
            response.headers_mut().append(name, value);
        }
    }

    /// Reads what the client says, decides, and says so to the service.
    fn access(&self, request: &mut Request<Body>, trace: &RequestTrace) {
        let headers = request.headers_mut();
        let found = self.extract.iter().find_map(|format| format.extract(headers));
        let parent = found.map(|(parent, _)| parent);
        match &parent {
            Some(parent) => trace.adopt(parent),
            // What the client says is not for this plugin.
            None => trace.disown(),
        }
        let id = trace.trace.id();
        let parent_says = parent.and_then(|parent| parent.is_sampled);
        let is_sampled =
            parent_says != Some(false) && self.rate.is_some_and(|rate| is_among(id, rate));
        trace.decide(is_sampled, self.spans.clone());
        for name in &self.clear {
            headers.remove(name);
        }
        for format in self.injected(found.map(|(_, format)| format)) {
            format.inject(headers, &trace.trace, trace.next_call());
            if let Some(value) = headers.get(TRACEPARENT).filter(|_| format == Format::W3c) {
                trace.injected(value.clone());
            }
        }
    }

    /// The formats of what the service gets, where the client's was `found`.
    fn injected(&self, found: Option<Format>) -> impl Iterator<Item = Format> {
        let preserved = found.unwrap_or(self.default_format);
        self.inject.iter().map(move |injected| match injected {
            Injected::As(format) => *format,
            Injected::Preserve => preserved,
        })
    }
}

/// What is said of the gateway beside its spans.
fn attributes(name: &str, node_id: &str) -> Map<String, Value> {
    let attributes = json!({
        "service.name": name,
        "service.version": env!("CARGO_PKG_VERSION"),
        "service.instance.id": node_id,
    });
    match attributes {
        Value::Object(attributes) => attributes,
        _ => unreachable!("written as an object above"),
    }
}
