//! What `rate-limiting` is told, under Kong's names.

use serde::Deserialize;

use super::period::Period;
use crate::BoxError;

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(in crate::request::plugins) struct Config {
    second: Option<f64>,
    minute: Option<f64>,
    hour: Option<f64>,
    day: Option<f64>,
    month: Option<f64>,
    year: Option<f64>,
    pub(super) limit_by: LimitBy,
    pub(super) header_name: Option<String>,
    pub(super) path: Option<String>,
    pub(super) policy: Policy,
    pub(super) fault_tolerant: bool,
    pub(super) sync_rate: f64,
    redis: RedisConfig,
    redis_host: Option<String>,
    redis_port: Option<u16>,
    redis_timeout: Option<u64>,
    redis_username: Option<String>,
    redis_password: Option<String>,
    redis_database: Option<i64>,
    redis_ssl: Option<bool>,
    redis_ssl_verify: Option<bool>,
    redis_server_name: Option<String>,
    pub(super) hide_client_headers: bool,
    pub(super) error_code: u16,
    pub(super) error_message: String,
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
            policy: Policy::Local,
            fault_tolerant: true,
            sync_rate: -1.0,
            redis: RedisConfig::default(),
            redis_host: None,
            redis_port: None,
            redis_timeout: None,
            redis_username: None,
            redis_password: None,
            redis_database: None,
            redis_ssl: None,
            redis_ssl_verify: None,
            redis_server_name: None,
            hide_client_headers: false,
            error_code: 429,
            error_message: "API rate limit exceeded".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LimitBy {
    Consumer,
    Credential,
    Ip,
    Service,
    Header,
    Path,
}

/// Where counts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Policy {
    Local,
    Cluster,
    Redis,
}

/// How many requests there may be in a period.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) period: Period,
    pub(super) most: u64,
}

/// Where a redis is, as Kong has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct RedisConfig {
    pub(super) host: Option<String>,
    pub(super) port: u16,
    pub(super) timeout: u64,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: i64,
    pub(super) ssl: bool,
    pub(super) ssl_verify: bool,
    pub(super) server_name: Option<String>,
    pub(super) cluster_nodes: Option<Vec<RedisNode>>,
    pub(super) cluster_max_redirections: u32,
}

/// A server of a cluster.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RedisNode {
    pub(super) ip: String,
    pub(super) port: u16,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: 6379,
            timeout: 2000,
            username: None,
            password: None,
            database: 0,
            ssl: false,
            ssl_verify: false,
            server_name: None,
            cluster_nodes: None,
            cluster_max_redirections: 5,
        }
    }
}

impl Config {
    /// The longest period first.
    pub(super) fn limits(&self) -> Result<Vec<Limit>, BoxError> {
        let of = |period| match period {
            Period::Second => self.second,
            Period::Minute => self.minute,
            Period::Hour => self.hour,
            Period::Day => self.day,
            Period::Month => self.month,
            Period::Year => self.year,
        };
        let given = Period::ALL.into_iter().filter_map(|period| Some((period, of(period)?)));
        let limits = given.map(|(period, most)| {
            if most.is_nan() || most <= 0.0 {
                let name = period.name();
                return Err(format!("rate-limiting: '{name}' must be greater than 0").into());
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "positive, and what is too large for a limit is as good as none"
            )]
            Ok(Limit { period, most: most.ceil() as u64 })
        });
        let limits = limits.collect::<Result<Vec<_>, BoxError>>()?;
        if limits.is_empty() {
            return Err("rate-limiting: at least one of 'second' to 'year' must be set".into());
        }
        Ok(limits)
    }

    /// Where the redis is. What files for Kong before 3.6 say has precedence, as in Kong.
    pub(super) fn redis(&self) -> RedisConfig {
        let own = self.redis.clone();
        RedisConfig {
            host: self.redis_host.clone().or(own.host),
            port: self.redis_port.unwrap_or(own.port),
            timeout: self.redis_timeout.unwrap_or(own.timeout),
            username: self.redis_username.clone().or(own.username),
            password: self.redis_password.clone().or(own.password),
            database: self.redis_database.unwrap_or(own.database),
            ssl: self.redis_ssl.unwrap_or(own.ssl),
            ssl_verify: self.redis_ssl_verify.unwrap_or(own.ssl_verify),
            server_name: self.redis_server_name.clone().or(own.server_name),
            ..own
        }
    }
}
