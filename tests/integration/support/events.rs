//! What is logged while a test runs.

use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::Dispatch;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// An event, as a test looks at it.
#[derive(Clone, Debug, Default)]
pub struct Event {
    pub target: String,
    pub level: String,
    pub fields: Vec<(String, String)>,
}

impl Event {
    /// The value of a field, or nothing.
    pub fn field(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value)
    }

    pub fn message(&self) -> &str {
        self.field("message")
    }
}

/// Collects the events of the current thread: for tests on a current-thread runtime.
pub struct Events {
    events: Arc<Mutex<Vec<Event>>>,
    _guard: DefaultGuard,
}

impl Events {
    pub fn capture() -> Self {
        // With a single subscriber, `tracing` asks that of the thread which comes by an event first
        // whether anyone wants it, and most tests have none.
        static ANOTHER: LazyLock<Dispatch> =
            LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
        LazyLock::force(&ANOTHER);
        let events = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Collector(Arc::clone(&events)));
        Self { events, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The events of tower-lua so far.
    pub fn all(&self) -> Vec<Event> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| event.target.starts_with("tower_lua")).cloned().collect()
    }

    /// The messages of tower-lua so far.
    pub fn messages(&self) -> Vec<String> {
        self.all().iter().map(|event| event.message().to_owned()).collect()
    }
}

struct Collector(Arc<Mutex<Vec<Event>>>);

impl<S: tracing::Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut seen = Event {
            target: event.metadata().target().to_owned(),
            level: event.metadata().level().to_string(),
            fields: Vec::new(),
        };
        event.record(&mut Fields(&mut seen.fields));
        self.0.lock().unwrap().push(seen);
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
