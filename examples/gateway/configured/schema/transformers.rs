//! The configurations of the plugins that change what passes, or let it pass by where it is from, as
//! Kong 3.x has them.

use super::Check::AtLeastOneOf;
use super::plugin::{plugin, text};
use super::rules::{Checked, check, header_name, method, network};
use super::{Field, Kind, Rule, Schema, Split};

type Elements = &'static Field;

static NAME: Field = Field::element(Kind::String);
static HEADER: Field = Field::element(Kind::String).rules(&[Rule::Check(step_of_header)]);
static STEP: Field = Field::element(Kind::String).rules(&[Rule::Check(step)]);
static HEADER_STEP: Field =
    Field::element(Kind::String).rules(&[Rule::Check(has_value), Rule::Check(step_of_header)]);

/// A name and a value.
fn step(step: &str) -> Checked {
    let (name, value) = step.split_once(':').unwrap_or((step, ""));
    check(!value.trim_start_matches(':').is_empty(), || format!("key '{name}' has no value"))
}

fn has_value(step: &str) -> Checked {
    check(step.split_once(':').is_some_and(|(name, _)| !name.is_empty()), || {
        format!("invalid value: {step}")
    })
}

fn step_of_header(step: &str) -> Checked {
    let name = step.split(':').next().unwrap_or_default();
    header_name(name).map_err(|_| format!("'{name}' is not a valid header"))
}

const fn list(name: &'static str, elements: Elements) -> Field {
    Field::new(name, Kind::Array(elements, Split::Commas)).required().default("[]")
}

/// What is done to bodies, headers and queries.
macro_rules! places {
    ($element:ident, $header:ident $(, $more:expr)?) => {
        Kind::Record(&Schema {
            fields: &[
                list("body", &$element),
                list("headers", &$header),
                list("querystring", &$element),
                $($more,)?
            ],
            checks: &[],
        })
    };
}

plugin!(
    pub(super) of consumers REQUEST_TRANSFORMER,
    [
        text("http_method").rules(&[Rule::Check(method)]),
        Field::new("remove", places!(NAME, HEADER)),
        Field::new("rename", places!(STEP, HEADER_STEP)),
        Field::new("replace", places!(STEP, HEADER_STEP, text("uri"))),
        Field::new("add", places!(STEP, HEADER_STEP)),
        Field::new("append", places!(STEP, HEADER_STEP)),
    ],
    []
);

static NAMED: Field = Field::element(Kind::String).rules(&[Rule::Check(has_value)]);

/// What is done to headers and JSON.
macro_rules! of_response {
    ($element:ident, $header:ident $(, $more:expr)?) => {
        Kind::Record(&Schema {
            fields: &[list("json", &$element), list("headers", &$header), $($more,)?],
            checks: &[],
        })
    };
}

/// The types of the values, in the order of the values.
const fn json_types() -> Field {
    static TYPE: Field =
        Field::element(Kind::String).rules(&[Rule::OneOf(&["boolean", "number", "string"])]);
    list("json_types", &TYPE)
}

plugin!(
    pub(super) of consumers RESPONSE_TRANSFORMER,
    [
        Field::new("remove", of_response!(NAME, HEADER)),
        Field::new("rename", of_response!(NAMED, HEADER_STEP)),
        Field::new("replace", of_response!(NAMED, HEADER_STEP, json_types())),
        Field::new("add", of_response!(NAMED, HEADER_STEP, json_types())),
        Field::new("append", of_response!(NAMED, HEADER_STEP, json_types())),
    ],
    []
);

const fn networks(name: &'static str) -> Field {
    static NETWORK: Field = Field::element(Kind::String).rules(&[Rule::Check(network)]);
    Field::new(name, Kind::Array(&NETWORK, Split::Commas))
}

plugin!(
    pub(super) of consumers IP_RESTRICTION,
    [
        networks("allow"),
        networks("deny"),
        Field::new("status", Kind::Number).rules(&[Rule::Between(100, 599)]),
        text("message"),
    ],
    [AtLeastOneOf(&["config.allow", "config.deny"])]
);
