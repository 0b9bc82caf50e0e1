//! The fields of consumers and of what they prove who they are with.

use super::Rule::{Between, OneOf};
use super::tables::{CREATED_AT, ID, TAGS, UPDATED_AT};
use super::{Check, Field, Kind, Must, Schema, rules};

const CONSUMER_OF: Field =
    Field::new("consumer", Kind::Foreign("consumers", "username")).required();

const fn text(name: &'static str) -> Field {
    Field::new(name, Kind::String)
}

pub(crate) static CONSUMER: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        text("username").unique(),
        text("custom_id").unique(),
        TAGS,
    ],
    checks: &[Check::AtLeastOneOf(&["custom_id", "username"])],
};

pub(crate) static KEY_AUTH: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        CONSUMER_OF,
        text("key").auto().unique(),
        TAGS,
        // In seconds. Nothing is shown where nothing is given.
        Field::new("ttl", Kind::Integer).legacy().rules(&[Between(0, 100_000_000)]),
    ],
    checks: &[],
};

pub(crate) static BASIC_AUTH: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        CONSUMER_OF,
        text("username").required().unique(),
        text("password").required(),
        TAGS,
    ],
    checks: &[],
};

pub(crate) static HMAC_AUTH: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        CONSUMER_OF,
        text("username").required().unique(),
        text("secret").auto(),
        TAGS,
    ],
    checks: &[],
};

pub(crate) static JWT: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        CONSUMER_OF,
        text("key").auto().unique(),
        text("secret").auto(),
        text("rsa_public_key"),
        text("algorithm").default(r#""HS256""#).rules(&[OneOf(&[
            "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
            "PS256", "PS384", "PS512", "EdDSA",
        ])]),
        TAGS,
    ],
    checks: &[Check::When {
        field: "algorithm",
        is: &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"],
        unless: false,
        then: "rsa_public_key",
        must: Must::Be(rules::public_key),
    }],
};

pub(crate) static ACL: Schema =
    Schema { fields: &[ID, CREATED_AT, CONSUMER_OF, text("group").required(), TAGS], checks: &[] };
