//! Entities as the Admin API has them: JSON objects, checked by their schemas, in an immutable state;
//! and how one state is made from another.

mod document;
mod draft;
mod given;
mod references;
mod shared_map;
pub(crate) mod uuid;

use std::sync::Arc;

pub(crate) use self::document::Document;
pub(crate) use self::draft::{Draft, Place, Step, check};
use self::shared_map::SharedMap;
use crate::configured::entity::{Route, Service};
use crate::configured::problem::Problem;
use crate::configured::schema::{self, Schema};

/// The kinds of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Services,
    Routes,
    Plugins,
    /// Of Kong 0.x: a service and a route in one.
    Apis,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Services, Self::Routes, Self::Plugins, Self::Apis];

    /// The name, as in paths of the Admin API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Routes => "routes",
            Self::Plugins => "plugins",
            Self::Apis => "apis",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The field of other entities that refers to one of this kind.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Services => "service",
            Self::Routes => "route",
            Self::Plugins => "plugin",
            Self::Apis => "api",
        }
    }

    /// The field that an entity can be found by, beside its id.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Plugins => "instance_name",
            _ => "name",
        }
    }

    pub(crate) fn schema(self) -> &'static Schema {
        match self {
            Self::Services => &schema::SERVICE,
            Self::Routes => &schema::ROUTE,
            Self::Plugins => &schema::PLUGIN,
            Self::Apis => &schema::APIS,
        }
    }

    /// The fields of this kind that refer to other entities.
    pub(crate) const fn references(self) -> &'static [Self] {
        match self {
            Self::Routes => &[Self::Services],
            Self::Plugins => &[Self::Services, Self::Routes, Self::Apis],
            Self::Services | Self::Apis => &[],
        }
    }
}

/// The entities of one kind.
#[derive(Clone, Default)]
struct Table {
    by_id: SharedMap<Arc<Document>>,
    /// What only one entity may be, and which one is.
    ids: SharedMap<Arc<str>>,
}

/// All entities at a moment.
#[derive(Clone, Default)]
pub(crate) struct State {
    tables: [Table; Kind::ALL.len()],
}

impl State {
    /// All entities of a kind, in the order of their ids.
    pub(crate) fn all(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Arc<Document>> {
        self.table(kind).by_id.values()
    }

    /// The entity with this id.
    pub(crate) fn by_id(&self, kind: Kind, id: &str) -> Option<&Arc<Document>> {
        self.table(kind).by_id.get(id)
    }

    /// The entity with this id or name.
    pub(crate) fn find(&self, kind: Kind, key: &str) -> Option<&Arc<Document>> {
        if schema::is_uuid(key) {
            return self.by_id(kind, &key.to_ascii_lowercase());
        }
        self.by_key(kind, key)
    }

    /// The entity with this id or name, or what is answered where there is none.
    pub(crate) fn known(&self, kind: Kind, key: &str) -> Result<Arc<Document>, Problem> {
        self.find(kind, key).cloned().ok_or_else(Problem::not_found)
    }

    /// The entity with this name.
    fn by_key(&self, kind: Kind, key: &str) -> Option<&Arc<Document>> {
        let id = self.owner(kind, &document::named(key))?;
        self.by_id(kind, id)
    }

    /// The id of the entity that is `unique`, which only one can be.
    fn owner(&self, kind: Kind, unique: &str) -> Option<&str> {
        self.table(kind).ids.get(unique).map(|id| &**id)
    }

    fn insert(&mut self, kind: Kind, document: &Arc<Document>) {
        self.remove(kind, document.id());
        let table = &mut self.tables[kind as usize];
        let id = document.shared_id();
        for unique in document.uniques() {
            table.ids.insert(Arc::clone(unique), Arc::clone(id));
        }
        table.by_id.insert(Arc::clone(id), Arc::clone(document));
    }

    fn remove(&mut self, kind: Kind, id: &str) -> bool {
        let table = &mut self.tables[kind as usize];
        let Some(document) = table.by_id.remove(id) else { return false };
        for unique in document.uniques() {
            table.ids.remove(unique);
        }
        true
    }

    /// The entities of `kind` that refer to the one of `parent` with this id.
    pub(crate) fn children(
        &self,
        kind: Kind,
        parent: Kind,
        id: &str,
    ) -> impl Iterator<Item = &Arc<Document>> {
        self.all(kind).filter(move |document| document.reference(parent) == Some(id))
    }

    /// What requests are routed by.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        let routes = [Kind::Routes, Kind::Apis].into_iter().flat_map(|kind| self.all(kind));
        routes.filter_map(|document| document.route())
    }

    /// The service with this id.
    pub(crate) fn service(&self, id: &str) -> Option<&Arc<Service>> {
        let document = self.by_id(Kind::Services, id).or_else(|| self.by_id(Kind::Apis, id));
        document?.service()
    }

    /// The route with this id.
    pub(crate) fn route(&self, id: &str) -> Option<&Arc<Route>> {
        let document = self.by_id(Kind::Routes, id).or_else(|| self.by_id(Kind::Apis, id));
        document?.route()
    }

    fn table(&self, kind: Kind) -> &Table {
        &self.tables[kind as usize]
    }
}
