//! How a target of an upstream is written: a host and a port.

use std::net::{IpAddr, Ipv6Addr};

use serde_json::Value;

use crate::configured::schema::{self, Object};

/// Kong's, of targets that say none.
const DEFAULT_PORT: u16 = 8000;

/// Writes the target of an object as it is shown, if it is one.
pub(super) fn complete(object: &mut Object) {
    let given = object.get("target").and_then(Value::as_str);
    if let Some(complete) = given.and_then(complete_text) {
        object.insert("target".to_owned(), complete.into());
    }
}

/// A target in Kong's way: with a port, an address of IPv6 in brackets and in full.
fn complete_text(given: &str) -> Option<String> {
    schema::target(given).ok()?;
    let (host, port) = split(given)?;
    let host = match host.parse() {
        Ok(IpAddr::V6(ip)) => format!("[{}]", in_full(ip)),
        Ok(IpAddr::V4(_)) | Err(_) => host.to_owned(),
    };
    Some(format!("{host}:{}", port.unwrap_or(DEFAULT_PORT)))
}

/// The host of a target, without brackets, and its port.
pub(crate) fn split(target: &str) -> Option<(&str, Option<u16>)> {
    if target.parse::<IpAddr>().is_ok() {
        return Some((target, None));
    }
    let (host, port) = match target.rsplit_once(':') {
        Some((host, port)) if !target.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (target, None),
    };
    Some((host.trim_matches(['[', ']']), port))
}

fn in_full(ip: Ipv6Addr) -> String {
    ip.segments().map(|segment| format!("{segment:04x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_shown_with_their_port_and_addresses_in_full() {
        for (given, shown) in [
            ("a.example", "a.example:8000"),
            ("a.example:80", "a.example:80"),
            ("127.0.0.1", "127.0.0.1:8000"),
            ("::1", "[0000:0000:0000:0000:0000:0000:0000:0001]:8000"),
            ("[::1]:9", "[0000:0000:0000:0000:0000:0000:0000:0001]:9"),
        ] {
            assert_eq!(complete_text(given).as_deref(), Some(shown));
        }
        assert_eq!(complete_text("a.example:x"), None);
    }

    #[test]
    fn what_is_shown_is_split_again() {
        assert_eq!(split("a.example:80"), Some(("a.example", Some(80))));
        assert_eq!(split("[0::1]:9"), Some(("0::1", Some(9))));
    }
}
