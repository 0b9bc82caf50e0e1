//! The fields of canaries, which Kong has not.

use super::Rule::{Between, Check as Must, OneOf};
use super::tables::{CREATED_AT, ID, UPDATED_AT};
use super::{Check, Field, Kind, Schema, custom, rules};

const fn field(name: &'static str, kind: Kind) -> Field {
    Field::new(name, kind)
}

pub(crate) static CANARY: Schema = Schema {
    fields: &[
        ID,
        CREATED_AT,
        UPDATED_AT,
        field("plugin", Kind::Foreign("plugins", "instance_name")).required(),
        // The plugin's: what `config` may have depends on it.
        field("name", Kind::String).required().rules(&[OneOf(&["pre-function", "post-function"])]),
        field("config", Kind::Config).required(),
        field("percent", Kind::Integer).rules(&[Between(1, 100)]),
        field("header", Kind::Record(&HEADER)),
        field("by", Kind::Record(&BY)),
    ],
    checks: &[
        Check::OnlyOneOf(&["percent", "header.name"]),
        Check::Custom(custom::header_of_canary),
    ],
};

static HEADER: Schema = Schema {
    fields: &[
        field("name", Kind::String).rules(&[Must(rules::header_name)]),
        field("value", Kind::String),
    ],
    checks: &[],
};

static BY: Schema =
    Schema { fields: &[field("address", Kind::String), field("name", Kind::String)], checks: &[] };
