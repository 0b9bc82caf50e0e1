//! `rate-limiting`: how often somebody may call.
//
// Kong: counts in windows of the clock, so that a limit can be used up twice around the end of one.
// Here a limit fills again bit by bit, and its headers say when.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tower::{Service, ServiceExt};
use tower_lua::{Consumer, Credential};

use super::{Around, Body, Next, message};
use crate::BoxError;
use crate::request::flight::Flight;

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    second: Option<f64>,
    minute: Option<f64>,
    hour: Option<f64>,
    day: Option<f64>,
    month: Option<f64>,
    year: Option<f64>,
    limit_by: LimitBy,
    header_name: Option<String>,
    path: Option<String>,
    policy: String,
    hide_client_headers: bool,
    error_code: u16,
    error_message: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            second: None,
            minute: None,
            hour: None,
            day: None,
            month: None,
            year: None,
            limit_by: LimitBy::Consumer,
            header_name: None,
            path: None,
            policy: "local".to_owned(),
            hide_client_headers: false,
            error_code: 429,
            error_message: "API rate limit exceeded".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LimitBy {
    Consumer,
    Credential,
    Ip,
    Service,
    Header,
    Path,
}

struct Limits {
    /// The longest period first: what it refuses counts for no other.
    periods: Vec<Period>,
    by: LimitBy,
    header: Option<HeaderName>,
    path: Option<String>,
    hides_headers: bool,
    status: StatusCode,
    text: String,
    calls: AtomicU64,
}

type Limiter =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

struct Period {
    limiter: Limiter,
    limit: u32,
    length: Duration,
    names: [HeaderName; 2],
}

/// What a limit has left for somebody.
struct Usage {
    limit: u32,
    remaining: u32,
    /// Seconds until there is more.
    reset: u64,
}

const DAY: u64 = 86_400;

pub(super) fn layer(config: Config) -> Result<Arc<dyn Around>, BoxError> {
    if config.policy != "local" {
        tracing::warn!(
            "rate-limiting: policy '{}' counts in this process alone, as 'local' does",
            config.policy
        );
    }
    let periods = [
        ("year", config.year, 365 * DAY),
        ("month", config.month, 30 * DAY),
        ("day", config.day, DAY),
        ("hour", config.hour, 3600),
        ("minute", config.minute, 60),
        ("second", config.second, 1),
    ];
    let given =
        periods.iter().filter_map(|(name, limit, seconds)| Some((name, (*limit)?, seconds)));
    let periods = given
        .map(|(name, limit, seconds)| Period::new(name, limit, Duration::from_secs(*seconds)))
        .collect::<Result<Vec<_>, _>>()?;
    if periods.is_empty() {
        return Err("rate-limiting: at least one of 'second' to 'year' must be set".into());
    }
    let header = config.header_name.map(|name| name.parse()).transpose()?;
    Ok(Arc::new(Arc::new(Limits {
        periods,
        by: config.limit_by,
        header,
        path: config.path,
        hides_headers: config.hide_client_headers,
        status: StatusCode::from_u16(config.error_code)?,
        text: config.error_message,
        calls: AtomicU64::new(0),
    })))
}

impl Period {
    fn new(name: &str, limit: f64, length: Duration) -> Result<Self, BoxError> {
        let wrong = || format!("rate-limiting: '{name}' must be greater than 0");
        if limit.is_nan() || limit <= 0.0 {
            return Err(wrong().into());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and what is too large for a limit is as good as none"
        )]
        let limit = NonZeroU32::new(limit.ceil() as u32).ok_or_else(wrong)?;
        let each = (length / limit.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).ok_or_else(wrong)?.allow_burst(limit);
        let capitalized = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        Ok(Self {
            limiter: RateLimiter::keyed(quota).with_middleware(),
            limit: limit.get(),
            length,
            names: [
                format!("x-ratelimit-limit-{capitalized}").to_lowercase().parse()?,
                format!("x-ratelimit-remaining-{capitalized}").to_lowercase().parse()?,
            ],
        })
    }

    /// Takes one of what is left for `key`. Whether there was one.
    fn take(&self, key: &String) -> Result<Usage, Usage> {
        let limit = self.limit;
        match self.limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = limit.saturating_sub(remaining);
                Ok(Usage { limit, remaining, reset: seconds(self.length / limit * used) })
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(Usage { limit, remaining: 0, reset: seconds(wait) })
            }
        }
    }
}

/// Whole seconds, and at least one.
fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
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
    fn count(&self, key: &String) -> (HeaderMap, bool) {
        // Now and then, those who have not called for so long that their limits are full again are
        // forgotten.
        if self.calls.fetch_add(1, Ordering::Relaxed) % 4096 == 4095 {
            self.periods.iter().for_each(|period| period.limiter.retain_recent());
        }
        let mut headers = HeaderMap::new();
        let mut tightest: Option<Usage> = None;
        let mut passes = true;
        for period in &self.periods {
            let usage = match period.take(key) {
                Ok(usage) => usage,
                Err(usage) => {
                    passes = false;
                    usage
                }
            };
            let [limit, remaining] = &period.names;
            headers.insert(limit.clone(), usage.limit.into());
            headers.insert(remaining.clone(), usage.remaining.into());
            if tightest.as_ref().is_none_or(|tightest| usage.remaining < tightest.remaining) {
                tightest = Some(usage);
            }
            if !passes {
                break;
            }
        }
        if let Some(Usage { limit, remaining, reset }) = tightest {
            headers.insert(HeaderName::from_static("ratelimit-limit"), limit.into());
            headers.insert(HeaderName::from_static("ratelimit-remaining"), remaining.into());
            headers.insert(HeaderName::from_static("ratelimit-reset"), reset.into());
            if !passes {
                headers.insert(RETRY_AFTER, HeaderValue::from(reset));
            }
        }
        if self.hides_headers {
            headers.clear();
        }
        (headers, passes)
    }
}

fn client(request: &Request<Body>) -> Option<IpAddr> {
    Flight::of(request).map(|flight| flight.client)
}

impl Around for Arc<Limits> {
    fn around(&self, mut next: Next) -> Next {
        let limits = Self::clone(self);
        Next::new(
            tower::service_fn(move |request: Request<Body>| {
                let (headers, passes) = limits.count(&limits.key(&request));
                let refusal = (!passes).then(|| message(limits.status, &limits.text));
                let response = passes.then(|| next.call(request));
                async move {
                    let mut answered = match (response, refusal) {
                        (Some(response), _) => response.await?,
                        (None, refusal) => refusal.expect("or it had passed"),
                    };
                    answered.headers_mut().extend(headers);
                    Ok(answered)
                }
            })
            .boxed(),
        )
    }
}
