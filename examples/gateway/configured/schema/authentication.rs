//! The configurations of the plugins that find out who calls, as Kong 3.x has them.

use super::Check::{AtLeastOneOf, OnlyOneOf};
use super::Rule::{Between, GreaterThan, OneOf};
use super::plugin::{HEADER_NAME, TEXT, plugin, text, texts};
use super::tables::switch;
use super::{Check, Field, Kind, Schema, Split, custom};

/// A key, and whose it is.
static KEY: Field = Field::element(Kind::Named(&Schema {
    fields: &[Field::new("key", Kind::String).required(), Field::new("consumer", Kind::String)],
    checks: &[],
}));

plugin!(
    pub(super) KEY_AUTH,
    [
        Field::new("key_names", Kind::Array(&HEADER_NAME, Split::Commas))
            .required()
            .default(r#"["apikey"]"#),
        switch("hide_credentials", "false"),
        text("anonymous"),
        switch("key_in_header", "true"),
        switch("key_in_query", "true"),
        switch("key_in_body", "false"),
        switch("run_on_preflight", "true"),
        text("realm"),
        // Ours: keys that are no entities.
        Field::new("keys", Kind::Set(&KEY, Split::Commas)).legacy(),
    ],
    []
);

plugin!(
    pub(super) BASIC_AUTH,
    [
        text("anonymous"),
        switch("hide_credentials", "false"),
        text("realm").required().default(r#""service""#),
    ],
    []
);

const fn algorithms(name: &'static str) -> Field {
    static ALGORITHM: Field = Field::element(Kind::String).rules(&[OneOf(&[
        "hmac-sha1",
        "hmac-sha256",
        "hmac-sha384",
        "hmac-sha512",
    ])]);
    Field::new(name, Kind::Array(&ALGORITHM, Split::Commas))
        .default(r#"["hmac-sha1","hmac-sha256","hmac-sha384","hmac-sha512"]"#)
}

plugin!(
    pub(super) HMAC_AUTH,
    [
        switch("hide_credentials", "false"),
        Field::new("clock_skew", Kind::Number).default("300").rules(&[GreaterThan(0)]),
        text("anonymous"),
        switch("validate_request_body", "false"),
        texts("enforce_headers").default("[]"),
        algorithms("algorithms"),
        text("realm"),
    ],
    []
);

const fn set(name: &'static str) -> Field {
    Field::new(name, Kind::Set(&TEXT, Split::Commas))
}

plugin!(
    pub(super) JWT,
    [
        set("uri_param_names").default(r#"["jwt"]"#),
        set("cookie_names").default("[]"),
        text("key_claim_name").default(r#""iss""#),
        switch("secret_is_base64", "false"),
        Field::new(
            "claims_to_verify",
            Kind::Set(
                &Field::element(Kind::String).rules(&[OneOf(&["exp", "nbf"])]),
                Split::Commas
            )
        ),
        text("anonymous"),
        switch("run_on_preflight", "true"),
        Field::new("maximum_expiration", Kind::Number)
            .default("0")
            .rules(&[Between(0, 31_536_000)]),
        set("header_names").default(r#"["authorization"]"#),
        text("realm"),
    ],
    [Check::Custom(custom::expiration)]
);

plugin!(
    pub(super) ACL,
    [
        texts("allow"),
        texts("deny"),
        switch("hide_groups_header", "false"),
        switch("always_use_authenticated_groups", "false"),
    ],
    [
        OnlyOneOf(&["config.allow", "config.deny"]),
        AtLeastOneOf(&["config.allow", "config.deny"])
    ]
);
