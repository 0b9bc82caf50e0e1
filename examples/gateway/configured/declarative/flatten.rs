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
const OTHERS: [&str; 5] = ["consumer_groups", "filter_chains", "key_sets", "keys", "vaults"];

/// Takes all entities out of a declaration. Each has an id then.
pub(super) fn flatten(mut declaration: Object, errors: &mut Errors) -> Vec<Entity> {
    let mut entities = Vec::new();
    let shared = match declaration.remove("_plugin_configs") {
        Some(Value::Object(shared)) => shared,
        _ => Object::new(),
    };
    for (name, value) in declaration {
        match Kind::of_name(&name).filter(|kind| !kind.is_ours()) {
            Some(kind) => {
                let mut collector = Collector { entities: &mut entities, shared: &shared, errors };
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
    /// What several plugins have in common, by the names that they give it: decK's way.
    shared: &'a Object,
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
            if let Some(value) = object.get_mut(other.field_in(kind)) {
                *value = reference(*other, value);
            }
        }
        if let Some(parent) = parent {
            object.insert(parent.kind.field_in(kind).to_owned(), json!({ "id": parent.id }));
        }
        if let Some(name) = object.get("_config").and_then(Value::as_str) {
            match self.shared.get(name) {
                Some(Value::Object(shared)) => share(&mut object, shared.clone()),
                _ => self.errors.add(&path, "_config", "not found in _plugin_configs".into()),
            }
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
        for child in kind.children().filter(|child| !child.is_ours()) {
            if let Some(children) = object.remove(child.name()) {
                self.collect(child, children, Some(&Parent { kind, id: &id }), &path);
            }
        }
        self.entities.push(Entity { kind, object, path });
    }
}

/// Gives a plugin what it shares with others, under what it has of its own.
fn share(plugin: &mut Object, mut shared: Object) {
    if let Some(Value::Object(own)) = plugin.remove("config") {
        shared.extend(own);
    }
    plugin.insert("config".to_owned(), shared.into());
}

/// A reference as a name or an id alone, which files may have.
fn reference(kind: Kind, value: &Value) -> Value {
    match (value.as_str(), kind.key()) {
        (Some(name), Some(key)) if !schema::is_uuid(name) => json!({ key: name }),
        (Some(id), _) => json!({ "id": id }),
        (None, _) => value.clone(),
    }
}

/// What an entity is known by when the file is loaded again: its name, or where it stands.
fn identity(kind: Kind, object: &Object, path: &[Place]) -> String {
    let name = kind.key().and_then(|key| object.get(key)?.as_str());
    match name {
        Some(name) => format!("{}:{name}", kind.name()),
        None => {
            let places = path.iter().map(|place| format!("{}:{}", place.list, place.position));
            places.collect::<Vec<_>>().join("/")
        }
    }
}
