//! Declarative files, whole ones and broken ones, in YAML's subset that is JSON.

use super::Choices;

const KINDS: &[&str] = &[
    "services",
    "routes",
    "plugins",
    "consumers",
    "upstreams",
    "targets",
    "certificates",
    "ca_certificates",
    "_transform",
    "x",
];
const FIELDS: &[&str] = &[
    "id",
    "name",
    "host",
    "url",
    "port",
    "path",
    "protocol",
    "protocols",
    "retries",
    "tags",
    "paths",
    "hosts",
    "methods",
    "headers",
    "snis",
    "service",
    "route",
    "routes",
    "plugins",
    "config",
    "access",
    "functions",
    "enabled",
    "strip_path",
    "connect_timeout",
    "created_at",
    "regex_priority",
    "targets",
    "target",
    "weight",
    "hash_on",
    "healthchecks",
    "active",
    "cert",
    "key",
    "_format_version",
];
const TEXTS: &[&str] = &[
    "a",
    "shop",
    "http://a.example:80/x",
    "https://b",
    "/",
    "/a",
    "~/a/(?<x>\\\\d+)$",
    "~/(",
    "*.example.com",
    "127.0.0.1:1",
    "[::1]",
    "header",
    "GET",
    "http",
    "grpc",
    "kong.response.exit(200)",
    "return (",
    "pre-function",
    "post-function",
    "rate-limiting",
    "",
    "3.0",
    "1.1",
    "{vault://env/x}",
    "\\u0000",
    "${{ env \\\"X\\\" }}",
];

/// The text of a file.
pub fn document(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut text = String::from("{\"_format_version\":\"3.0\"");
    for _ in 0..choices.below(4) {
        let entities = choices.several(3, |choices| object(choices, 0)).join(",");
        text.push_str(&format!(",\"{}\":[{entities}]", choices.pick(KINDS)));
    }
    text.push('}');
    let mut text = text.into_bytes();
    if choices.once_in(3) {
        choices.spoil(&mut text);
    }
    text
}

fn object(choices: &mut Choices<'_>, depth: usize) -> String {
    let mut fields = choices.several(5, |choices| {
        let field = choices.pick(FIELDS);
        format!("\"{field}\":{}", value(choices, depth + 1))
    });
    // What has these two may pass.
    fields.insert(0, format!("\"name\":\"{}\"", choices.pick(TEXTS)));
    fields.insert(0, "\"url\":\"http://a.example\"".to_owned());
    format!("{{{}}}", fields.join(","))
}

fn value(choices: &mut Choices<'_>, depth: usize) -> String {
    match choices.below(if depth < 4 { 8 } else { 4 }) {
        0 | 1 => format!("\"{}\"", choices.pick(TEXTS)),
        2 => choices.pick(&["0", "1", "-1", "80", "65536", "1.5", "1e99"]).to_owned(),
        3 => choices.pick(&["null", "true", "false"]).to_owned(),
        4 | 5 => format!("[{}]", choices.several(3, |choices| value(choices, depth + 1)).join(",")),
        _ => object(choices, depth + 1),
    }
}
