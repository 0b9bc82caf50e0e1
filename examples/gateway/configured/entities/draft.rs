//! [`Draft`]: a state in the making.

use std::sync::Arc;
use std::time::SystemTime;

use super::{Document, Kind, State, given, references, uuid};
use crate::configured::problem::Problem;
use crate::configured::schema::{self, Given, Object};

/// A state to be, and the steps to it.
pub(crate) struct Draft {
    pub(crate) state: State,
    pub(crate) steps: Vec<Step>,
}

/// What the store must do to come to the same state.
pub(crate) enum Step {
    Clear,
    Put(Kind, Arc<Document>),
    Delete(Kind, Arc<str>),
}

/// Where an entity that is put is to be.
pub(crate) enum Place {
    Id(String),
    Key(String),
}

impl Place {
    pub(crate) fn new(key: &str) -> Self {
        if schema::is_uuid(key) {
            Self::Id(key.to_ascii_lowercase())
        } else {
            Self::Key(key.to_owned())
        }
    }
}

impl Draft {
    pub(crate) fn of(state: &State) -> Self {
        Self { state: state.clone(), steps: Vec::new() }
    }

    /// A state without anything.
    pub(crate) fn empty() -> Self {
        Self { state: State::default(), steps: vec![Step::Clear] }
    }

    /// Adds an entity.
    pub(crate) fn insert(
        &mut self,
        kind: Kind,
        mut object: Object,
        given: Given,
    ) -> Result<Arc<Document>, Problem> {
        given::understand(kind, &mut object)?;
        schema::coerce(kind.schema(), &mut object, given);
        if object.get("id").is_none_or(serde_json::Value::is_null) {
            object.insert("id".to_owned(), uuid::random().into());
        }
        self.put(kind, object, |state, id| match state.by_id(kind, id) {
            Some(_) => Err(Problem::primary_key(id)),
            None => Ok(()),
        })
    }

    /// Changes fields of an entity.
    pub(crate) fn update(
        &mut self,
        kind: Kind,
        old: &Document,
        mut change: Object,
        given: Given,
    ) -> Result<Arc<Document>, Problem> {
        given::understand(kind, &mut change)?;
        let mut object = old.object();
        if let (Kind::Plugins, Some(name)) = (kind, object.get("name")) {
            // What `config` may have depends on it.
            change.entry("name").or_insert_with(|| name.clone());
        }
        schema::coerce(kind.schema(), &mut change, given);
        change.remove("created_at");
        change.insert("id".to_owned(), old.id().into());
        change.insert("updated_at".to_owned(), now().into());
        schema::merge(kind.schema(), &mut object, change);
        self.put(kind, object, |_, _| Ok(()))
    }

    /// Puts an entity in the place of the one with this id or name, or adds it.
    pub(crate) fn upsert(
        &mut self,
        kind: Kind,
        place: &Place,
        mut object: Object,
        given: Given,
    ) -> Result<Arc<Document>, Problem> {
        given::understand(kind, &mut object)?;
        schema::coerce(kind.schema(), &mut object, given);
        let (Place::Id(key) | Place::Key(key)) = place;
        let old = self.state.find(kind, key);
        let new_id = match place {
            Place::Id(id) => Some(id.clone()),
            Place::Key(name) => {
                object.insert(kind.key().to_owned(), name.as_str().into());
                None
            }
        };
        let id = old.map(|old| old.id().to_owned()).or(new_id).unwrap_or_else(uuid::random);
        object.insert("id".to_owned(), id.into());
        object.remove("updated_at");
        if let Some(created_at) = old.and_then(|old| old.object().remove("created_at")) {
            object.insert("created_at".to_owned(), created_at);
        }
        self.put(kind, object, |_, _| Ok(()))
    }

    /// Removes an entity, and the plugins that are for it.
    pub(crate) fn delete(&mut self, kind: Kind, id: &str) -> Result<(), Problem> {
        if kind == Kind::Services && self.state.children(Kind::Routes, kind, id).next().is_some() {
            return Err(Problem::referenced("routes", "services"));
        }
        let plugins: Vec<Arc<str>> =
            self.state.children(Kind::Plugins, kind, id).map(|plugin| plugin.id().into()).collect();
        for plugin in plugins {
            self.remove(Kind::Plugins, plugin);
        }
        self.remove(kind, id.into());
        Ok(())
    }

    fn remove(&mut self, kind: Kind, id: Arc<str>) {
        if self.state.remove(kind, &id) {
            self.steps.push(Step::Delete(kind, id));
        }
    }

    /// Checks an object and makes it an entity.
    fn put(
        &mut self,
        kind: Kind,
        mut object: Object,
        may_be: impl FnOnce(&State, &str) -> Result<(), Problem>,
    ) -> Result<Arc<Document>, Problem> {
        for field in ["created_at", "updated_at"] {
            if object.get(field).is_none_or(serde_json::Value::is_null) {
                object.insert(field.to_owned(), now().into());
            }
        }
        schema::fill(kind.schema(), &mut object);
        schema::validate(kind.schema(), &object).map_err(Problem::schema_violation)?;
        if let Some(id) = object.get("id").and_then(serde_json::Value::as_str) {
            let id = id.to_ascii_lowercase();
            object.insert("id".to_owned(), id.into());
        }
        references::resolve(&self.state, kind, &mut object)?;
        let document = Document::new(kind, &object)
            .map_err(|error| Problem::violation("@entity", &error.to_string()))?;
        may_be(&self.state, document.id())?;
        references::unique(&self.state, &document, kind)?;
        Ok(self.keep(kind, document))
    }

    /// Puts an entity that has been checked, as it was stored or is to be.
    pub(crate) fn keep(&mut self, kind: Kind, document: Document) -> Arc<Document> {
        let document = Arc::new(document);
        self.state.insert(kind, &document);
        self.steps.push(Step::Put(kind, Arc::clone(&document)));
        document
    }
}

/// Checks an object as if it were added, without regard to other entities.
pub(crate) fn check(kind: Kind, mut object: Object, given: Given) -> Result<(), Problem> {
    given::understand(kind, &mut object)?;
    schema::coerce(kind.schema(), &mut object, given);
    schema::fill(kind.schema(), &mut object);
    schema::validate(kind.schema(), &object).map_err(Problem::schema_violation)
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
