//! The fields of upstreams and of their targets.

use super::Rule::{Between, Check as Must, LenMin, OneOf, StartsWith};
use super::plugin::HEADER_NAME;
use super::tables::{CREATED_AT, ID, TAGS, TEXT, UPDATED_AT};
use super::{Check, Field, Kind, Must as Wanted, Rule, Schema, Split, rules};

const HASHES: &[&str] =
    &["none", "consumer", "ip", "header", "cookie", "path", "query_arg", "uri_capture"];

const fn field(name: &'static str, kind: Kind) -> Field {
    Field::new(name, kind)
}

/// What is hashed, or what is in its place where there is none.
const fn hash(name: &'static str) -> Field {
    field(name, Kind::String).default(r#""none""#).rules(&[OneOf(HASHES)])
}

const fn header(name: &'static str) -> Field {
    field(name, Kind::String).rules(&[Must(rules::header_name)])
}

const fn name(name: &'static str) -> Field {
    field(name, Kind::String).rules(&[LenMin(1)])
}

/// What must be there where `field` says that it is hashed.
const fn needs(field: &'static str, is: &'static [&'static str], then: &'static str) -> Check {
    Check::When { field, is, unless: false, then, must: Wanted::BeThere }
}

/// What there may be in the place of what is hashed.
const fn fallback(is: &'static [&'static str], then: &'static [&'static str]) -> Check {
    let must = Wanted::BeOneOf(then);
    Check::When { field: "hash_on", is, unless: false, then: "hash_fallback", must }
}

pub(crate) static UPSTREAM: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        field("name", Kind::String).required().unique().rules(&[Must(rules::upstream_name)]),
        field("algorithm", Kind::String).default(r#""round-robin""#).rules(&[OneOf(&[
            "consistent-hashing",
            "least-connections",
            "round-robin",
            "latency",
        ])]),
        hash("hash_on"),
        hash("hash_fallback"),
        header("hash_on_header"),
        header("hash_fallback_header"),
        field("hash_on_cookie", Kind::String).rules(&[Must(rules::cookie_name)]),
        field("hash_on_cookie_path", Kind::String).default(r#""/""#).rules(PATH),
        name("hash_on_query_arg"),
        name("hash_fallback_query_arg"),
        name("hash_on_uri_capture"),
        name("hash_fallback_uri_capture"),
        field("slots", Kind::Integer).default("10000").rules(&[Between(10, 1 << 16)]),
        field("healthchecks", Kind::Record(&HEALTHCHECKS)),
        TAGS,
        field("host_header", Kind::String).rules(&[Must(rules::host_with_port)]),
        field("client_certificate", Kind::Foreign("certificates", "id")).rules(&[Rule::Null(None)]),
        field("use_srv_name", Kind::Boolean).default("false"),
    ],
    checks: &[
        needs("hash_on", &["header"], "hash_on_header"),
        needs("hash_fallback", &["header"], "hash_fallback_header"),
        needs("hash_on", &["cookie"], "hash_on_cookie"),
        needs("hash_fallback", &["cookie"], "hash_on_cookie"),
        fallback(&["none", "cookie"], &["none"]),
        fallback(
            &["consumer"],
            &["none", "ip", "header", "cookie", "path", "query_arg", "uri_capture"],
        ),
        fallback(
            &["ip"],
            &["none", "consumer", "header", "cookie", "path", "query_arg", "uri_capture"],
        ),
        fallback(
            &["path"],
            &["none", "consumer", "header", "cookie", "query_arg", "ip", "uri_capture"],
        ),
        Check::Distinct(&["hash_on_header", "hash_fallback_header"]),
        needs("hash_on", &["query_arg"], "hash_on_query_arg"),
        needs("hash_fallback", &["query_arg"], "hash_fallback_query_arg"),
        Check::Distinct(&["hash_on_query_arg", "hash_fallback_query_arg"]),
        needs("hash_on", &["uri_capture"], "hash_on_uri_capture"),
        needs("hash_fallback", &["uri_capture"], "hash_fallback_uri_capture"),
        Check::Distinct(&["hash_on_uri_capture", "hash_fallback_uri_capture"]),
    ],
};

const PATH: &[Rule] = &[StartsWith("/"), Must(rules::path)];
const SECONDS: &[Rule] = &[Between(0, 65535)];

/// A part of what is checked.
const fn record(fields: &'static [Field]) -> Schema {
    Schema { fields, checks: &[] }
}

/// How many in a row change a target's health. None, if it is 0.
const fn count(name: &'static str) -> Field {
    field(name, Kind::Integer).default("0").rules(&[Between(0, 255)])
}

const fn interval() -> Field {
    field("interval", Kind::Number).default("0").rules(SECONDS)
}

const fn kind() -> Field {
    const KINDS: &[Rule] = &[OneOf(&["tcp", "http", "https", "grpc", "grpcs"])];
    field("type", Kind::String).default(r#""http""#).rules(KINDS)
}

const fn statuses(default: &'static str) -> Field {
    static STATUS: Field = Field::element(Kind::Integer).rules(&[Between(100, 999)]);
    field("http_statuses", Kind::Array(&STATUS, Split::Commas)).default(default)
}

static HEALTHCHECKS: Schema = record(&[
    field("active", Kind::Record(&ACTIVE)),
    field("passive", Kind::Record(&PASSIVE)),
    field("threshold", Kind::Number).default("0").rules(&[Between(0, 100)]),
]);

static ACTIVE: Schema = record(&[
    kind(),
    field("timeout", Kind::Number).default("1").rules(SECONDS),
    field("concurrency", Kind::Integer).default("10").rules(&[Between(1, 1 << 31)]),
    field("http_path", Kind::String).default(r#""/""#).rules(PATH),
    field("https_sni", Kind::String).rules(&[Must(rules::sni)]),
    field("https_verify_certificate", Kind::Boolean).required().default("true"),
    field(
        "headers",
        Kind::Map { keys: &HEADER_NAME, values: &Field::element(Kind::Array(&TEXT, Split::Never)) },
    ),
    field(
        "healthy",
        Kind::Record(&record(&[interval(), statuses("[200,302]"), count("successes")])),
    ),
    field(
        "unhealthy",
        Kind::Record(&record(&[
            interval(),
            statuses("[429,404,500,501,502,503,504,505]"),
            count("tcp_failures"),
            count("timeouts"),
            count("http_failures"),
        ])),
    ),
]);

static PASSIVE: Schema = record(&[
    kind(),
    field(
        "healthy",
        Kind::Record(&record(&[
            statuses(
                "[200,201,202,203,204,205,206,207,208,226,300,301,302,303,304,305,306,307,308]",
            ),
            count("successes"),
        ])),
    ),
    field(
        "unhealthy",
        Kind::Record(&record(&[
            statuses("[429,500,503]"),
            count("tcp_failures"),
            count("timeouts"),
            count("http_failures"),
        ])),
    ),
]);

pub(crate) static TARGET: Schema = Schema {
    fields: &[
        ID,
        // Kong: keeps the times of targets in milliseconds.
        field("created_at", Kind::Number).auto().rules(&[Rule::Timestamp]),
        field("updated_at", Kind::Number).auto().rules(&[Rule::Timestamp]),
        field("upstream", Kind::Foreign("upstreams", "name")).required(),
        field("target", Kind::String).required().rules(&[Must(rules::target)]),
        field("weight", Kind::Integer).default("100").rules(&[Between(0, 65535)]),
        TAGS,
    ],
    checks: &[],
};
