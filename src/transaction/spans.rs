//! The spans of a request, as `tracing` has them.

use mlua::Value;
use serde_json::{Map, Value as Json};
use tracing::field::Empty;
use tracing::{Level, Span};

/// The most spans of a request that are told to `tracing`.
const MAX_SPANS: usize = 1000;

/// The most attributes of a span or event, as in OpenTelemetry.
const MAX_ATTRIBUTES: usize = 128;

/// The most bytes of text, and of table entries, in an attribute.
const MAX_LEN: usize = 4096;

/// How deeply an attribute's tables may be nested.
const MAX_DEPTH: usize = 8;

/// An id as its bytes: a span's has 8.
pub(crate) type Id = [u8; 8];

/// The spans that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    open: Vec<Open>,
    count: usize,
}

#[derive(Debug)]
struct Open {
    id: Id,
    span: Span,
    /// `tracing` takes a value once: these are told when the span ends.
    attributes: Map<String, Json>,
    status: Option<&'static str>,
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
    pub(crate) fn start(&mut self, start: &Start<'_>) {
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
        self.open.push(Open { id: start.id, span, attributes: Map::new(), status: None });
    }

    fn find(&mut self, id: &[u8]) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.id == *id)
    }

    pub(crate) fn set_attribute(&mut self, id: &[u8], key: &str, value: &Value) {
        let Some(open) = self.find(id) else { return };
        match json(value) {
            Some(value) => insert(&mut open.attributes, key, value),
            None => {
                open.attributes.remove(key);
            }
        }
    }

    pub(crate) fn set_status(&mut self, id: &[u8], status: f64) {
        let Some(open) = self.find(id) else { return };
        open.status = match status {
            1.0 => Some("OK"),
            2.0 => Some("ERROR"),
            _ => None,
        };
    }

    pub(crate) fn add_event(
        &mut self,
        id: &[u8],
        name: &str,
        attributes: &Map<String, Json>,
        time: f64,
    ) {
        let Some(open) = self.find(id) else { return };
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
            self.open.remove(at).span.record("end_time_ns", time);
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
        if !self.attributes.is_empty() {
            self.span.record("attributes", text(&self.attributes));
        }
        if let Some(status) = self.status {
            self.span.record("otel.status_code", status);
        }
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
