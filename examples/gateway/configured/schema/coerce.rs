//! What a client sent, as the types that the fields have: forms have nothing but strings, and old
//! versions took one string for a list.

use serde_json::{Number, Value};

use super::commas::split_at_commas;
use super::functions::{split_functions, unescape};
use super::{Field, Kind, Object, Rule, Schema, Split, fields_of};

/// How a client sent an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// As a form: every value is a string.
    Form,
    /// As JSON or YAML: values have types.
    Typed,
}

/// Gives the values of an object the types of its fields, where that can be done. What cannot be
/// done is found by [`super::validate`].
pub(crate) fn coerce(schema: &'static Schema, object: &mut Object, given: Given) {
    for field in fields_of(schema, object) {
        if let Some(value) = object.get_mut(field.name) {
            coerce_value(field, value, given);
        }
    }
}

fn coerce_value(field: &'static Field, value: &mut Value, given: Given) {
    let form = given == Given::Form;
    if form && value.as_str() == Some("") {
        *value = Value::Null;
        return;
    }
    match field.kind {
        Kind::Integer | Kind::Number => {
            if let (true, Some(text)) = (form, value.as_str()) {
                if let Some(number) = number(text) {
                    *value = number;
                }
            } else if let Some(whole) = value.as_f64().filter(|_| value.is_f64()).and_then(whole) {
                *value = whole;
            }
        }
        Kind::Boolean => match value.as_str().filter(|_| form) {
            Some("true") => *value = Value::Bool(true),
            Some("false") => *value = Value::Bool(false),
            _ => {}
        },
        Kind::Array(element, split) | Kind::Set(element, split) => {
            if let Value::String(text) = value
                && let Some(list) = list(text, split, given)
            {
                *value = list;
            }
            for element_value in value.as_array_mut().into_iter().flatten() {
                coerce_value(element, element_value, given);
            }
            if let (Kind::Set(..), Value::Array(list)) = (field.kind, value) {
                remove_repeated(list);
            }
        }
        Kind::Map { values, .. } => {
            for (_, value) in value.as_object_mut().into_iter().flatten() {
                coerce_value(values, value, given);
            }
        }
        Kind::Record(schema) | Kind::Named(schema) => {
            if let (Kind::Named(_), Value::String(text)) = (field.kind, &mut *value) {
                let first = schema.fields.first().expect("a named record has a name");
                *value = Value::Object(Object::from_iter([(
                    first.name.to_owned(),
                    std::mem::take(text).into(),
                )]));
            }
            if let Value::Object(object) = value {
                coerce(schema, object, given);
            }
        }
        Kind::String => {
            if let Value::String(text) = value
                && field.rules.iter().any(|rule| matches!(rule, Rule::Function(..)))
            {
                unescape(text);
            }
        }
        Kind::Config | Kind::Foreign(..) => {}
    }
}

/// The list that a string stands for.
fn list(text: &str, split: Split, given: Given) -> Option<Value> {
    // What the documentation prints for "no functions".
    if text.trim() == "[]" && (given == Given::Form || split == Split::Functions) {
        return Some(Value::Array(Vec::new()));
    }
    let elements = match split {
        // Kong: takes a string for a list in forms alone.
        Split::Never if given == Given::Typed => return None,
        Split::Never => vec![text.to_owned()],
        Split::Commas => split_at_commas(text),
        Split::Functions => split_functions(text),
    };
    Some(elements.into())
}

/// The number that a string shows.
fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    let number: f64 = text.parse().ok()?;
    whole(number).or_else(|| Number::from_f64(number).map(Value::Number))
}

/// A number without a fraction, as Lua has one kind of number alone.
fn whole(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_whole = number.fract() == 0.0 && number.abs() <= EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and in the range")]
    is_whole.then_some(number as i64).map(Value::from)
}

fn remove_repeated(list: &mut Vec<Value>) {
    // Kong: a set keeps its order, and the first of what is repeated.
    if list.len() < 2 {
        return;
    }
    let mut seen = std::collections::HashSet::new();
    list.retain(|value| seen.insert(value.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_forms_become_numbers() {
        assert_eq!(number("80"), Some(80.into()));
        assert_eq!(number("1e3"), Some(1000.into()));
        assert_eq!(number("0.5"), Some(0.5.into()));
        assert_eq!(number("eighty"), None);
        assert_eq!(number("inf"), None);
    }
}
