//! The fields of services, routes, plugins and APIs.

use super::Check::{Needs, When};
use super::Rule::{Between, Check as Must, Exclusive, Null, OneOf, OneOfIntegers, StartsWith};
use super::{Check, Field, Kind, Must as Wanted, Rule, Schema, Split, custom, rules};

pub(super) const PROTOCOLS: &[&str] =
    &["grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"];
/// The protocols that plugins can be for.
const HTTP: &str = r#"["grpc","grpcs","http","https"]"#;
const TIMEOUT: &[Rule] = &[Between(1, (1 << 31) - 2)];
const NAME: &[Rule] = &[Must(rules::utf8_name)];
const METHOD: &[Rule] = &[Must(rules::method)];

pub(super) const ID: Field = Field::new("id", Kind::String).auto().rules(&[Rule::Uuid]);
pub(super) const CREATED_AT: Field =
    Field::new("created_at", Kind::Integer).auto().rules(&[Rule::Timestamp]);
pub(super) const UPDATED_AT: Field =
    Field::new("updated_at", Kind::Integer).auto().rules(&[Rule::Timestamp]);
pub(super) const TAGS: Field = Field::new(
    "tags",
    Kind::Set(&Field::element(Kind::String).rules(&[Must(rules::tag)]), Split::Commas),
);
const ONE_PROTOCOL: Field = Field::element(Kind::String).rules(&[OneOf(PROTOCOLS)]);
pub(super) const TEXT: Field = Field::element(Kind::String);

/// An optional field.
const fn field(name: &'static str, kind: Kind) -> Field {
    Field::new(name, kind)
}

/// A switch, with its default.
pub(super) const fn switch(name: &'static str, default: &'static str) -> Field {
    Field::new(name, Kind::Boolean).required().default(default)
}

/// A field that only some values of `protocol` allow.
const fn only_over(protocols: &'static [&'static str], then: &'static str) -> Check {
    When { field: "protocol", is: protocols, unless: true, then, must: Wanted::BeNull }
}

pub(crate) static SERVICE: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        field("name", Kind::String).unique().rules(NAME),
        field("retries", Kind::Integer).default("5").rules(&[Between(0, 32767)]),
        field("protocol", Kind::String)
            .required()
            .default(r#""http""#)
            .rules(&[OneOf(PROTOCOLS), Must(rules::spoken)]),
        field("host", Kind::String).required().rules(&[Must(rules::host)]),
        field("port", Kind::Integer).required().default("80").rules(&[Between(0, 65535)]),
        field("path", Kind::String).rules(&[StartsWith("/"), Must(rules::path)]),
        field("connect_timeout", Kind::Integer).default("60000").rules(TIMEOUT),
        field("write_timeout", Kind::Integer).default("60000").rules(TIMEOUT),
        field("read_timeout", Kind::Integer).default("60000").rules(TIMEOUT),
        TAGS,
        field("client_certificate", Kind::Foreign("certificates", "id")),
        field("tls_verify", Kind::Boolean),
        field("tls_verify_depth", Kind::Integer).rules(&[Between(0, 64)]),
        field(
            "ca_certificates",
            Kind::Array(&Field::element(Kind::String).rules(&[Rule::Uuid]), Split::Commas),
        ),
        switch("enabled", "true"),
    ],
    checks: &[
        When {
            field: "protocol",
            is: &["tcp", "tls", "udp", "grpc", "grpcs"],
            unless: false,
            then: "path",
            must: Wanted::BeNull,
        },
        only_over(&["https", "tls"], "client_certificate"),
        only_over(&["https", "tls"], "tls_verify"),
        only_over(&["https", "tls"], "tls_verify_depth"),
        only_over(&["https", "tls"], "ca_certificates"),
    ],
};

/// `sources` and `destinations`, which routes of bare TCP have in Kong.
const fn stream(name: &'static str, rule: &'static [Rule]) -> Field {
    Field::new(name, Kind::Array(&TEXT, Split::Never)).rules(rule)
}

