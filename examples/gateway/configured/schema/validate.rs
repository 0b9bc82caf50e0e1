//! Whether an object is as its schema says: all that is wrong with it, at once. The messages are
//! Kong's.

use serde_json::Value;

use super::{Field, Kind, Object, Rule, Schema, checks, fields_of, functions, special};

/// How many errors of one list or object are told: nobody reads more, and nobody should have to wait
/// for them.
const MAX_ERRORS: usize = 100;

const REQUIRED: &str = "required field missing";

/// Finds what is wrong with an object that has its defaults.
///
/// # Errors
///
/// By field: a message, or in the place of a record or list, its errors; under `@entity` what is
/// wrong between fields.
pub(crate) fn validate(schema: &'static Schema, object: &Object) -> Result<(), Object> {
    let fields = fields_of(schema, object);
    let mut errors = Object::new();
    for (name, value) in object {
        let checked = match fields.iter().find(|field| field.name == name) {
            Some(field) => validate_value(field, value),
            None => Err("unknown field".into()),
        };
        if let Err(error) = checked {
            errors.insert(name.clone(), error);
        }
        if errors.len() == MAX_ERRORS {
            break;
        }
    }
    for field in fields.iter().filter(|field| field.required && !object.contains_key(field.name)) {
        errors.insert(field.name.to_owned(), REQUIRED.into());
    }
    let own = special(schema, object);
    if own.is_none() && fields.iter().any(|field| matches!(field.kind, Kind::Config)) {
        if let Some(Value::String(name)) = object.get("name") {
            errors.insert("name".to_owned(), unknown_plugin(name).into());
        }
        errors.remove("config");
    }
    checks::run(schema.checks, object, &mut errors);
    checks::run(own.map_or(&[], |own| own.checks), object, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Kong's words, and what there is here.
fn unknown_plugin(name: &str) -> String {
    let enabled = super::PLUGINS.join(", ");
    format!(
        "plugin '{name}' not enabled; add it to the 'plugins' configuration property (this gateway has {enabled})"
    )
}

fn validate_value(field: &'static Field, value: &Value) -> Result<(), Value> {
    if value.is_null() {
        return if field.required { Err(REQUIRED.into()) } else { Ok(()) };
    }
    if let Some(Rule::Null(error)) = field.rules.iter().find(|rule| matches!(rule, Rule::Null(_))) {
        return Err(error.unwrap_or("value must be null").into());
    }
    // What is too long is not looked into.
    let len_max = field.rules.iter().find(|rule| matches!(rule, Rule::LenMax(_)));
    len_max.map_or(Ok(()), |rule| validate_rule(rule, value)).map_err(Value::String)?;
    match (field.kind, value) {
        (Kind::Array(element, _) | Kind::Set(element, _), Value::Array(list)) => {
            validate_list(element, list)?;
        }
        (Kind::Array(..), _) => return Err("expected an array".into()),
        (Kind::Set(..), _) => return Err("expected a set".into()),
        (Kind::Map { keys, values }, Value::Object(map)) => {
            for (key, value) in map {
                validate_value(keys, &Value::from(key.as_str()))?;
                validate_value(values, value)?;
            }
        }
        (Kind::Map { .. }, _) => return Err("expected a map".into()),
        (Kind::Record(schema) | Kind::Named(schema), Value::Object(record)) => {
            validate(schema, record).map_err(Value::Object)?;
        }
        (Kind::Record(_) | Kind::Named(_) | Kind::Config, value) if !value.is_object() => {
            return Err("expected a record".into());
        }
        (Kind::Integer, value) if value.as_i64().is_none() => {
            return Err("expected an integer".into());
        }
        (Kind::Number, value) if !value.is_number() => return Err("expected a number".into()),
        (Kind::Boolean, value) if !value.is_boolean() => return Err("expected a boolean".into()),
        (Kind::String, value) if !value.is_string() => return Err("expected a string".into()),
        (Kind::Foreign(_, key), value) => validate_reference(key, value)?,
        _ => {}
    }
    if matches!(field.kind, Kind::String)
        && value.as_str() == Some("")
        && !field.rules.iter().any(|rule| matches!(rule, Rule::LenMin(_)))
    {
        return Err("length must be at least 1".into());
    }
    field.rules.iter().try_for_each(|rule| validate_rule(rule, value)).map_err(Value::String)
}

/// The errors of a list are a list, with null for what is right up to the last error.
fn validate_list(element: &'static Field, list: &[Value]) -> Result<(), Value> {
    let mut errors = Vec::new();
    let mut count = 0;
    for value in list {
        let error = validate_value(element, value).err();
        count += usize::from(error.is_some());
        errors.push(error.unwrap_or_default());
        if count == MAX_ERRORS {
            break;
        }
    }
    while errors.last().is_some_and(Value::is_null) {
        errors.pop();
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

/// Another entity is named by `id` or by what its kind has for a name.
fn validate_reference(key: &str, value: &Value) -> Result<(), Value> {
    let Value::Object(reference) = value else { return Err("expected a record".into()) };
    let mut errors = Object::new();
    for (name, value) in reference {
        let error = match (name.as_str(), value) {
            ("id", Value::String(id)) if !is_uuid(id) => "expected a valid UUID",
            (name, Value::String(_)) if name == "id" || name == key => continue,
            (name, _) if name == "id" || name == key => "expected a string",
            _ => "unknown field",
        };
        errors.insert(name.clone(), error.into());
    }
    if reference.is_empty() {
        errors.insert("id".to_owned(), "missing primary key".into());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

fn validate_rule(rule: &Rule, value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    let number = value.as_f64().unwrap_or_default();
    match *rule {
        Rule::Null(_) => Ok(()),
        Rule::Check(check) => check(text),
        Rule::Function(plugin, field) => functions::check(plugin, field, text),
        Rule::OneOf(options) => {
            must(options.contains(&text), || format!("expected one of: {}", options.join(", ")))
        }
        Rule::OneOfIntegers(options) => {
            must(value.as_i64().is_some_and(|value| options.contains(&value)), || {
                let shown: Vec<_> = options.iter().map(ToString::to_string).collect();
                format!("expected one of: {}", shown.join(", "))
            })
        }
        Rule::GreaterThan(limit) => {
            #[expect(clippy::cast_precision_loss, reason = "limits are small")]
            let holds = number > limit as f64;
            must(holds, || format!("value must be greater than {limit}"))
        }
        Rule::Between(least, most) => {
            #[expect(clippy::cast_precision_loss, reason = "limits are small")]
            let holds = (least as f64..=most as f64).contains(&number);
            must(holds, || format!("value should be between {least} and {most}"))
        }
        Rule::LenMin(least) => {
            let len = value.as_array().map_or(text.len(), Vec::len);
            must(len >= least, || format!("length must be at least {least}"))
        }
        Rule::LenMax(most) => {
            let len = value.as_array().map_or(text.len(), Vec::len);
            must(len <= most, || format!("length must be at most {most}"))
        }
        Rule::Uuid => must(is_uuid(text), || "expected a valid UUID".to_owned()),
        Rule::Timestamp => must(value.as_f64().is_some_and(|time| time > 0.0), || {
            "expected a valid timestamp".to_owned()
        }),
        Rule::StartsWith(start) => {
            must(text.starts_with(start), || format!("should start with: {start}"))
        }
        Rule::Exclusive(subsets) => exclusive(subsets, value),
    }
}

/// What is wrong is only put into words where it is.
fn must(holds: bool, error: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(error()) }
}

fn exclusive(subsets: &[&[&str]], value: &Value) -> Result<(), String> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let has = |element: &str| list.iter().any(|value| value.as_str() == Some(element));
    let met: Vec<_> = subsets.iter().filter(|subset| subset.iter().any(|e| has(e))).collect();
    must(met.len() <= 1, || {
        let shown: Vec<_> =
            met.iter().map(|subset| format!("({})", checks::quoted(subset))).collect();
        format!("these sets are mutually exclusive: {}", shown.join(", "))
    })
}

/// Whether a text has the shape of a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
