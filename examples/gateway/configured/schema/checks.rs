//! What must hold between the fields of an object.

use serde_json::Value;

use super::{Check, Must, Object, at, non_empty};

/// Adds what is wrong to `errors`: under `@entity`, and at the field that is not as it must be.
pub(super) fn run(checks: &[Check], object: &Object, errors: &mut Object) {
    for check in checks {
        if let Err(error) = run_one(check, object, errors) {
            let list = errors.entry("@entity").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(error.into());
            }
        }
    }
}

fn run_one(check: &Check, object: &Object, errors: &mut Object) -> Result<(), String> {
    let any = |names: &[&str]| names.iter().any(|name| non_empty(at(object, name)));
    match *check {
        Check::Custom(check) => check(object),
        Check::AtLeastOneOf(names) if any(names) => Ok(()),
        Check::AtLeastOneOf(names) => {
            Err(format!("at least one of these fields must be non-empty: {}", quoted(names)))
        }
        Check::OnlyOneOf(names) => {
            let given = names.iter().filter(|name| non_empty(at(object, name))).count();
            if given == 1 {
                return Ok(());
            }
            Err(format!("exactly one of these fields must be non-empty: {}", quoted(names)))
        }
        Check::Distinct(names) => {
            let given = names.iter().map(|name| at(object, name)).filter(|value| non_empty(*value));
            let given: Vec<_> = given.collect();
            let repeated = (1..given.len()).any(|place| given[..place].contains(&given[place]));
            if !repeated {
                return Ok(());
            }
            Err(format!("values of these fields must be distinct: {}", quoted(names)))
        }
        Check::Needs { list, contains, one_of, error } => {
            let list = at(object, list).and_then(Value::as_array);
            let has = list.is_some_and(|list| list.iter().any(|e| e.as_str() == Some(contains)));
            // Kong: where there are both, what the first allows is enough.
            let both = list.is_some_and(|list| {
                let secure = format!("{contains}s");
                list.iter().any(|e| e.as_str() == Some(&secure))
            });
            if !has || both || any(one_of) {
                return Ok(());
            }
            Err(error.replace("%s", &quoted(one_of)))
        }
        Check::When { field, is, unless, then, must } => {
            let value = at(object, field).and_then(Value::as_str).unwrap_or_default();
            let applies = is.contains(&value) != unless && !errors.contains_key(field);
            let other = at(object, then).filter(|value| !value.is_null());
            let checked = match (must, other) {
                (Must::BeNull | Must::BeOneOf(_), None) | (Must::BeThere, Some(_)) => Ok(()),
                (Must::BeOneOf(options), Some(value)) => one_of(options, value),
                (Must::BeNull, Some(_)) => Err("value must be null".to_owned()),
                (_, None) => Err("required field missing".to_owned()),
                (Must::Be(check), Some(value)) => check(value.as_str().unwrap_or_default()),
            };
            let Some(error) = checked.err().filter(|_| applies) else { return Ok(()) };
            put(errors, then, &error);
            Err(format!("failed conditional validation given value of field '{field}'"))
        }
    }
}

fn one_of(options: &[&str], value: &Value) -> Result<(), String> {
    if value.as_str().is_some_and(|value| options.contains(&value)) {
        return Ok(());
    }
    Err(format!("expected one of: {}", options.join(", ")))
}

/// Puts an error in the place of the field with this path.
fn put(errors: &mut Object, path: &str, error: &str) {
    match path.split_once('.') {
        None => {
            errors.insert(path.to_owned(), error.into());
        }
        Some((first, rest)) => {
            let inner = errors.entry(first).or_insert_with(|| Value::Object(Object::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, error);
            }
        }
    }
}

/// `'a', 'b'`
pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
