//! [`Trace`]: the trace that a request belongs to, and the spans that functions add to it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use http::Extensions;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use crate::message::random;

/// The trace that a request belongs to: put one into the request's extensions to have the spans of its
/// functions, for OpenTelemetry say.
///
/// Each phase that has functions becomes a span, each function one in it, and each call of `resty.http` and
/// connection of `ngx.socket` one in the function's; so do the spans of `kong.tracing`, whose root is
/// the application's own span of the request. Who has made the trace is told of all of them when the
/// request and its functions have ended.
///
/// Without one, nothing is measured.
///
/// ```
/// use tower_lua::Trace;
///
/// let trace = Trace::new(Trace::random_id(), Trace::random_span_id(), |spans| {
///     for span in spans.ended {
///         println!("{} took {} ns", span.name, span.ended_at - span.started_at);
///     }
/// });
/// assert_eq!(trace.traceparent(trace.span_id()).len(), 55);
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(trace);
/// ```
#[derive(Clone)]
pub struct Trace(Arc<Inner>);

/// The id of a trace.
pub type TraceId = [u8; 16];

/// The id of a span.
pub type SpanId = [u8; 8];

struct Inner {
    span_id: SpanId,
    /// The same moment by both clocks.
    began: Instant,
    began_at: u64,
    state: Mutex<State>,
    told: Mutex<Option<Box<Tell>>>,
}

type Tell = dyn FnOnce(TraceSpans) + Send;

struct State {
    id: TraceId,
    is_sampled: bool,
    /// Calls of others that have not ended, by what tells them apart.
    open: Vec<(usize, TraceSpan)>,
    spans: TraceSpans,
}

/// The spans of a trace that has ended.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct TraceSpans {
    /// The id of the trace.
    pub id: TraceId,
    /// In the order in which they have ended.
    pub ended: Vec<TraceSpan>,
    /// What functions have said of the application's own span.
    pub root: TraceSpan,
    /// How many there were beside these, and beyond what a trace may have.
    pub dropped: usize,
}

/// A span. Times are nanoseconds since 1970.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TraceSpan {
    /// Its id.
    pub id: SpanId,
    /// That of the span that it is part of.
    pub parent_id: SpanId,
    /// What it is called.
    pub name: Cow<'static, str>,
    /// OpenTelemetry's kind: `internal`, `server`, `client`, `producer` or `consumer`.
    pub kind: &'static str,
    /// When it began.
    pub started_at: u64,
    /// When it ended.
    pub ended_at: u64,
    /// What is said of it.
    pub attributes: Map<String, Value>,
    /// What happened in it.
    pub events: Vec<SpanEvent>,
    /// Whether it has ended well, if anybody has said so.
    pub is_ok: Option<bool>,
}

/// A moment in a [`TraceSpan`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpanEvent {
    /// What it is called.
    pub name: String,
    /// When it was, in nanoseconds since 1970.
    pub at: u64,
    /// What is said of it.
    pub attributes: Map<String, Value>,
}

/// The most spans of a trace that are told.
const MAX_SPANS: usize = 1000;

/// Whether there has ever been a trace. Where there was none, none is looked for.
static ANY: AtomicBool = AtomicBool::new(false);

impl Trace {
    /// The trace `id`, in which the request is the span `span_id`. `told` is told of the other spans, on
    /// whatever thread is the last to have to do with the request.
    pub fn new(
        id: TraceId,
        span_id: SpanId,
        told: impl FnOnce(TraceSpans) + Send + 'static,
    ) -> Self {
        ANY.store(true, Ordering::Relaxed);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let began_at = nanoseconds(since);
        let state = State { id, is_sampled: true, open: Vec::new(), spans: TraceSpans::default() };
        Self(Arc::new(Inner {
            span_id,
            began: Instant::now(),
            began_at,
            state: Mutex::new(state),
            told: Mutex::new(Some(Box::new(told))),
        }))
    }

    /// An id that no other trace has.
    #[must_use]
    pub fn random_id() -> TraceId {
        random::bits().to_be_bytes()
    }

    /// An id that no other span has.
    #[must_use]
    pub fn random_span_id() -> SpanId {
        let random = random::bits().to_be_bytes();
        std::array::from_fn(|at| random[at])
    }

    /// Whether there has ever been one.
    pub(crate) fn is_any() -> bool {
        ANY.load(Ordering::Relaxed)
    }

