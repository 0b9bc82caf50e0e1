//! The spans of a request, as `tracing` has them.

use std::time::Instant;

use mlua::Value;
use serde_json::{Map, Value as Json};
use tracing::field::Empty;
use tracing::{Level, Span};

use crate::extension::{SpanEvent, SpanId, Trace, TraceSpan};

/// The most spans of a request that are told to `tracing`.
const MAX_SPANS: usize = 1000;

/// The most attributes of a span or event, as in OpenTelemetry.
const MAX_ATTRIBUTES: usize = 128;

/// The most events of a span in a trace.
const MAX_EVENTS: usize = 128;

/// The most bytes of text, and of table entries, in an attribute.
const MAX_LEN: usize = 4096;

/// How deeply an attribute's tables may be nested.
const MAX_DEPTH: usize = 8;

/// An id as its bytes: a span's has 8.
pub(crate) type Id = [u8; 8];

/// A trace, and the span in it of the function that runs, or of the request between functions.
pub(crate) struct Traced {
    pub(crate) trace: Trace,
    pub(crate) function: SpanId,
}

/// The spans that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    open: Vec<Open>,
    count: usize,
    /// Where they belong, and whose span their root is.
    trace: Option<Trace>,
}

#[derive(Debug)]
struct Open {
    id: Id,
    span: Span,
    /// `tracing` takes a value once: these are told when the span ends.
    attributes: Map<String, Json>,
    status: Option<&'static str>,
    /// The same for a trace.
    traced: Option<(Trace, TraceSpan)>,
}

/// What a span begins with.
pub(crate) struct Start<'a> {
    pub(crate) id: Id,
    pub(crate) name: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) trace_id: &'a str,
    pub(crate) parent_id: &'a [u8],
    pub(crate) time: f64,
}

/// Whether anybody wants to know.
pub(crate) fn is_enabled() -> bool {
    tracing::enabled!(target: "tower_lua::tracing", Level::INFO)
}

impl Spans {
    /// None yet, of a request that belongs to a trace.
    pub(crate) fn of_root(trace: Trace) -> Self {
        let mut spans = Self::default();
        spans.trace = Some(trace);
        spans
    }

    pub(crate) fn start(&mut self, start: &Start<'_>, trace: Option<Trace>) {
        self.trace.clone_from(&trace);
        self.count += 1;
        if self.count > MAX_SPANS {
            return;
        }
        let parent = self.open.iter().find(|open| open.id == *start.parent_id);
        let (id, parent_id) = (hex(&start.id), hex(start.parent_id));
        // A span without a parent among ours belongs to the one that the application is in.
        macro_rules! span {
            ($($parent:tt)*) => {
                tracing::info_span!(
                    target: "tower_lua::tracing",
                    $($parent)*
                    "span",
                    otel.name = start.name,
                    otel.kind = start.kind,
                    otel.status_code = Empty,
                    trace_id = start.trace_id,
                    span_id = id,
                    parent_id = parent_id,
                    start_time_ns = start.time,
                    end_time_ns = Empty,
                    attributes = Empty,
                )
            };
        }
        let span = match parent {
            Some(parent) => span!(parent: &parent.span,),
            None => span!(),
        };
        let traced = trace.map(|trace| {
            let mut span = trace.span(start.name.to_owned(), Instant::now());
            (span.id, span.kind, span.started_at) = (start.id, start.kind, start.time as u64);
            // A parent that is none of this trace is the application's own span.
            span.parent_id = start.parent_id.try_into().unwrap_or(span.parent_id);
            (trace, span)
        });
        self.open.push(Open { id: start.id, span, attributes: Map::new(), status: None, traced });
    }

    /// The trace, if `id` is that of the request's own span in it.
    fn root(&self, id: &[u8]) -> Option<&Trace> {
        self.trace.as_ref().filter(|trace| trace.span_id() == *id)
    }

