//! Everything that decides what becomes of a request, as it is at one moment.
//!
//! A [`Snapshot`] never changes: another takes its place.

use std::sync::Arc;

use tower_lua::{Functions, FunctionsId};

use crate::configured::entities::State;
use crate::configured::entity::Plugin;
use crate::in_force::balancer::{Balancer, Balancers};
use crate::in_force::certificates::Certificates;
use crate::in_force::plugins::{Chain, Prepared, Rewrite};
pub(crate) use crate::in_force::route::RouteInForce;
use crate::in_force::router::{Found, Query, Router};

/// What was in force, or will be.
pub(crate) struct Snapshot {
    pub(super) router: Arc<Router>,
    /// As the router numbers them. A place is empty whose route is gone.
    pub(super) routes: Vec<Option<Arc<RouteInForce>>>,
    /// What runs for requests that no route is for.
    pub(super) global: Arc<Chain>,
    pub(super) rewrite: Rewrite,
    /// In the order of their ids.
    pub(super) plugins: Vec<Arc<Prepared>>,
    pub(super) balancers: Arc<Balancers>,
    pub(super) certificates: Arc<Certificates>,
    /// What all of it was made of, for whoever looks for consumers.
    pub(super) entities: State,
}

impl Snapshot {
    /// No route for any request.
    pub(super) fn empty() -> Self {
        let nothing = Functions::empty();
        Self {
            router: Arc::default(),
            routes: Vec::new(),
            global: Arc::default(),
            rewrite: Rewrite { pre: nothing.clone(), post: nothing },
            plugins: Vec::new(),
            balancers: Arc::default(),
            certificates: Arc::default(),
            entities: State::default(),
        }
    }

    pub(crate) fn rewrite(&self) -> &Rewrite {
        &self.rewrite
    }

    /// Looks for the route of a request.
    pub(crate) fn find(&self, query: &Query<'_>) -> Option<(Arc<RouteInForce>, Found)> {
        let found = self.router.find(query)?;
        let route = self.routes[found.route].as_ref().expect("the router has none that are gone");
        Some((Arc::clone(route), found))
    }

    /// The upstream of this name.
    pub(crate) fn balancer(&self, name: &str) -> Option<&Arc<Balancer>> {
        self.balancers.get(name)
    }

    /// What clients get who ask for a name.
    pub(crate) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// All upstreams.
    pub(crate) fn balancers(&self) -> &Arc<Balancers> {
        &self.balancers
    }

    /// Whether any plugin of a name has a field that is `true`.
    pub(crate) fn says_of(&self, name: &str, field: &str) -> bool {
        self.plugins.iter().any(|plugin| plugin.plugin().name == name && plugin.says(field))
    }

    /// Whether there is a plugin of a name that has an id.
    pub(crate) fn has_plugin(&self, name: &str, id: &str) -> bool {
        self.plugins.iter().any(|plugin| plugin.plugin().name == name && plugin.plugin().id == id)
    }

    /// All plugins, with the sets of functions that they are made of.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = (&Plugin, Option<FunctionsId>)> {
        self.plugins.iter().map(|plugin| (plugin.plugin(), plugin.functions()))
    }

    /// What runs for requests that no route is for.
    pub(crate) fn global(&self) -> &Chain {
        &self.global
    }
}
