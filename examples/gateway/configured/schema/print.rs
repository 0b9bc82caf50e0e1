//! Schemas as `/schemas` shows them.

use serde_json::{Value, json};

use super::{Check, Field, Kind, Must, Object, Rule, Schema};

/// A whole schema.
pub(crate) fn print(schema: &Schema) -> Value {
    let fields: Vec<_> = schema.fields.iter().map(named).collect();
    let checks: Vec<_> = schema.checks.iter().filter_map(print_check).collect();
    json!({ "entity_checks": checks, "fields": fields })
}

fn named(field: &Field) -> Value {
    json!({ field.name: print_field(field) })
}

/// One field.
pub(crate) fn print_field(field: &Field) -> Value {
    let mut out = Object::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    let kind = match field.kind {
        Kind::String => "string",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Boolean => "boolean",
        Kind::Array(elements, _) => {
            put("elements", print_field(elements));
            "array"
        }
        Kind::Set(elements, _) => {
            put("elements", print_field(elements));
            "set"
        }
        Kind::Map { keys, values } => {
            put("keys", print_field(keys));
            put("values", print_field(values));
            "map"
        }
        Kind::Record(schema) | Kind::Named(schema) => {
            put("fields", schema.fields.iter().map(named).collect());
            "record"
        }
        Kind::Config => {
            put("abstract", true.into());
            "record"
        }
        Kind::Foreign(entity, _) => {
            put("reference", entity.into());
            "foreign"
        }
    };
    put("type", kind.into());
    for (name, set) in
        [("required", field.required), ("auto", field.auto), ("unique", field.unique)]
    {
        if set {
            put(name, true.into());
        }
    }
    if let Some(default) = field.default_value() {
        put("default", default);
    }
    field.rules.iter().filter_map(print_rule).for_each(|(name, value)| put(name, value));
    out.into()
}

/// The name and the value by which a rule is told of, if it is.
fn print_rule(rule: &Rule) -> Option<(&'static str, Value)> {
    Some(match *rule {
        Rule::Null(_) => ("eq", Value::Null),
        Rule::OneOf(options) => ("one_of", json!(options)),
        Rule::OneOfIntegers(options) => ("one_of", json!(options)),
        Rule::GreaterThan(limit) => ("gt", limit.into()),
        Rule::Between(least, most) => ("between", json!([least, most])),
        Rule::LenMin(least) => ("len_min", least.into()),
        Rule::LenMax(most) => ("len_max", most.into()),
        Rule::Uuid => ("uuid", true.into()),
        Rule::Timestamp => ("timestamp", true.into()),
        Rule::StartsWith(start) => ("starts_with", start.into()),
        Rule::Exclusive(subsets) => ("mutually_exclusive_subsets", json!(subsets)),
        Rule::Check(_) | Rule::Function(..) => return None,
    })
}

fn print_check(check: &Check) -> Option<Value> {
    Some(match *check {
        Check::Custom(_) => return None,
        Check::Distinct(names) => json!({ "distinct": names }),
        Check::AtLeastOneOf(names) => json!({ "at_least_one_of": names }),
        Check::OnlyOneOf(names) => json!({ "only_one_of": names }),
        Check::Needs { list, contains, one_of, error } => json!({
            "conditional_at_least_one_of": {
                "if_field": list,
                "if_match": { "contains": contains },
                "then_at_least_one_of": one_of,
                "then_err": error,
            },
        }),
        Check::When { field, is, unless, then, must } => {
            let condition = if unless { "not_one_of" } else { "one_of" };
            let wanted = match must {
                Must::BeNull => json!({ "eq": null }),
                Must::BeOneOf(options) => json!({ "one_of": options }),
                Must::BeThere | Must::Be(_) => json!({ "required": true }),
            };
            json!({
                "conditional": {
                    "if_field": field,
                    "if_match": { condition: is },
                    "then_field": then,
                    "then_match": wanted,
                },
            })
        }
    })
}