pub(crate) static ROUTE: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        field("name", Kind::String).unique().rules(NAME),
        field("protocols", Kind::Set(&ONE_PROTOCOL, Split::Commas))
            .required()
            .default(r#"["http","https"]"#)
            .rules(&[
                Rule::LenMin(1),
                Exclusive(&[
                    &["http", "https"],
                    &["tcp", "tls", "udp"],
                    &["tls_passthrough"],
                    &["grpc", "grpcs"],
                ]),
            ]),
        field("https_redirect_status_code", Kind::Integer)
            .required()
            .default("426")
            .rules(&[OneOfIntegers(&[426, 301, 302, 307, 308])]),
        switch("strip_path", "true"),
        switch("preserve_host", "false"),
        switch("request_buffering", "true"),
        switch("response_buffering", "true"),
        TAGS,
        field("service", Kind::Foreign("services", "name")),
        field(
            "snis",
            Kind::Set(
                &Field::element(Kind::String).rules(&[Must(rules::wildcard_sni)]),
                Split::Commas,
            ),
        ),
        stream(
            "sources",
            &[Null(Some("cannot set 'sources' when 'protocols' is 'http' or 'https'"))],
        ),
        stream(
            "destinations",
            &[Null(Some("cannot set 'destinations' when 'protocols' is 'http' or 'https'"))],
        ),
        field("methods", Kind::Set(&Field::element(Kind::String).rules(METHOD), Split::Commas)),
        field(
            "hosts",
            Kind::Array(
                &Field::element(Kind::String).rules(&[Must(rules::wildcard_host)]),
                Split::Commas,
            ),
        ),
        field(
            "paths",
            Kind::Array(
                &Field::element(Kind::String).rules(&[Must(rules::router_path)]),
                Split::Commas,
            ),
        ),
        field(
            "headers",
            Kind::Map {
                keys: &Field::element(Kind::String).rules(&[Must(rules::routed_header)]),
                values: &Field::element(Kind::Array(&TEXT, Split::Never)),
            },
        ),
        field("regex_priority", Kind::Integer).default("0"),
        field("path_handling", Kind::String).default(r#""v0""#).rules(&[OneOf(&["v0", "v1"])]),
    ],
    checks: &[
        Check::Custom(custom::only_http),
        Check::Custom(custom::snis_need_tls),
        Needs {
            list: "protocols",
            contains: "https",
            one_of: &["methods", "hosts", "headers", "paths", "snis"],
            error: "must set one of %s when 'protocols' is 'https'",
        },
        Needs {
            list: "protocols",
            contains: "http",
            one_of: &["methods", "hosts", "headers", "paths"],
            error: "must set one of %s when 'protocols' is 'http'",
        },
        Needs {
            list: "protocols",
            contains: "grpcs",
            one_of: &["hosts", "headers", "paths", "snis"],
            error: "must set one of %s when 'protocols' is 'grpcs'",
        },
        Needs {
            list: "protocols",
            contains: "grpc",
            one_of: &["hosts", "headers", "paths"],
            error: "must set one of %s when 'protocols' is 'grpc'",
        },
    ],
};

pub(crate) static PLUGIN: Schema = Schema {
    fields: &[
        ID,
        field("name", Kind::String).required(),
        field("instance_name", Kind::String).unique().rules(NAME),
        CREATED_AT,
        UPDATED_AT,
        field("route", Kind::Foreign("routes", "name")),
        field("service", Kind::Foreign("services", "name")),
        field("consumer", Kind::Foreign("consumers", "username")),
        // Of the first versions, which had APIs where there are services and routes now.
        field("api", Kind::Foreign("apis", "name")).legacy(),
        field("config", Kind::Config).required(),
        field("protocols", Kind::Set(&ONE_PROTOCOL, Split::Commas)).required().default(HTTP),
        switch("enabled", "true"),
        TAGS,
    ],
    checks: &[Check::Custom(custom::one_scope)],
};

/// Kong 0.x's way to have a service and a route in one.
pub(crate) static APIS: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        field("name", Kind::String).required().unique().rules(NAME),
        field("upstream_url", Kind::String).required().rules(&[Must(rules::upstream_url)]),
        field(
            "hosts",
            Kind::Array(
                &Field::element(Kind::String).rules(&[Must(rules::wildcard_host)]),
                Split::Commas,
            ),
        ),
        field(
            "uris",
            Kind::Array(&Field::element(Kind::String).rules(&[Must(rules::uri)]), Split::Commas),
        ),
        field("methods", Kind::Set(&Field::element(Kind::String).rules(METHOD), Split::Commas)),
        switch("strip_uri", "true"),
        switch("preserve_host", "false"),
        switch("https_only", "false"),
        switch("http_if_terminated", "false"),
        field("retries", Kind::Integer).default("5").rules(&[Between(0, 32767)]),
        field("upstream_connect_timeout", Kind::Integer).default("60000").rules(TIMEOUT),
        field("upstream_send_timeout", Kind::Integer).default("60000").rules(TIMEOUT),
        field("upstream_read_timeout", Kind::Integer).default("60000").rules(TIMEOUT),
        TAGS,
    ],
    checks: &[Check::AtLeastOneOf(&["uris", "hosts", "methods"])],
};
