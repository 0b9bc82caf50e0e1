//! `rate-limiting`: how often somebody may call.
//
// Kong: counts in windows of the clock, so that a limit can be used up twice around the end of one.
// Here a limit of one gateway alone fills again bit by bit, and its headers say when.

mod config;
mod database;
mod evenly;
mod period;
mod redis;
mod synced;
mod usage;
mod windows;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, Request, StatusCode};
use serde_json::Value;
use tower::{Service, ServiceExt};
use tower_lua::{Consumer, Credential};

use self::config::{Config, LimitBy, Policy};
use self::database::Database;
use self::evenly::Evenly;
use self::redis::Redis;
use self::synced::Synced;
use self::windows::{Counts, Windows};
use super::outward::Outward;
use super::{Around, Body, Next, message, once};
use crate::BoxError;
use crate::configured::entity::Plugin;
use crate::configured::store::Address;
use crate::request::flight::Flight;

struct Limits {
    counter: Counter,
    by: LimitBy,
    header: Option<HeaderName>,
    path: Option<String>,
    hides_headers: bool,
    tolerates_faults: bool,
    status: StatusCode,
    text: String,
}

/// Who counts.
enum Counter {
    Evenly(Evenly),
    Windows(Windows),
}

pub(super) fn layer(
    config: Config,
    plugin: &Plugin,
    outward: &Arc<Outward>,
    database: Option<&Address>,
) -> Result<Arc<dyn Around>, BoxError> {
    let limits = config.limits()?;
    let counts = counts(&config, outward, database)?;
    let scope = || {
        let of = |id: Option<&str>| id.unwrap_or("all").to_owned();
        format!("{}:{}", of(plugin.route()), of(plugin.service()))
    };
    let counter = match counts {
        Some(counts) => Counter::Windows(Windows::new(&limits, scope(), counts)?),
        None => Counter::Evenly(Evenly::new(&limits)?),
    };
    let header = config.header_name.map(|name| name.parse()).transpose()?;
    Ok(Arc::new(Arc::new(Limits {
        counter,
        by: config.limit_by,
        header,
        path: config.path,
        hides_headers: config.hide_client_headers,
        tolerates_faults: config.fault_tolerant,
        status: StatusCode::from_u16(config.error_code)?,
        text: config.error_message,
    })))
}

/// Where counts are kept, if that is not in this process.
fn counts(
    config: &Config,
    outward: &Arc<Outward>,
    database: Option<&Address>,
) -> Result<Option<Box<dyn Counts>>, BoxError> {
    Ok(match (config.policy, database) {
        (Policy::Redis, _) => {
            let redis = Redis::new(&config.redis(), outward)?;
            if config.sync_rate > 0.0 {
                let interval = Duration::try_from_secs_f64(config.sync_rate)?;
                Some(Box::new(Synced::new(redis, interval)))
            } else {
                Some(Box::new(redis))
            }
        }
        (Policy::Cluster, Some(address)) if address.is_shared() => {
            Some(Box::new(Database(address.clone())))
        }
        (Policy::Cluster, None) => {
            tracing::warn!(
                "rate-limiting: the policy 'cluster' counts in this process alone, as there is \
                 no database"
            );
            None
        }
        // A database in one file has no other gateways.
        (Policy::Cluster | Policy::Local, _) => None,
    })
}

impl Limits {
    fn key(&self, request: &Request<Body>) -> String {
        let of = |entity: &Value| entity.as_str().map(str::to_owned);
        let consumer = || {
            let consumer = request.extensions().get::<Consumer>()?;
            consumer.field("id").or_else(|| consumer.field("username")).and_then(of)
        };
        let credential = || {
            let credential = request.extensions().get::<Credential>()?;
            credential.field("id").or_else(|| credential.field("key")).and_then(of)
        };
        let found = match self.by {
            LimitBy::Consumer => consumer().or_else(credential),
            LimitBy::Credential => credential(),
            LimitBy::Ip => None,
            LimitBy::Service => {
                let route = Flight::of(request).and_then(|flight| flight.route_in_force());
                let service = route.and_then(|route| route.service());
                service.map(|service| service.id.clone())
            }
            LimitBy::Header => {
                let value = self.header.as_ref().and_then(|name| request.headers().get(name));
                value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            }
            LimitBy::Path => {
                let path = request.uri().path();
                (self.path.as_deref() == Some(path)).then(|| path.to_owned())
            }
        };
        found.unwrap_or_else(|| client(request).map_or_else(String::new, |ip| ip.to_string()))
    }

    /// Counts a request: the headers for its response, and whether it may pass.
    async fn count(&self, key: String) -> Result<(HeaderMap, bool), BoxError> {
        let (usages, passes) = match &self.counter {
            Counter::Evenly(evenly) => evenly.take(&key),
            Counter::Windows(windows) => match windows.take(&key).await {
                Err(error) if self.tolerates_faults => {
                    tracing::error!("rate-limiting: requests are not counted: {error}");
                    return Ok((HeaderMap::new(), true));
                }
                counted => counted?,
            },
        };
        if self.hides_headers {
            return Ok((HeaderMap::new(), passes));
        }
        Ok((usage::headers(usages, passes), passes))
    }
}

fn client(request: &Request<Body>) -> Option<IpAddr> {
    Flight::of(request).map(|flight| flight.client)
}

impl Around for Arc<Limits> {
    fn around(&self, next: Next) -> Next {
        let limits = Self::clone(self);
        once(next, async move |request: Request<Body>, mut next: Next| {
            let (headers, passes) = match limits.count(limits.key(&request)).await {
                Ok(counted) => counted,
                Err(error) => {
                    tracing::error!("rate-limiting: {error}");
                    let status = StatusCode::INTERNAL_SERVER_ERROR;
                    return Ok(message(status, "An unexpected error occurred"));
                }
            };
            let mut answered = if passes {
                next.ready().await?.call(request).await?
            } else {
                message(limits.status, &limits.text)
            };
            answered.headers_mut().extend(headers);
            Ok(answered)
        })
    }
}
