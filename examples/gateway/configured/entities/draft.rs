//! [`Draft`]: a state in the making.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Document, Kind, State, given, in_seconds, now, now_in_milliseconds, password, references, snis,
    uuid,
};
use crate::configured::problem::Problem;
use crate::configured::schema::{self, Given, Object};

/// A state to be, and the steps to it.
pub(crate) struct Draft {
    pub(crate) state: State,
    pub(crate) steps: Vec<Step>,
    /// Whether passwords are given as they are, and not as their hashes.
    pub(crate) hashes: bool,
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
        Self { state: state.clone(), steps: Vec::new(), hashes: true }
    }

    /// A state without anything.
    pub(crate) fn empty() -> Self {
        Self { state: State::default(), steps: vec![Step::Clear], hashes: true }
    }

    /// Adds an entity.
    pub(crate) fn insert(
        &mut self,
        kind: Kind,
        mut object: Object,
        given: Given,
    ) -> Result<Arc<Document>, Problem> {
        given::understand(kind, &mut object)?;
        let names = snis::take(kind, &mut object)?;
        schema::coerce(kind.schema(), &mut object, given);
        if object.get("id").is_none_or(Value::is_null) {
            object.insert("id".to_owned(), uuid::random().into());
        }
        let fresh = Fresh::of(kind, &object);
        let document = self.put(kind, object, fresh, |state, id| match state.by_id(kind, id) {
            Some(_) => Err(Problem::primary_key(id)),
            None => Ok(()),
        })?;
        snis::set(self, &document, names)?;
        Ok(document)
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
        let names = snis::take(kind, &mut change)?;
        let mut object = old.object();
        if let (Kind::Plugins | Kind::Canaries, Some(name)) = (kind, object.get("name")) {
            // What `config` may have depends on it.
            change.entry("name").or_insert_with(|| name.clone());
        }
        schema::coerce(kind.schema(), &mut change, given);
        change.remove("created_at");
        change.insert("id".to_owned(), old.id().into());
        object.remove("updated_at");
        let fresh = Fresh::of(kind, &change);
        schema::merge(kind.schema(), &mut object, change);
        let document = self.put(kind, object, fresh, |_, _| Ok(()))?;
        snis::set(self, &document, names)?;
        Ok(document)
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
        let names = snis::of_put(kind, place, snis::take(kind, &mut object)?);
        schema::coerce(kind.schema(), &mut object, given);
        let (Place::Id(key) | Place::Key(key)) = place;
        let old = self.state.find(kind, key);
        let new_id = match place {
            Place::Id(id) => Some(id.clone()),
            Place::Key(_) if kind == Kind::Certificates => None,
            Place::Key(name) => {
                let key = kind.key().ok_or_else(Problem::invalid_primary_key)?;
                object.insert(key.to_owned(), name.as_str().into());
                None
            }
        };
        let id = old.map(|old| old.id().to_owned()).or(new_id).unwrap_or_else(uuid::random);
        object.insert("id".to_owned(), id.into());
        object.remove("updated_at");
        if let Some(created_at) = old.and_then(|old| old.object().remove("created_at")) {
            object.insert("created_at".to_owned(), created_at);
        }
        let fresh = Fresh::of(kind, &object);
        let document = self.put(kind, object, fresh, |_, _| Ok(()))?;
        snis::set(self, &document, names)?;
        Ok(document)
    }

    /// Removes an entity, and what belongs to it.
    pub(crate) fn delete(&mut self, kind: Kind, id: &str) -> Result<(), Problem> {
        let has = |child: &Kind| self.state.children(*child, kind, id).next().is_some();
        if let Some(child) = kind.children().find(|child| child.holds() && has(child)) {
            return Err(Problem::referenced(child.name(), kind.name()));
        }
        if kind == Kind::CaCertificates {
            references::unheld(&self.state, id)?;
        }
        for child in kind.children() {
            let children = self.state.children(child, kind, id);
            let children: Vec<Arc<str>> = children.map(|child| child.id().into()).collect();
            children.iter().try_for_each(|id| self.delete(child, id))?;
        }
        self.remove(kind, id.into());
        Ok(())
    }

    /// Takes a step that has been decided on elsewhere.
    pub(crate) fn take(&mut self, step: Step) {
        match step {
            Step::Clear => *self = Self::empty(),
            Step::Put(kind, document) => {
                self.state.insert(kind, &document);
                self.steps.push(Step::Put(kind, document));
            }
            Step::Delete(kind, id) => self.remove(kind, id),
        }
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
        fresh: Fresh,
        may_be: impl FnOnce(&State, &str) -> Result<(), Problem>,
    ) -> Result<Arc<Document>, Problem> {
        make(kind, &mut object);
        schema::fill(kind.schema(), &mut object);
        schema::validate(kind.schema(), &object).map_err(Problem::schema_violation)?;
        if let Some(id) = object.get("id").and_then(Value::as_str) {
            let id = id.to_ascii_lowercase();
            object.insert("id".to_owned(), id.into());
        }
        references::resolve(&self.state, kind, &mut object)?;
        if fresh.password && self.hashes {
            password::hash(kind, &mut object);
        }
        if fresh.ttl {
            count_from_creation(&mut object);
        }
        let document = Document::new(kind, &object)
            .map_err(|error| Problem::violation("@entity", &error.to_string()))?;
        may_be(&self.state, document.id())?;
        references::unique(&self.state, &document, kind)?;
        let document = self.keep(kind, document);
        self.withdraw_unfit(&document)?;
        Ok(document)
    }

    /// Withdraws the canary of a plugin that is another than the canary was made for.
    fn withdraw_unfit(&mut self, plugin: &Document) -> Result<(), Problem> {
        let Some(name) = plugin.plugin().map(|plugin| &plugin.name) else { return Ok(()) };
        let canary = self.state.canary(plugin.id());
        let is_unfit = |canary: &&Arc<Document>| canary.canary().is_none_or(|c| c.name != *name);
        match canary.filter(is_unfit).map(|canary| canary.id().to_owned()) {
            Some(id) => self.delete(Kind::Canaries, &id),
            None => Ok(()),
        }
    }

    /// Takes the canaries of the state before over, for plugins that are still there.
    pub(crate) fn keep_canaries(&mut self, before: &State) {
        for canary in before.all(Kind::Canaries) {
            let plugin = canary.reference(Kind::Plugins);
            let plugin = plugin.and_then(|id| self.state.by_id(Kind::Plugins, id)?.plugin());
            let names = plugin.map(|plugin| &plugin.name).zip(canary.canary().map(|c| &c.name));
            if names.is_some_and(|(plugin, canary)| plugin == canary) {
                self.take(Step::Put(Kind::Canaries, Arc::clone(canary)));
            }
        }
    }

    /// Puts an entity that has been checked, as it was stored or is to be.
    pub(crate) fn keep(&mut self, kind: Kind, document: Document) -> Arc<Document> {
        let document = Arc::new(document);
        self.take(Step::Put(kind, Arc::clone(&document)));
        document
    }
}

