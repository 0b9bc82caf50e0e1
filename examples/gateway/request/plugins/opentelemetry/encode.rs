//! Spans, entries of logs and numbers as OTLP has them.

use std::time::SystemTime;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
    Sum, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use serde_json::{Map, Value};
use tower_lua::{SpanId, TraceId, TraceSpan};

use crate::request::metrics::family::{self, Family, Kind, Point};
use crate::request::plugins::queue::Entry;

impl Entry for Span {
    fn size(&self) -> usize {
        self.encoded_len()
    }
}

impl Entry for LogRecord {
    fn size(&self) -> usize {
        self.encoded_len()
    }
}

/// Numbers are sums since the gateway began.
const CUMULATIVE: i32 = 2;

/// The sampled flag of W3C.
const SAMPLED: u32 = 1;

pub(super) fn resource(attributes: &Map<String, Value>) -> Resource {
    Resource { attributes: key_values(attributes), ..Resource::default() }
}

fn scope() -> Option<InstrumentationScope> {
    let (name, version) = ("tower-lua".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    Some(InstrumentationScope { name, version, ..InstrumentationScope::default() })
}

/// A span of a trace.
pub(super) fn span(trace_id: TraceId, span: &TraceSpan) -> Span {
    let kind = match span.kind {
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        "internal" => SpanKind::Internal,
        _ => SpanKind::Unspecified,
    };
    let events = span.events.iter().map(|event| Event {
        name: event.name.clone(),
        time_unix_nano: event.at,
        attributes: key_values(&event.attributes),
        ..Event::default()
    });
    let is_root = span.parent_id == SpanId::default();
    let code = span.is_ok.map(|is_ok| if is_ok { 1 } else { 2 });
    Span {
        trace_id: trace_id.to_vec(),
        span_id: span.id.to_vec(),
        parent_span_id: if is_root { Vec::new() } else { span.parent_id.to_vec() },
        flags: SAMPLED,
        name: span.name.to_string(),
        kind: kind.into(),
        start_time_unix_nano: span.started_at,
        end_time_unix_nano: span.ended_at.max(span.started_at),
        attributes: key_values(&span.attributes),
        events: events.collect(),
        status: code.map(|code| Status { code, ..Status::default() }),
        ..Span::default()
    }
}

pub(super) fn spans(resource: &Resource, spans: Vec<Span>) -> Bytes {
    let of_scope = ScopeSpans { scope: scope(), spans, ..ScopeSpans::default() };
    let of_resource = ResourceSpans {
        resource: Some(resource.clone()),
        scope_spans: vec![of_scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }.encode_to_vec().into()
}

pub(super) fn logs(resource: &Resource, log_records: Vec<LogRecord>) -> Bytes {
    let of_scope = ScopeLogs { scope: scope(), log_records, ..ScopeLogs::default() };
    let of_resource = ResourceLogs {
        resource: Some(resource.clone()),
        scope_logs: vec![of_scope],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest { resource_logs: vec![of_resource] }.encode_to_vec().into()
}

/// Numbers of a moment, since `began`: both in nanoseconds since 1970.
pub(super) fn metrics(resource: &Resource, families: &[Family], began: u64, now: u64) -> Bytes {
    let metrics = families.iter().map(|family| metric(family, began, now)).collect();
    let of_scope = ScopeMetrics { scope: scope(), metrics, ..ScopeMetrics::default() };
    let of_resource = ResourceMetrics {
        resource: Some(resource.clone()),
        scope_metrics: vec![of_scope],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest { resource_metrics: vec![of_resource] }.encode_to_vec().into()
}

fn metric(family: &Family, began: u64, now: u64) -> Metric {
    let numbers = || family.points.iter().filter_map(|point| number(point, began, now)).collect();
    let data = match family.kind {
        Kind::Counter => Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        Kind::Gauge => Data::Gauge(Gauge { data_points: numbers() }),
        Kind::Histogram => Data::Histogram(Histogram {
            data_points: family.points.iter().filter_map(|p| histogram(p, began, now)).collect(),
            aggregation_temporality: CUMULATIVE,
        }),
    };
    Metric {
        name: family.name.to_owned(),
        description: family.help.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn number(point: &Point, began: u64, now: u64) -> Option<NumberDataPoint> {
    let family::Value::Number(value) = point.value else { return None };
    Some(NumberDataPoint {
        attributes: labels(point),
        start_time_unix_nano: began,
        time_unix_nano: now,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    })
}

fn histogram(point: &Point, began: u64, now: u64) -> Option<HistogramDataPoint> {
    let family::Value::Histogram { bounds, counts, sum } = &point.value else { return None };
    Some(HistogramDataPoint {
        attributes: labels(point),
        start_time_unix_nano: began,
        time_unix_nano: now,
        count: counts.iter().sum(),
        sum: Some(*sum),
        bucket_counts: counts.clone(),
        explicit_bounds: bounds.to_vec(),
        ..HistogramDataPoint::default()
    })
}

fn labels(point: &Point) -> Vec<KeyValue> {
    let labels = point.labels.iter();
    labels.map(|(name, value)| key_value(name, Any::StringValue(value.clone()))).collect()
}

pub(super) fn key_values(attributes: &Map<String, Value>) -> Vec<KeyValue> {
    let known = attributes.iter().filter_map(|(key, value)| Some((key, any(value)?)));
    known.map(|(key, value)| key_value(key, value)).collect()
}

fn key_value(key: &str, value: Any) -> KeyValue {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// An id in hexadecimal digits.
pub(super) fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text as what an entry of a log says.
pub(super) fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Any::StringValue(text.to_owned())) }
}

fn any(value: &Value) -> Option<Any> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => Any::BoolValue(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Any::IntValue(whole),
            None => Any::DoubleValue(number.as_f64()?),
        },
        Value::String(text) => Any::StringValue(text.clone()),
        Value::Array(values) => {
            let values = values.iter().map(|value| AnyValue { value: any(value) });
            Any::ArrayValue(ArrayValue { values: values.collect() })
        }
        Value::Object(fields) => Any::KvlistValue(KeyValueList { values: key_values(fields) }),
    })
}
