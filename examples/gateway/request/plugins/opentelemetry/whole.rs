//! [`Whole`]: what the gateway as a whole tells a server that speaks OTLP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::task::JoinHandle;
use tower_lua::Runtime;

use super::logs::{self, LogSink};
use super::{Via, attributes, destination, encode, span_sink};
use crate::BoxError;
use crate::request::counters::Counters;
use crate::request::metrics::Metrics;
use crate::request::plugins::logging::{Export, Logs};
use crate::request::plugins::outward::Outward;
use crate::request::plugins::queue::QueueConfig;
use crate::request::trace::Sink;

/// Where all of it goes.
pub(crate) struct Endpoint {
    /// The URL that `/v1/traces` and its like are added to.
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) service_name: String,
    pub(crate) node_id: String,
}

/// The ways to a server of spans, of the log and of numbers.
pub(crate) struct Whole {
    pub(crate) spans: Sink,
    pub(crate) logs: LogSink,
    numbers: Export<Bytes>,
    resource: Resource,
    began: u64,
}

impl Whole {
    /// Opens them.
    ///
    /// # Errors
    ///
    /// When the URL is none, or a header.
    pub(crate) fn open(
        endpoint: &Endpoint,
        logs: &Logs,
        outward: &Arc<Outward>,
    ) -> Result<Self, BoxError> {
        let resource = encode::resource(&attributes(&endpoint.service_name, &endpoint.node_id));
        let base = endpoint.url.trim_end_matches('/');
        let to = |path: &str| destination(&format!("{base}/v1/{path}"), endpoint.headers.clone());
        let queue = || QueueConfig { max_batch_size: 200, ..QueueConfig::default() };
        let via = Via { logs, outward };
        let spans = span_sink(&via, queue(), &to("traces"), resource.clone())?;
        let told = logs::sink(&via, queue(), &to("logs"), resource.clone())?;
        // Numbers of a moment are worth little when there are newer ones.
        let few = QueueConfig { max_entries: 4, max_retry_time: 5.0, ..QueueConfig::default() };
        let one = |mut batch: Vec<Bytes>| batch.pop().unwrap_or_default();
        let numbers = logs.export("otlp:metrics", few, &to("metrics"), outward, one)?;
        Ok(Self { spans, logs: told, numbers, resource, began: encode::now() })
    }

    /// Tells of all numbers at such intervals, until that is ended.
    pub(crate) fn tell(self: &Arc<Self>, interval: Duration, of: Numbers) -> Telling {
        let (told, numbers) = (Arc::clone(self), of.clone());
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                told.tell_now(&numbers);
            }
        });
        Telling { task, told: Arc::clone(self), of }
    }

    fn tell_now(&self, of: &Numbers) {
        let families = of.metrics.families(&of.counters, &of.runtime);
        let now = encode::now();
        self.numbers.put(encode::metrics(&self.resource, &families, self.began, now));
    }
}

/// Whose numbers are told.
#[derive(Clone)]
pub(crate) struct Numbers {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) runtime: Runtime,
}

/// That numbers are told again and again.
pub(crate) struct Telling {
    task: JoinHandle<()>,
    told: Arc<Whole>,
    of: Numbers,
}

impl Telling {
    /// Tells of them for the last time.
    pub(crate) fn end(self) {
        self.task.abort();
        self.told.tell_now(&self.of);
    }
}
