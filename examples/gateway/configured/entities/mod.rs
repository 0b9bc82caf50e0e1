//! Entities as the Admin API has them: JSON objects, checked by their schemas, in an immutable state;
//! and how one state is made from another.

mod api;
mod document;
mod draft;
mod given;
mod kind;
pub(crate) mod password;
mod references;
mod shared_map;
mod snis;
pub(crate) mod target;
mod url;
pub(crate) mod uuid;

use std::sync::Arc;
use std::time::SystemTime;

pub(crate) use self::document::Document;
pub(crate) use self::draft::{Draft, Place, Step, check};
pub(crate) use self::kind::Kind;
use self::shared_map::SharedMap;
use crate::configured::entity::{Route, Service};
use crate::configured::problem::Problem;
use crate::configured::schema;

/// The entities of one kind.
#[derive(Clone, Default)]
struct Table {
    by_id: SharedMap<Arc<Document>>,
    /// What only one entity may be, and which one is.
    ids: SharedMap<Arc<str>>,
    /// The ids of those that refer to another entity: by its id, a blank and theirs.
    children: SharedMap<Arc<str>>,
}

/// All entities at a moment.
#[derive(Clone, Default)]
pub(crate) struct State {
    tables: [Arc<Table>; Kind::ALL.len()],
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
        if kind == Kind::Certificates {
            let sni = self.by_key(Kind::Snis, key)?;
            return self.by_id(kind, sni.reference(kind)?);
        }
        self.by_key(kind, key)
    }

    /// The entity with this id or name, or what is answered where there is none.
    pub(crate) fn known(&self, kind: Kind, key: &str) -> Result<Arc<Document>, Problem> {
        self.find(kind, key).cloned().ok_or_else(Problem::not_found)
    }

    /// The entity with this name.
    pub(crate) fn by_key(&self, kind: Kind, key: &str) -> Option<&Arc<Document>> {
        let id = self.owner(kind, &document::unique(kind.key()?, key))?;
        self.by_id(kind, id)
    }

    /// The id of the entity that is `unique`, which only one can be.
    fn owner(&self, kind: Kind, unique: &str) -> Option<&str> {
        self.table(kind).ids.get(unique).map(|id| &**id)
    }

    fn insert(&mut self, kind: Kind, document: &Arc<Document>) {
        self.remove(kind, document.id());
        let table = Arc::make_mut(&mut self.tables[kind as usize]);
        let id = document.shared_id();
        for unique in document.uniques() {
            table.ids.insert(Arc::clone(unique), Arc::clone(id));
        }
        for edge in document.edges() {
            table.children.insert(edge.into(), Arc::clone(id));
        }
        table.by_id.insert(Arc::clone(id), Arc::clone(document));
    }

    fn remove(&mut self, kind: Kind, id: &str) -> bool {
        if self.by_id(kind, id).is_none() {
            return false;
        }
        let table = Arc::make_mut(&mut self.tables[kind as usize]);
        let Some(document) = table.by_id.remove(id) else { return false };
        for unique in document.uniques() {
            table.ids.remove(unique);
        }
        for edge in document.edges() {
            table.children.remove(&edge);
        }
        true
    }

    /// The entities of `kind` that refer to the one of `parent` with this id, in the order of theirs.
    pub(crate) fn children(
        &self,
        kind: Kind,
        parent: Kind,
        id: &str,
    ) -> impl Iterator<Item = &Arc<Document>> {
        let table = self.table(kind);
        let children = table.children.below(format!("{id} "));
        let children = children.filter_map(|child| table.by_id.get(child));
        children.filter(move |child| child.reference(parent).is_some_and(|owner| owner == id))
    }

    /// The other version that a plugin's functions have, if they have one.
    pub(crate) fn canary(&self, plugin: &str) -> Option<&Arc<Document>> {
        self.children(Kind::Canaries, Kind::Plugins, plugin).next()
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

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    now_in_milliseconds() / 1000
}

/// Milliseconds since 1970.
pub(crate) fn now_in_milliseconds() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Milliseconds as the Admin API has times: seconds, with three digits behind the point.
#[expect(
    clippy::cast_precision_loss,
    reason = "a float has the milliseconds of thousands of years"
)]
pub(crate) fn in_seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}
