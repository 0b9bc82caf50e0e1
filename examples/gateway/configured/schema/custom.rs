//! What must hold between the fields of one kind of entity. The messages are Kong's.

use std::time::SystemTime;

use serde_json::Value;

use super::rules::{Checked, check};
use super::{Object, at, non_empty};
use crate::configured::certificate::{self, Unfit};

fn texts<'a>(object: &'a Object, path: &str) -> Vec<&'a str> {
    let list = at(object, path).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Routes of bare TCP are not for this gateway.
pub(super) fn only_http(route: &Object) -> Checked {
    let protocols = texts(route, "protocols");
    if let Some(other) =
        protocols.iter().find(|p| ["tcp", "tls", "udp", "tls_passthrough"].contains(p))
    {
        return Err(format!(
            "'{other}' in 'protocols' is not supported here: expected http, https, grpc or grpcs"
        ));
    }
    let grpc = protocols.iter().any(|protocol| protocol.starts_with("grpc"));
    if grpc && at(route, "strip_path") == Some(&Value::Bool(true)) {
        return Err("cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'".to_owned());
    }
    if grpc && non_empty(at(route, "methods")) {
        return Err("cannot set 'methods' when 'protocols' is 'grpc' or 'grpcs'".to_owned());
    }
    Ok(())
}

/// A value is that of a header.
pub(super) fn header_of_canary(canary: &Object) -> Checked {
    let has = |field: &str| non_empty(at(canary, field));
    check(has("header.name") || !has("header.value"), || {
        "'header.value' needs a 'header.name'".to_owned()
    })
}

pub(super) fn snis_need_tls(route: &Object) -> Checked {
    let tls = texts(route, "protocols")
        .iter()
        .any(|protocol| ["https", "grpcs", "tls", "tls_passthrough"].contains(protocol));
    check(tls || !non_empty(at(route, "snis")), || {
        "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'"
            .to_owned()
    })
}

/// A plugin of an API is of nothing else.
pub(super) fn one_scope(plugin: &Object) -> Checked {
    let of_api = non_empty(at(plugin, "api"));
    let of_other = non_empty(at(plugin, "service")) || non_empty(at(plugin, "route"));
    check(!(of_api && of_other), || {
        "only one or none of these fields must be set: 'api', 'service' or 'route'".to_owned()
    })
}

/// Kong 3.x wants a function in one of the phases; the key of its first versions may be empty.
pub(super) fn any_function(plugin: &Object) -> Checked {
    const PHASES: [&str; 6] =
        ["certificate", "rewrite", "access", "header_filter", "body_filter", "log"];
    let config = plugin.get("config").and_then(Value::as_object);
    let Some(config) = config else { return Ok(()) };
    let legacy = config.get("functions").is_some_and(Value::is_array);
    let any = PHASES.iter().any(|phase| non_empty(config.get(*phase)));
    check(legacy || any, || {
        let names = PHASES.map(|phase| format!("'config.{phase}'"));
        format!("at least one of these fields must be non-empty: {}", names.join(", "))
    })
}

/// Longer periods allow no fewer requests.
pub(super) fn periods(plugin: &Object) -> Checked {
    let periods = ["second", "minute", "hour", "day", "month", "year"];
    let limits = periods
        .map(|period| (period, at(plugin, &format!("config.{period}")).and_then(Value::as_f64)));
    for (position, (lower, limit)) in limits.iter().enumerate() {
        for (upper, other) in &limits[position + 1..] {
            if let (Some(limit), Some(other)) = (limit, other)
                && other < limit
            {
                return Err(format!(
                    "The limit for {upper}({other:.1}) cannot be lower than the limit for {lower}({limit:.1})"
                ));
            }
        }
    }
    let rate = at(plugin, "config.sync_rate").and_then(Value::as_f64);
    let redis = at(plugin, "config.policy").and_then(Value::as_str) == Some("redis");
    check(redis || rate.is_none_or(|rate| (rate + 1.0).abs() < f64::EPSILON), || {
        "sync_rate can only be used with the redis policy".to_owned()
    })
}

/// Who counts in redis says where it is.
pub(super) fn redis(plugin: &Object) -> Checked {
    let is_in_redis = at(plugin, "config.policy").and_then(Value::as_str) == Some("redis");
    let is_named = ["config.redis.host", "config.redis_host", "config.redis.cluster_nodes"];
    let is_named = is_named.iter().any(|name| non_empty(at(plugin, name)));
    check(!is_in_redis || is_named, || {
        "failed conditional validation given value of field 'config.policy': 'config.redis.host' \
         is required"
            .to_owned()
    })
}

/// Who limits how long a token may live has it verified.
pub(super) fn expiration(plugin: &Object) -> Checked {
    let limits = at(plugin, "config.maximum_expiration").and_then(Value::as_f64) > Some(0.0);
    check(!limits || texts(plugin, "config.claims_to_verify").contains(&"exp"), || {
        "failed conditional validation given value of field 'config.maximum_expiration': \
         'config.claims_to_verify' must contain exp"
            .to_owned()
    })
}

pub(super) fn termination(plugin: &Object) -> Checked {
    let has = |name: &str| non_empty(at(plugin, &format!("config.{name}")));
    check(!(has("message") && (has("content_type") || has("body"))), || {
        "message cannot be used with content_type or body".to_owned()
    })?;
    check(!has("content_type") || has("body"), || "content_type requires a body".to_owned())?;
    let echoes = at(plugin, "config.echo") == Some(&Value::Bool(true));
    check(!(echoes && (has("content_type") || has("body"))), || {
        "echo cannot be used with content_type and body".to_owned()
    })
}

/// A certificate and its key are of each other.
pub(super) fn certificate(object: &Object) -> Checked {
    pair(object, ["cert", "key"], "certificate does not match key")
}

pub(super) fn other_certificate(object: &Object) -> Checked {
    let there = ["cert_alt", "key_alt"].map(|field| non_empty(at(object, field)));
    check(there[0] == there[1], || {
        "all or none of these fields must be set: 'cert_alt', 'key_alt'".to_owned()
    })?;
    let fields = ["cert_alt", "key_alt"];
    pair(object, fields, "alternative certificate does not match key")?;
    let kinds = [["cert", "key"], fields].map(|fields| {
        let [cert, key] = fields.map(|field| at(object, field).and_then(Value::as_str));
        let key = certificate::certified(cert?, key?).ok()?;
        Some(certificate::algorithm(&key))
    });
    check(kinds[0].is_none() || kinds[0] != kinds[1], || {
        "certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), \
         the provided certificates were both of the same type"
            .to_owned()
    })
}

/// What is wrong with either alone is told where it stands.
fn pair(object: &Object, fields: [&str; 2], error: &str) -> Checked {
    let [Some(cert), Some(key)] = fields.map(|field| at(object, field).and_then(Value::as_str))
    else {
        return Ok(());
    };
    let is_pair = !matches!(certificate::certified(cert, key), Err(Unfit::Pair));
    check(is_pair, || error.to_owned())
}

/// Who vouches for others may do so.
pub(super) fn authority(object: &Object) -> Checked {
    let error = object.get("cert").and_then(Value::as_str);
    let error = error.and_then(|text| certificate::authority_error(text, now()));
    error.map_or(Ok(()), |error| Err(error.to_owned()))
}

fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
