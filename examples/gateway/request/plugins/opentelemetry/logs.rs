//! The log for servers that speak OTLP: what `tracing` has of it, and of which trace it is.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::{Via, encode};
use crate::BoxError;
use crate::request::plugins::logging::Export;
use crate::request::plugins::queue::QueueConfig;
use crate::request::plugins::receiver::Destination;
use crate::request::trace::RequestTrace;

/// Who gets entries of the log.
pub(crate) type LogSink = Arc<Sink>;

/// A way to a server of logs.
pub(crate) struct Sink(Export<LogRecord>);

/// Who listens: to all of the log, and to requests.
#[derive(Default)]
struct Listeners {
    /// Whether there is anybody.
    any: AtomicBool,
    all: OnceLock<LogSink>,
    /// By the ids of requests that are under way, as long as they are.
    requests: Mutex<HashMap<String, Listener, FxBuildHasher>>,
}

struct Listener {
    sink: LogSink,
    ids: (Vec<u8>, Vec<u8>),
}

static LISTENERS: LazyLock<Listeners> = LazyLock::new(Listeners::default);

/// A request whose log somebody listens to, until this is dropped.
pub(crate) struct Listening(String);

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENERS.requests.lock().remove(&self.0);
    }
}

/// Opens a way to a server.
pub(super) fn sink(
    via: &Via<'_>,
    queue: QueueConfig,
    to: &Destination,
    resource: Resource,
) -> Result<LogSink, BoxError> {
    let encode = move |records: Vec<LogRecord>| encode::logs(&resource, records);
    let export = via.logs.export("opentelemetry:logs", queue, to, via.outward, encode)?;
    Ok(Arc::new(Sink(export)))
}

impl Sink {
    /// Has it get all of the log.
    pub(crate) fn listen(self: &Arc<Self>) {
        let _ = LISTENERS.all.set(Arc::clone(self));
        LISTENERS.any.store(true, Ordering::Relaxed);
    }

    /// Has it get the log of a request, as long as that goes on.
    pub(super) fn listen_to(self: &Arc<Self>, request_id: &str, trace: &RequestTrace) {
        let of = &trace.trace;
        let ids = (of.id().to_vec(), of.span_id().to_vec());
        let listener = Listener { sink: Arc::clone(self), ids };
        LISTENERS.requests.lock().insert(request_id.to_owned(), listener);
        LISTENERS.any.store(true, Ordering::Relaxed);
        trace.keep(Box::new(Listening(request_id.to_owned())));
    }
}

/// Gives an entry of the log to whoever listens. It is as quick as it can be while nobody does.
pub(crate) fn hear(event: &Event<'_>) {
    // What connections to the server say would be sent there, and make them say more.
    let is_of_connections =
        |target: &str| ["hyper", "h2", "rustls"].iter().any(|name| target.starts_with(name));
    if LISTENERS.any.load(Ordering::Relaxed) && !is_of_connections(event.metadata().target()) {
        tell(event);
    }
}

#[cold]
fn tell(event: &Event<'_>) {
    let metadata = event.metadata();
    let mut fields = Fields::default();
    event.record(&mut fields);
    let request_id = fields.attributes.get("request_id").and_then(Value::as_str);
    let requests = LISTENERS.requests.lock();
    let listener = request_id.and_then(|id| requests.get(id));
    let own = listener.map(|listener| Arc::clone(&listener.sink));
    let (trace_id, span_id) = listener.map(|listener| listener.ids.clone()).unwrap_or_default();
    drop(requests);
    let (number, severity) = severity(*metadata.level());
    fields.attributes.insert("target".to_owned(), metadata.target().into());
    let now = encode::now();
    let record = LogRecord {
        time_unix_nano: now,
        observed_time_unix_nano: now,
        severity_number: number,
        severity_text: severity.to_owned(),
        body: Some(encode::text(&fields.message)),
        attributes: encode::key_values(&fields.attributes),
        trace_id,
        span_id,
        ..LogRecord::default()
    };
    let sinks = own.iter().chain(LISTENERS.all.get());
    sinks.for_each(|sink| sink.0.put(record.clone()));
}

/// OpenTelemetry's number and name of a level.
fn severity(level: Level) -> (i32, &'static str) {
    match level {
        Level::ERROR => (17, "ERROR"),
        Level::WARN => (13, "WARN"),
        Level::INFO => (9, "INFO"),
        Level::DEBUG => (5, "DEBUG"),
        Level::TRACE => (1, "TRACE"),
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    message: String,
    attributes: Map<String, Value>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        self.attributes.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.set(field, value.into()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.set(field, format!("{value:?}").into()),
        }
    }
}