    fn find(&mut self, id: &[u8]) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.id == *id)
    }

    pub(crate) fn set_attribute(&mut self, id: &[u8], key: &str, value: &Value) {
        if let Some(trace) = self.root(id) {
            trace.tell_root(|root| match json(value) {
                Some(value) => insert(&mut root.attributes, key, value),
                None => drop(root.attributes.remove(key)),
            });
            return;
        }
        let Some(open) = self.find(id) else { return };
        match json(value) {
            Some(value) => insert(&mut open.attributes, key, value),
            None => {
                open.attributes.remove(key);
            }
        }
    }

    pub(crate) fn set_status(&mut self, id: &[u8], status: f64) {
        let status = match status {
            1.0 => Some("OK"),
            2.0 => Some("ERROR"),
            _ => None,
        };
        if let Some(trace) = self.root(id) {
            return trace.tell_root(|root| root.is_ok = status.map(|status| status == "OK"));
        }
        let Some(open) = self.find(id) else { return };
        open.status = status;
    }

    pub(crate) fn add_event(
        &mut self,
        id: &[u8],
        name: &str,
        attributes: &Map<String, Json>,
        time: f64,
    ) {
        let event = |attributes: &Map<String, Json>| SpanEvent {
            name: name.to_owned(),
            at: time as u64,
            attributes: attributes.clone(),
        };
        if let Some(trace) = self.root(id) {
            return trace.tell_root(|root| add(&mut root.events, event(attributes)));
        }
        let Some(open) = self.find(id) else { return };
        if let Some((_, span)) = &mut open.traced {
            add(&mut span.events, event(attributes));
        }
        let attributes = text(attributes);
        macro_rules! event {
            ($level:expr) => {
                tracing::event!(
                    target: "tower_lua::tracing",
                    parent: &open.span,
                    $level,
                    time_ns = time,
                    attributes,
                    "{name}"
                )
            };
        }
        if name == "exception" { event!(Level::ERROR) } else { event!(Level::INFO) }
    }

    pub(crate) fn finish(&mut self, id: &[u8], time: f64) {
        if let Some(at) = self.open.iter().position(|open| open.id == *id) {
            let mut open = self.open.remove(at);
            if let Some((_, span)) = &mut open.traced {
                span.ended_at = time as u64;
            }
            open.span.record("end_time_ns", time);
        }
    }
}

/// What is still open when the request ends, ends with it: children before their parents.
impl Drop for Spans {
    fn drop(&mut self) {
        while self.open.pop().is_some() {}
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some((trace, mut span)) = self.traced.take() {
            span.attributes.clone_from(&self.attributes);
            span.is_ok = self.status.map(|status| status == "OK");
            if span.ended_at == 0 { trace.end(span) } else { trace.add(span) }
        }
        if !self.attributes.is_empty() {
            self.span.record("attributes", text(&self.attributes));
        }
        if let Some(status) = self.status {
            self.span.record("otel.status_code", status);
        }
    }
}

/// Adds an event, unless there are as many as a span may have.
fn add(events: &mut Vec<SpanEvent>, event: SpanEvent) {
    if events.len() < MAX_EVENTS {
        events.push(event);
    }
}

fn text(attributes: &Map<String, Json>) -> String {
    serde_json::to_string(attributes).unwrap_or_default()
}

/// The first bytes of an id in hexadecimal digits.
pub(crate) fn hex(id: &[u8]) -> String {
    id.iter().take(32).map(|byte| format!("{byte:02x}")).collect()
}

/// Adds an attribute, unless there are as many as there may be.
pub(crate) fn insert(attributes: &mut Map<String, Json>, key: &str, value: Json) {
    let key: String = key.chars().take(MAX_LEN).collect();
    if attributes.len() < MAX_ATTRIBUTES || attributes.contains_key(&key) {
        attributes.insert(key, value);
    }
}

/// A value as an attribute: `None` for nothing, and for what no attribute can be.
pub(crate) fn json(value: &Value) -> Option<Json> {
    json_within(value, &mut MAX_LEN.clone(), MAX_DEPTH)
}

/// The same with at most `left` bytes and entries in all.
fn json_within(value: &Value, left: &mut usize, depth: usize) -> Option<Json> {
    match value {
        Value::Boolean(boolean) => Some(Json::Bool(*boolean)),
        Value::Integer(integer) => Some(Json::from(*integer)),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 2_f64.powi(53) => {
            Some(Json::from(*number as i64))
        }
        Value::Number(number) => Some(Json::from(*number)),
        Value::String(text) => {
            let bytes = text.as_bytes();
            let len = bytes.len().min(*left);
            *left -= len;
            Some(String::from_utf8_lossy(&bytes[..len]).into())
        }
        Value::Table(table) if depth > 0 => {
            let length = table.raw_len();
            let mut values = Vec::new();
            let mut fields = Map::new();
            for pair in table.pairs::<Value, Value>() {
                let (key, value) = pair.ok()?;
                *left = left.checked_sub(1).filter(|left| *left > 0)?;
                let Some(value) = json_within(&value, left, depth - 1) else { continue };
                match key {
                    Value::Integer(index) if (1..=length as i64).contains(&index) => {
                        values.push(value);
                    }
                    Value::String(key) => insert(&mut fields, &key.to_string_lossy(), value),
                    _ => {}
                }
            }
            Some(if fields.is_empty() { Json::Array(values) } else { Json::Object(fields) })
        }
        _ => None,
    }
}
