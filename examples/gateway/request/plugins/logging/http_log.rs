//! `http-log`: requests as JSON for a server.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use tower_lua::Runtime;

use super::{Logs, entries};
use crate::BoxError;
use crate::in_force::plugins::Around;
use crate::request::plugins::outward::Outward;
use crate::request::plugins::queue::QueueConfig;
use crate::request::plugins::receiver::{Destination, Receiver};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::request::plugins) struct Config {
    http_endpoint: String,
    method: String,
    content_type: String,
    timeout: f64,
    keepalive: f64,
    ssl_verify: bool,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    queue: QueueConfig,
    #[serde(default)]
    custom_fields_by_lua: BTreeMap<String, String>,
    // Kong: tries for as long as the queue says, whatever this is.
    #[serde(default)]
    #[expect(dead_code, reason = "files have it")]
    retry_count: Option<i64>,
    #[serde(default)]
    queue_size: Option<usize>,
    #[serde(default)]
    flush_timeout: Option<f64>,
}

pub(in crate::request::plugins) fn layer(
    config: Config,
    logs: &Logs,
    outward: &Arc<Outward>,
    runtime: &Runtime,
) -> Result<Arc<dyn Around>, BoxError> {
    let receiver = Receiver::new("http-log", &config.destination(), outward)?;
    let Config { mut queue, custom_fields_by_lua, queue_size, flush_timeout, .. } = config;
    queue.max_batch_size = queue_size.unwrap_or(queue.max_batch_size);
    queue.max_coalescing_delay = flush_timeout.unwrap_or(queue.max_coalescing_delay);
    let is_list = queue.max_batch_size > 1;
    let log = logs.open(queue);
    let queue = Arc::clone(&log.queue);
    let plugin = entries::layer("http-log", &custom_fields_by_lua, log, runtime)?;
    let encode =
        move |batch: Vec<Bytes>| if is_list { list(&batch) } else { batch.concat().into() };
    logs.take("http-log", queue, receiver, encode);
    Ok(plugin)
}

impl Config {
    fn destination(&self) -> Destination {
        Destination {
            url: self.http_endpoint.clone(),
            method: self.method.clone(),
            content_type: self.content_type.clone(),
            headers: self.headers.clone(),
            ssl_verify: self.ssl_verify,
            timeout: self.timeout,
            keepalive: self.keepalive,
        }
    }
}

/// Entries as a list of JSON.
fn list(entries: &[Bytes]) -> Bytes {
    let mut list = b"[".to_vec();
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            list.push(b',');
        }
        list.extend_from_slice(entry);
    }
    list.push(b']');
    list.into()
}
