//! The fields of certificates, of the names that they are for, and of authorities.

use super::Rule::Check as Must;
use super::tables::{CREATED_AT, ID, TAGS, UPDATED_AT};
use super::{Check, Field, Kind, Schema, custom, rules};

const fn certificate(name: &'static str) -> Field {
    Field::new(name, Kind::String).rules(&[Must(rules::certificate)])
}

const fn key(name: &'static str) -> Field {
    Field::new(name, Kind::String).rules(&[Must(rules::private_key)])
}

/// Beside these it has `snis`, which are entities of their own.
pub(crate) static CERTIFICATE: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        certificate("cert").required(),
        key("key").required(),
        certificate("cert_alt"),
        key("key_alt"),
        TAGS,
    ],
    checks: &[Check::Custom(custom::certificate), Check::Custom(custom::other_certificate)],
};

pub(crate) static SNI: Schema = Schema {
    fields: &[
        ID,
        Field::new("name", Kind::String).required().unique().rules(&[Must(rules::wildcard_sni)]),
        CREATED_AT,
        UPDATED_AT,
        TAGS,
        Field::new("certificate", Kind::Foreign("certificates", "id")).required(),
    ],
    checks: &[],
};

pub(crate) static CA_CERTIFICATE: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        certificate("cert").required(),
        Field::new("cert_digest", Kind::String).unique(),
        TAGS,
    ],
    checks: &[Check::Custom(custom::authority)],
};
