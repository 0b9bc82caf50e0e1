//! How a plugin is declared: what all of them have, and fields of their configurations.

use super::Rule::{Check, OneOf};
use super::{Field, Kind, Rule, Split, rules};

/// Declares a plugin. One `of consumers` may be for the requests of a consumer alone.
macro_rules! plugin {
    ($vis:vis of consumers $static:ident, [$($field:expr),* $(,)?], [$($check:expr),* $(,)?]) => {
        $crate::configured::schema::plugin::plugin!(
            @ $vis $static,
            $crate::configured::schema::plugin::CONSUMER,
            [$($field),*],
            [$($check),*]
        );
    };
    (@ $vis:vis $static:ident, $consumer:expr, [$($field:expr),*], [$($check:expr),*]) => {
        $vis static $static: Schema = {
            static CONFIG: Schema = Schema { fields: &[$($field),*], checks: &[] };
            Schema {
                fields: &[
                    $consumer,
                    $crate::configured::schema::plugin::PROTOCOLS,
                    Field::new("config", Kind::Record(&CONFIG)).required(),
                ],
                checks: &[$($check),*],
            }
        };
    };
    ($vis:vis $static:ident, [$($field:expr),* $(,)?], [$($check:expr),* $(,)?]) => {
        $crate::configured::schema::plugin::plugin!(
            @ $vis $static,
            $crate::configured::schema::plugin::NO_CONSUMER,
            [$($field),*],
            [$($check),*]
        );
    };
}
pub(super) use plugin;

pub(super) const PROTOCOLS: Field = Field::new("protocols", Kind::Set(&PROTOCOL, Split::Commas))
    .required()
    .default(r#"["grpc","grpcs","http","https"]"#);
static PROTOCOL: Field =
    Field::element(Kind::String).rules(&[OneOf(&["grpc", "grpcs", "http", "https"])]);
pub(super) const CONSUMER: Field = Field::new("consumer", Kind::Foreign("consumers", "username"));
pub(super) const NO_CONSUMER: Field = CONSUMER.rules(&[Rule::Null(None)]);
pub(super) static TEXT: Field = Field::element(Kind::String);
pub(super) static HEADER_NAME: Field =
    Field::element(Kind::String).rules(&[Check(rules::header_name)]);

pub(super) const fn text(name: &'static str) -> Field {
    Field::new(name, Kind::String)
}

pub(super) const fn texts(name: &'static str) -> Field {
    Field::new(name, Kind::Array(&TEXT, Split::Commas))
}
