//! Defaults, and changes to a part of an object.

use serde_json::Value;

use super::{Field, Kind, Object, Schema, fields_of};

/// Puts defaults, and null where there is none, in the place of what is not there. Whether anything
/// was not there.
pub(crate) fn fill(schema: &'static Schema, object: &mut Object) -> bool {
    let mut changed = false;
    for field in fields_of(schema, object) {
        changed |= fill_field(field, object);
    }
    changed
}

fn fill_field(field: &'static Field, object: &mut Object) -> bool {
    let mut changed = false;
    if let Kind::Array(element, _) | Kind::Set(element, _) = field.kind
        && let Kind::Named(schema) = element.kind
    {
        let list = object.get_mut(field.name).and_then(Value::as_array_mut);
        for record in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            changed |= fill(schema, record);
        }
    }
    if let Kind::Record(schema) = field.kind {
        let value = object.entry(field.name).or_insert(Value::Null);
        if value.is_null() {
            *value = Value::Object(Object::new());
            changed = true;
        }
        if let Value::Object(record) = value {
            changed |= fill(schema, record);
        }
        return changed;
    }
    if field.legacy {
        // Null is how it is taken away.
        if object.get(field.name).is_some_and(Value::is_null) {
            object.remove(field.name);
            changed = true;
        }
    } else if !object.contains_key(field.name) && !field.auto {
        if let Some(default) = field.default_value() {
            object.insert(field.name.to_owned(), default);
            changed = true;
        } else if !field.required {
            object.insert(field.name.to_owned(), Value::Null);
            changed = true;
        }
    }
    changed
}

/// Puts defaults in the place of nulls where there are some: a client may have sent null.
pub(crate) fn replace_nulls(schema: &'static Schema, object: &mut Object) {
    for field in schema.fields {
        match (field.kind, object.get_mut(field.name)) {
            (_, Some(value)) if value.is_null() => {
                *value = field.default_value().unwrap_or_default();
            }
            (Kind::Record(schema), Some(Value::Object(record))) => replace_nulls(schema, record),
            _ => {}
        }
    }
}

/// Whether [`replace_nulls`] would change something.
pub(crate) fn has_nulls(schema: &'static Schema, object: &Object) -> bool {
    object.iter().any(|(name, value)| match value {
        Value::Null => schema.field(name).is_some_and(|field| field.default.is_some()),
        Value::Object(record) => match schema.field(name).map(|field| field.kind) {
            Some(Kind::Record(schema)) => has_nulls(schema, record),
            _ => false,
        },
        _ => false,
    })
}

/// Puts what `change` has into the place of what `object` had; of records, only those fields that
/// the change names.
pub(crate) fn merge(schema: &'static Schema, object: &mut Object, change: Object) {
    let fields = fields_of(schema, object);
    for (name, value) in change {
        let record = fields.iter().find(|field| field.name == name).map(|field| field.kind);
        match (record, object.get_mut(&name), value) {
            (Some(Kind::Record(schema)), Some(Value::Object(old)), Value::Object(new)) => {
                merge(schema, old, new);
            }
            (_, _, value) => {
                object.insert(name, value);
            }
        }
    }
}
