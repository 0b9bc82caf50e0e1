//! Everything that decides what becomes of a request, as it is at one moment.
//!
//! A [`Snapshot`] never changes: another takes its place.

use std::sync::Arc;

use http::HeaderMap;
use tower_lua::FunctionsId;

use crate::configured::entities::State;
use crate::configured::entity::Plugin;
use crate::in_force::balancer::{Balancer, Balancers};
use crate::in_force::certificates::Certificates;
use crate::in_force::plugins::{Canary, Chain, Choices, Prepared, Rewrite};
pub(crate) use crate::in_force::route::{Names, RouteInForce, Treatment};
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
    /// Those of all plugins.
    pub(super) canaries: Vec<Arc<Canary>>,
    /// Whether one of them wants spans.
    pub(super) is_traced: bool,
    pub(super) balancers: Arc<Balancers>,
    pub(super) certificates: Arc<Certificates>,
    /// What all of it was made of, for whoever looks for consumers.
    pub(super) entities: State,
}

impl Snapshot {
    /// No route for any request.
    pub(super) fn empty() -> Self {
        Self {
            router: Arc::default(),
            routes: Vec::new(),
            global: Arc::default(),
            rewrite: Rewrite::default(),
            plugins: Vec::new(),
            canaries: Vec::new(),
            is_traced: false,
            balancers: Arc::default(),
            certificates: Arc::default(),
            entities: State::default(),
        }
    }

    pub(crate) fn rewrite(&self) -> &Rewrite {
        &self.rewrite
    }

    /// Whether the route of a request depends on its host.
    pub(crate) fn asks_for_host(&self) -> bool {
        self.router.asks_for_host()
    }

    /// Looks for the route of a request.
    pub(crate) fn find(&self, query: &Query<'_>) -> Option<Found> {
        self.router.find(query)
    }

    /// The route at a place that the router has found.
    pub(crate) fn route(&self, place: usize) -> &RouteInForce {
        self.routes[place].as_ref().expect("the router has none that are gone")
    }

    /// All routes.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &RouteInForce> {
        self.routes.iter().flatten().map(|route| &**route)
    }

    /// What is to be chosen for a request with these headers, if there is anything.
    pub(crate) fn choices(&self, headers: &HeaderMap) -> Option<Box<Choices>> {
        Choices::new(&self.canaries, headers)
    }

    /// The plugin with this id.
    pub(crate) fn plugin(&self, id: &str) -> Option<&Prepared> {
        let place = self.plugins.binary_search_by(|known| known.plugin().id.as_str().cmp(id));
        Some(&self.plugins[place.ok()?])
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

    /// The sets of functions of plugins that have canaries, each with that of its canary.
    pub(crate) fn versions(&self) -> impl Iterator<Item = [FunctionsId; 2]> {
        self.plugins.iter().filter_map(|plugin| plugin.versions())
    }

    /// Whether a plugin wants spans of requests.
    pub(crate) fn is_traced(&self) -> bool {
        self.is_traced
    }

    /// All plugins, with the sets of functions that they have.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = (&Plugin, Vec<FunctionsId>)> {
        self.plugins.iter().map(|plugin| (plugin.plugin(), plugin.functions()))
    }

    /// What runs for requests that no route is for.
    pub(crate) fn global(&self) -> &Chain {
        &self.global
    }
}
