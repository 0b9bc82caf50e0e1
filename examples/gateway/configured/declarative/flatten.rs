//! Entities out of each other: a file may have the routes of a service in the service.

use serde_json::{Value, json};

use super::errors::{Errors, Place};
use crate::configured::entities::{Kind, uuid};
use crate::configured::schema::{self, Object};

/// An entity of a file, and where it stands there.
pub(super) struct Entity {
    pub(super) kind: Kind,
    pub(super) object: Object,
    pub(super) path: Vec<Place>,
}

/// Other entities of Kong, which this gateway has no use for.
const OTHERS: [&str; 14] = [
    "acls",
    "basicauth_credentials",
    "ca_certificates",
    "certificates",
    "consumer_groups",
    "consumers",
    "filter_chains",
    "key_sets",
    "keyauth_credentials",
    "keys",
    "snis",
    "targets",
    "upstreams",
    "vaults",
];

/// Takes all entities out of a declaration. Each has an id then.
pub(super) fn flatten(declaration: Object, errors: &mut Errors) -> Vec<Entity> {
    let mut entities = Vec::new();
    for (name, value) in declaration {
        match Kind::of_name(&name) {
            Some(kind) => {
                let mut collector = Collector { entities: &mut entities, errors };
                collector.collect(kind, value, None, &[]);
            }
            // Kong: so do all fields that only tools know.
            None if name.starts_with('_') => {}
            None if OTHERS.contains(&name.as_str()) => {
                let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
                if !empty {
                    errors.add(&[], &name, "this gateway has none of these".into());
                }
            }
            None => errors.add(&[], &name, "unknown field".into()),
        }
    }
    entities
}

/// An entity that has others in it.
struct Parent<'a> {
    kind: Kind,
    id: &'a str,
}

struct Collector<'a> {
    entities: &'a mut Vec<Entity>,
    errors: &'a mut Errors,
}

impl Collector<'_> {
    fn collect(&mut self, kind: Kind, list: Value, parent: Option<&Parent<'_>>, path: &[Place]) {
        let list = match list {
            Value::Null => return,
            Value::Array(list) => list,
            _ => return self.errors.add(path, kind.name(), "expected an array".into()),
        };
        for (position, value) in list.into_iter().enumerate() {
            let mut path = path.to_vec();
            path.push(Place { list: kind.name(), position });
            match value {
                Value::Object(object) => self.one(kind, object, parent, path),
                _ => self.errors.add_at(&path, "expected a record".into()),
            }
        }
    }

    fn one(
        &mut self,
        kind: Kind,
        mut object: Object,
        parent: Option<&Parent<'_>>,
        path: Vec<Place>,
    ) {
        for other in kind.references() {
            if let Some(value) = object.get_mut(other.field()) {
                *value = reference(value);
            }
        }
        if let Some(parent) = parent {
            object.insert(parent.kind.field().to_owned(), json!({ "id": parent.id }));
        }
        object.retain(|name, _| !name.starts_with('_'));
        let id = match object.get("id").and_then(Value::as_str) {
            Some(id) => id.to_ascii_lowercase(),
            None => {
                let id = uuid::of_name(&identity(kind, &object, &path));
                if object.get("id").is_none_or(Value::is_null) {
                    object.insert("id".to_owned(), id.clone().into());
                }
                id
            }
        };
        for child in Kind::ALL {
            if !child.references().contains(&kind) {
                continue;
            }
            if let Some(children) = object.remove(child.name()) {
                self.collect(child, children, Some(&Parent { kind, id: &id }), &path);
            }
        }
        self.entities.push(Entity { kind, object, path });
    }
}

/// A reference as a name or an id alone, which files may have.
fn reference(value: &Value) -> Value {
    match value.as_str() {
        Some(id) if schema::is_uuid(id) => json!({ "id": id }),
        Some(name) => json!({ "name": name }),
        None => value.clone(),
    }
}

/// What an entity is known by when the file is loaded again: its name, or where it stands.
fn identity(kind: Kind, object: &Object, path: &[Place]) -> String {
    let name = object.get(kind.key()).and_then(Value::as_str);
    match name {
        Some(name) => format!("{}:{name}", kind.name()),
        None => {
            let places = path.iter().map(|place| format!("{}:{}", place.list, place.position));
            places.collect::<Vec<_>>().join("/")
        }
    }
}
