//! The spans that are made while a test runs.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A span, as a test looks at it.
#[derive(Clone, Debug, Default)]
pub struct Span {
    pub name: String,
    /// The `otel.name` or name of the span that it is in.
    pub parent: String,
    pub fields: Vec<(String, String)>,
    /// The messages and attributes of its events.
    pub events: Vec<String>,
}

impl Span {
    /// The value of a field, or nothing.
    pub fn field(&self, name: &str) -> &str {
        let field = self.fields.iter().rev().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value)
    }
}

/// Collects the spans of the current thread: for tests on a current-thread runtime.
pub struct Spans {
    closed: Arc<Mutex<Vec<Span>>>,
    _guard: DefaultGuard,
}

impl Spans {
    pub fn capture() -> Self {
        let closed = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Collector(Arc::clone(&closed)));
        Self { closed, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The spans of functions that have ended so far, in the order of their ends.
    pub fn closed(&self) -> Vec<Span> {
        self.closed.lock().unwrap().clone()
    }

    /// The same, once there are `count`: the last end after the client has its answer.
    pub async fn wait_for(&self, count: usize) -> Vec<Span> {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while self.closed().len() < count && std::time::Instant::now() < deadline {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        self.closed()
    }
}

struct Collector(Arc<Mutex<Vec<Span>>>);

impl<S> Layer<S> for Collector
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).expect("it is new");
        let mut seen = Span::default();
        attributes.record(&mut Fields(&mut seen.fields));
        seen.name = match seen.field("otel.name") {
            "" => span.name().to_owned(),
            name => name.to_owned(),
        };
        let parent = span.parent();
        seen.parent = parent
            .and_then(|parent| Some(parent.extensions().get::<Span>()?.name.clone()))
            .unwrap_or_default();
        span.extensions_mut().insert(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).expect("it is open");
        if let Some(seen) = span.extensions_mut().get_mut::<Span>() {
            values.record(&mut Fields(&mut seen.fields));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        let mut fields = Vec::new();
        event.record(&mut Fields(&mut fields));
        let field = |name| fields.iter().find(|(field, _)| field == name).map_or("", |(_, v)| v);
        let seen =
            format!("{} {} {}", event.metadata().level(), field("message"), field("attributes"));
        if let Some(span) = span.extensions_mut().get_mut::<Span>() {
            span.events.push(seen);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).expect("it is closing");
        if span.metadata().target() == "tower_lua::tracing"
            && let Some(seen) = span.extensions_mut().remove::<Span>()
        {
            self.0.lock().unwrap().push(seen);
        }
    }
}

struct Fields<'a>(&'a mut Vec<(String, String)>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}
