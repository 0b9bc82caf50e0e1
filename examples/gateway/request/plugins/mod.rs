//! The plugins between `pre-function` and `post-function`.
//!
//! Each is a file of its own: its configuration, under Kong's names, and the tower layers that it is
//! made of.

mod acl;
mod authentication;
mod correlation_id;
mod cors;
mod functions;
mod ip_restriction;
mod logging;
mod message;
pub(crate) mod opentelemetry;
mod outward;
mod prometheus;
mod proxy_cache;
mod queue;
mod rate_limiting;
mod receiver;
mod request_size_limiting;
mod request_termination;
mod request_transformer;
mod response_transformer;
mod service;
mod whole;

use std::sync::Arc;

use serde_json::Value;
use tower_lua::Runtime;

use self::authentication::{basic_auth, hmac_auth, jwt, key_auth};
pub(crate) use self::logging::Logs;
use self::logging::{file_log, http_log};
pub(crate) use self::message::message;
use self::opentelemetry::Defaults;
pub(crate) use self::outward::Outward;
pub(crate) use self::proxy_cache::Caches;
pub(crate) use self::request_size_limiting::EXCEEDED;
pub(crate) use self::service::PluginsLayer;
use crate::BoxError;
use crate::configured::entity::Plugin;
use crate::configured::store::Address;
use crate::in_force::plugins::{Around, Between, Body, Next, once, read, unknown};

/// What plugins are made with.
pub(crate) struct Workshop {
    pub(crate) logs: Logs,
    pub(crate) outward: Arc<Outward>,
    pub(crate) caches: Caches,
    /// What flags say of traces.
    pub(crate) tracing: Defaults,
    /// Where entities are kept.
    pub(crate) database: Option<Address>,
}

impl Workshop {
    /// Makes plugins as long as the gateway runs.
    pub(crate) fn open(self) -> Between {
        Arc::new(move |plugin, config, runtime| self.make(plugin, config, runtime))
    }

    /// Makes a plugin of its entity and its configuration.
    ///
    /// # Errors
    ///
    /// When there is no such plugin, or its configuration is not one.
    fn make(
        &self,
        plugin: &Plugin,
        config: &Value,
        runtime: &Runtime,
    ) -> Result<Arc<dyn Around>, BoxError> {
        let name = plugin.name.as_str();
        Ok(match name {
            "correlation-id" => correlation_id::layer(read(name, config)?)?,
            "cors" => cors::layer(&read(name, config)?)?,
            "jwt" => jwt::layer(read(name, config)?)?,
            "key-auth" => key_auth::layer(read(name, config)?)?,
            "basic-auth" => basic_auth::layer(read(name, config)?)?,
            "hmac-auth" => hmac_auth::layer(read(name, config)?)?,
            "ip-restriction" => ip_restriction::layer(read(name, config)?)?,
            "request-transformer" => request_transformer::layer(&read(name, config)?, runtime)?,
            "response-transformer" => response_transformer::layer(&read(name, config)?)?,
            "http-log" => http_log::layer(read(name, config)?, &self.logs, &self.outward, runtime)?,
            "opentelemetry" => {
                let config = read(name, config)?;
                opentelemetry::layer(&config, &self.logs, &self.outward, &self.tracing)?
            }
            "file-log" => file_log::layer(read(name, config)?, &self.logs, runtime)?,
            "proxy-cache" => proxy_cache::layer(read(name, config)?, &plugin.id, &self.caches),
            "prometheus" => prometheus::layer(read(name, config)?),
            "acl" => acl::layer(read(name, config)?),
            "request-size-limiting" => request_size_limiting::layer(&read(name, config)?),
            "rate-limiting" => {
                let config = read(name, config)?;
                rate_limiting::layer(config, plugin, &self.outward, self.database.as_ref())?
            }
            "request-termination" => request_termination::layer(read(name, config)?)?,
            other => return Err(unknown(other).into()),
        })
    }
}