    /// The trace of a request, if anybody has given it one.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        Self::is_any().then(|| extensions.get().cloned()).flatten()
    }

    /// The id of the trace.
    #[must_use]
    pub fn id(&self) -> TraceId {
        self.0.state.lock().id
    }

    /// Makes it another trace: once more is known of where the request comes from.
    pub fn set_id(&self, id: TraceId) {
        self.0.state.lock().id = id;
    }

    /// The span that the request is.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.0.span_id
    }

    /// Whether anybody wants its spans. It is so until [`set_sampled`](Self::set_sampled) says otherwise.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.0.state.lock().is_sampled
    }

    /// Says whether anybody wants its spans.
    pub fn set_sampled(&self, is_sampled: bool) {
        self.0.state.lock().is_sampled = is_sampled;
    }

    /// `traceparent` for what is called by the span `span_id`, as W3C's Trace Context has it.
    #[must_use]
    pub fn traceparent(&self, span_id: SpanId) -> String {
        let state = self.0.state.lock();
        let flags = u8::from(state.is_sampled);
        let (id, span_id) = (u128::from_be_bytes(state.id), u64::from_be_bytes(span_id));
        format!("00-{id:032x}-{span_id:016x}-{flags:02x}")
    }

    /// A moment in nanoseconds since 1970.
    #[must_use]
    pub fn nanoseconds(&self, at: Instant) -> u64 {
        self.0.nanoseconds(at)
    }

    /// A span of the request that begins at `at`.
    #[must_use]
    pub fn span(&self, name: impl Into<Cow<'static, str>>, at: Instant) -> TraceSpan {
        TraceSpan {
            id: Self::random_span_id(),
            parent_id: self.0.span_id,
            name: name.into(),
            kind: "internal",
            started_at: self.nanoseconds(at),
            ..TraceSpan::default()
        }
    }

    /// Adds a span that has ended, if anybody wants it.
    pub fn add(&self, span: TraceSpan) {
        self.0.state.lock().add(span);
    }

    /// Adds a span that ends now.
    pub(crate) fn end(&self, mut span: TraceSpan) {
        span.ended_at = self.nanoseconds(Instant::now());
        self.add(span);
    }

    /// Begins a call of somebody else, which `key` tells from others that are under way.
    #[cfg(feature = "net")]
    pub(crate) fn begin_call(&self, key: usize, span: TraceSpan) {
        let mut state = self.0.state.lock();
        if state.open.len() < MAX_SPANS {
            state.open.push((key, span));
        }
    }

    /// Ends the call that `key` stands for, after `tell` has said what came of it.
    #[cfg(feature = "net")]
    pub(crate) fn end_call(&self, key: usize, tell: impl FnOnce(&mut TraceSpan)) {
        let ended_at = self.nanoseconds(Instant::now());
        let mut state = self.0.state.lock();
        let Some(at) = state.open.iter().position(|(known, _)| *known == key) else { return };
        let (_, mut span) = state.open.remove(at);
        span.ended_at = ended_at;
        tell(&mut span);
        state.add(span);
    }

    /// What functions say of the application's own span.
    pub(crate) fn tell_root(&self, tell: impl FnOnce(&mut TraceSpan)) {
        tell(&mut self.0.state.lock().spans.root);
    }
}

impl State {
    fn add(&mut self, span: TraceSpan) {
        if !self.is_sampled {
            return;
        }
        if self.spans.ended.len() < MAX_SPANS {
            self.spans.ended.push(span);
        } else {
            self.spans.dropped += 1;
        }
    }
}

impl TraceSpan {
    /// Says something of it.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.attributes.insert(name.to_owned(), value.into());
    }
}

impl Inner {
    fn nanoseconds(&self, at: Instant) -> u64 {
        match at.checked_duration_since(self.began) {
            Some(since) => self.began_at.saturating_add(nanoseconds(since)),
            None => self.began_at.saturating_sub(nanoseconds(self.began - at)),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let now = self.nanoseconds(Instant::now());
        let state = self.state.get_mut();
        for (_, mut span) in std::mem::take(&mut state.open) {
            (span.ended_at, span.is_ok) = (now, Some(false));
            state.add(span);
        }
        if let Some(told) = self.told.get_mut().take() {
            state.spans.id = state.id;
            told(std::mem::take(&mut state.spans));
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({:032x})", u128::from_be_bytes(self.id()))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
