//! What must hold for single values. The messages are Kong's.

use std::net::IpAddr;

use http::Uri;
use regex::Regex;

use crate::configured::certificate;
use crate::configured::public_key::PublicKey;

pub(crate) type Checked = Result<(), String>;

pub(super) fn check(holds: bool, error: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(error()) }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._~-".contains(character) || !character.is_ascii()
}

pub(super) fn utf8_name(name: &str) -> Checked {
    check(name.chars().all(is_name), || {
        format!(
            "invalid value '{name}': the only accepted ascii characters are alphanumerics or ., -, _, and ~"
        )
    })
}

pub(super) fn tag(tag: &str) -> Checked {
    let allowed =
        |c: char| !c.is_ascii() || (c == ' ' || c.is_ascii_graphic()) && c != ',' && c != '/';
    check(tag.chars().all(allowed), || {
        format!(
            "invalid tag '{tag}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences"
        )
    })
}

pub(super) fn method(method: &str) -> Checked {
    let upper = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    check(upper, || format!("invalid value: {method}"))
}

pub(super) fn header_name(name: &str) -> Checked {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    check(name.chars().all(allowed), || {
        format!("bad header name '{name}', allowed characters are A-Z, a-z, 0-9, '_', and '-'")
    })
}

pub(super) fn routed_header(name: &str) -> Checked {
    if name.eq_ignore_ascii_case("host") {
        let error =
            "cannot contain 'host' header, which must be specified in the 'hosts' attribute";
        return Err(error.to_owned());
    }
    header_name(name)
}

/// A host name or an address, without a port.
pub(super) fn host(host: &str) -> Checked {
    let (name, port) = split_port(host);
    if port.is_some() {
        return Err("must not have a port".to_owned());
    }
    check(is_host(name), || format!("invalid value: {host}"))
}

/// The same, or with one.
pub(super) fn host_with_port(host: &str) -> Checked {
    let (name, port) = split_port(host);
    check(port.is_none_or(is_port), || "invalid port number".to_owned())?;
    check(is_host(name), || format!("invalid hostname: {host}"))
}

fn is_port(port: &str) -> bool {
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// The name of an upstream, which stands where the host of a service does.
pub(super) fn upstream_name(name: &str) -> Checked {
    let (host, port) = split_port(name);
    let invalid = |why: &str| Err(format!("Invalid name ('{name}'); {why}"));
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return invalid("no ip addresses allowed");
    }
    if !is_host(host) || port.is_some_and(|port| !is_port(port)) {
        return invalid("must be a valid hostname");
    }
    if port.is_some() { invalid("no port allowed") } else { Ok(()) }
}

/// A host and its port, or a host alone.
pub(crate) fn target(target: &str) -> Checked {
    let (host, port) = split_port(target);
    check(is_host(host) && port.is_none_or(is_port), || {
        format!("Invalid target ('{target}'); not a valid hostname or ip address")
    })
}

/// A name that a certificate is asked for by.
pub(super) fn sni(name: &str) -> Checked {
    let (host, port) = split_port(name);
    check(host.trim_matches(['[', ']']).parse::<IpAddr>().is_err(), || {
        "must not be an IP".to_owned()
    })?;
    check(port.is_none(), || "must not have a port".to_owned())?;
    check(is_host(host), || format!("invalid value: {name}"))
}

pub(super) fn cookie_name(name: &str) -> Checked {
    let refused = |c: char| c.is_ascii_control() || " ()<>@,;:\\\"/?={}[]".contains(c);
    check(!name.contains(refused), || {
        "contains one or more invalid characters. ASCII control characters (0-31;127), space, tab \
         and the characters ()<>@,;:\\\"/?={}[] are not allowed."
            .to_owned()
    })
}

/// A host that requests are matched by: `example.com`, `*.example.com`, `example.*`, with a port or
/// without.
pub(super) fn wildcard_host(host: &str) -> Checked {
    let wildcards = host.matches('*').count();
    if wildcards > 1 {
        return Err("invalid wildcard: must have at most one wildcard".to_owned());
    }
    let (name, port) = split_port(host);
    if wildcards == 1 && !name.starts_with("*.") && !name.ends_with(".*") {
        return Err("invalid wildcard: must be placed at leftmost or rightmost label".to_owned());
    }
    let port_is_none = port.is_some_and(|port| port.parse::<u16>().is_err());
    check(!port_is_none, || "invalid port number".to_owned())?;
    check(is_host(&name.replace('*', "abc")), || format!("invalid hostname: {host}"))
}

pub(crate) fn wildcard_sni(sni: &str) -> Checked {
    if sni.matches('*').count() > 1 {
        return Err("only one wildcard must be specified".to_owned());
    }
    if sni.contains('*') && !sni.starts_with('*') && !sni.ends_with('*') {
        return Err("wildcard must be leftmost or rightmost character".to_owned());
    }
    let (name, port) = split_port(sni);
    if port.is_some() {
        return Err("must not have a port".to_owned());
    }
    if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Err("must not be an IP".to_owned());
    }
    check(is_host(&name.replace('*', "wildcard")), || format!("invalid value: {sni}"))
}