/// What of an entity a client has just given, and is not as it was kept.
#[derive(Clone, Copy)]
struct Fresh {
    password: bool,
    ttl: bool,
}

impl Fresh {
    fn of(kind: Kind, given: &Object) -> Self {
        let has = |field: &str| given.contains_key(field);
        Self { password: password::field(kind).is_some_and(has), ttl: has("ttl") }
    }
}

/// Makes the fields that the gateway makes where nothing is given.
fn make(kind: Kind, object: &mut Object) {
    for field in kind.schema().fields.iter().filter(|field| field.auto && field.name != "id") {
        if object.get(field.name).is_none_or(Value::is_null) {
            let value = match field.kind {
                schema::Kind::Integer => now().into(),
                schema::Kind::Number => in_seconds(now_in_milliseconds()).into(),
                _ => uuid::random_key().into(),
            };
            object.insert(field.name.to_owned(), value);
        }
    }
}

/// A time to live is given from now on, and kept from when the entity was made.
fn count_from_creation(object: &mut Object) {
    let number = |field: &str| object.get(field).and_then(Value::as_i64);
    if let (Some(ttl), Some(created)) = (number("ttl"), number("created_at")) {
        let ttl = now().saturating_sub(created).saturating_add(ttl);
        object.insert("ttl".to_owned(), ttl.into());
    }
}

/// Checks an object as if it were added, without regard to other entities.
pub(crate) fn check(kind: Kind, mut object: Object, given: Given) -> Result<(), Problem> {
    given::understand(kind, &mut object)?;
    schema::coerce(kind.schema(), &mut object, given);
    schema::fill(kind.schema(), &mut object);
    schema::validate(kind.schema(), &object).map_err(Problem::schema_violation)
}