/// A host and its port, if there is one. An IPv6 address is no host with a port.
fn split_port(host: &str) -> (&str, Option<&str>) {
    if host.parse::<IpAddr>().is_ok() || host.ends_with(']') {
        return (host, None);
    }
    host.rsplit_once(':').map_or((host, None), |(name, port)| (name, Some(port)))
}

fn is_host(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if bracketed.unwrap_or(host).parse::<IpAddr>().is_ok() {
        return true;
    }
    let label = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(allowed)
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253 && name.split('.').all(label)
}

/// The path of a service or URL.
pub(super) fn path(path: &str) -> Checked {
    if path.contains("//") {
        return Err("must not have empty segments".to_owned());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_~/%:@!$&'()*+,;=".contains(c);
    check(path.chars().all(allowed), || {
        format!(
            "invalid path: '{path}' (characters outside of the reserved list of RFC 3986 found)"
        )
    })?;
    percent_encoded(path)
}

fn percent_encoded(path: &str) -> Checked {
    let encoded = |at: usize| {
        let digits = path.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    match path.match_indices('%').find(|(at, _)| !encoded(*at)) {
        None => Ok(()),
        Some((at, _)) => {
            let rest: String = path[at..].chars().take(3).collect();
            Err(format!("invalid url-encoded value: '{rest}'"))
        }
    }
}

/// A path that requests are matched by: a prefix, or an expression after a `~`.
pub(super) fn router_path(value: &str) -> Checked {
    check(value.starts_with('/') || value.starts_with("~/"), || {
        "should start with: / (fixed path) or ~/ (regex path)".to_owned()
    })?;
    let Some(expression) = value.strip_prefix('~') else {
        path(value)?;
        let normalized = normalize(value);
        return check(normalized == value, || {
            format!("non-normalized path, consider use '{normalized}' instead")
        });
    };
    check(!value.contains("//"), || "must not have empty segments".to_owned())?;
    Regex::new(expression).map(drop).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("invalid regex: '{expression}' ({reason})")
    })
}

/// A path without dot segments and needless percent-encoding.
fn normalize(path: &str) -> String {
    let mut segments: Vec<String> = Vec::new();
    let last = path.split('/').count() - 1;
    for (position, segment) in path.split('/').enumerate().skip(1) {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    segments.pop();
                }
                if position == last {
                    segments.push(String::new());
                }
            }
            segment => segments.push(decode_unreserved(segment)),
        }
    }
    format!("/{}", segments.join("/"))
}

fn decode_unreserved(segment: &str) -> String {
    let mut out = String::new();
    let mut rest = segment;
    while let Some(at) = rest.find('%') {
        out += &rest[..at];
        let digits = rest.get(at + 1..at + 3).unwrap_or_default();
        let byte = u8::from_str_radix(digits, 16).ok().map(char::from);
        match byte {
            Some(c) if c.is_ascii_alphanumeric() || "-._~".contains(c) => out.push(c),
            _ => out += &format!("%{}", digits.to_ascii_uppercase()),
        }
        rest = rest.get(at + 1 + digits.len()..).unwrap_or_default();
    }
    out + rest
}

/// An address, or a network of them.
pub(super) fn network(text: &str) -> Checked {
    let is_network = text.parse::<IpAddr>().is_ok() || text.parse::<ipnet::IpNet>().is_ok();
    check(is_network, || format!("invalid ip or cidr range: '{text}'"))
}

/// A certificate in PEM, and perhaps those that vouch for it.
pub(super) fn certificate(text: &str) -> Checked {
    check(certificate::chain(text).is_some(), || {
        "invalid certificate: expected one or more in PEM".to_owned()
    })
}

/// A private key in PEM.
pub(super) fn private_key(text: &str) -> Checked {
    check(certificate::is_key(text), || {
        "invalid key: expected one of RSA, ECDSA or Ed25519 in PEM, without a password".to_owned()
    })
}

/// A public key in PEM.
pub(super) fn public_key(text: &str) -> Checked {
    check(PublicKey::of_pem(text).is_some(), || "invalid key".to_owned())
}

/// A path of an API of Kong 0.x: a prefix, or an expression.
pub(super) fn uri(uri: &str) -> Checked {
    check(uri.starts_with('/'), || format!("invalid value '{uri}': should start with: /"))?;
    if path(uri).is_ok() {
        return Ok(());
    }
    Regex::new(uri).map(drop).map_err(|_| format!("invalid value '{uri}': invalid regex"))
}

pub(super) fn asterisk_or_regex(value: &str) -> Checked {
    let valid = value == "*" || Regex::new(value).is_ok();
    check(valid, || format!("'{value}' is not a valid regex"))
}

/// The protocols of services that this gateway forwards to.
pub(super) fn spoken(protocol: &str) -> Checked {
    check(["http", "https", "grpc", "grpcs"].contains(&protocol), || {
        format!("'{protocol}' is not supported here: expected http, https, grpc or grpcs")
    })
}

pub(super) fn upstream_url(url: &str) -> Checked {
    let error = || "upstream_url is not a url".to_owned();
    let uri: Uri = url.parse().map_err(|_| error())?;
    check(uri.scheme().is_some() && uri.host().is_some_and(is_host), error)?;
    check(matches!(uri.scheme_str(), Some("http" | "https")), || {
        "Supported protocols are HTTP and HTTPS".to_owned()
    })?;
    path(uri.path())
}
