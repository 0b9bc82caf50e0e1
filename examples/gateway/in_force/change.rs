//! [`Change`]: how a snapshot is made of the one before it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashSet};
use tower_lua::Runtime;

use super::balancer::{self, Balancers};
use super::certificates::Certificates;
use super::plugins::{Between, Prepared, Scopes};
use super::route::{RouteInForce, ServiceInForce};
use super::router::Router;
use super::snapshot::Snapshot;
use super::trust::Trust;
use crate::BoxError;
use crate::configured::entities::{Document, Kind, State, Step};
use crate::configured::entity::{Plugin, Route, Service};

/// What was in force, and what is to be.
pub(super) struct Change<'a> {
    pub(super) before: &'a Snapshot,
    pub(super) state: &'a State,
    pub(super) runtime: &'a Runtime,
    pub(super) between: &'a Between,
}

/// What the steps of a change have to do with: of routes, those whose requests may find something
/// else.
#[derive(Default)]
struct Touched<'a> {
    /// All of them.
    everything: bool,
    routes: FxHashSet<&'a str>,
    /// All of these services.
    services: FxHashSet<&'a str>,
    plugins: FxHashSet<&'a str>,
    /// Certificates, and those of authorities.
    certificates: FxHashSet<&'a str>,
}

impl<'a> Change<'a> {
    /// The snapshot that `steps` lead to. They touch few routes mostly, and no more are looked at.
    pub(super) fn make(&self, steps: &[Step]) -> Result<Snapshot, BoxError> {
        let begins_anew = steps.iter().any(|step| matches!(step, Step::Clear));
        let (plugins, mut touched) = if begins_anew {
            (self.all_plugins()?, Touched { everything: true, ..Touched::default() })
        } else {
            let touched = Touched::new(steps, self.before);
            (self.changed_plugins(&touched.plugins)?, touched)
        };
        let balancers = self.balancers(steps);
        self.touch_services(&balancers, &mut touched);
        let scopes = Scopes::new(&plugins);
        let (routes, router) = Routes::new(self, &touched, &scopes, &balancers).make()?;
        let (global, rewrite) = (scopes.chain(None, None), scopes.rewrite());
        let certificates = Certificates::changed(&self.before.certificates, self.state, steps);
        let entities = self.state.clone();
        let canaries = plugins.iter().filter(|plugin| plugin.plugin().enabled);
        let canaries = canaries.filter_map(|plugin| plugin.canary().cloned()).collect();
        let is_tracer = |plugin: &Plugin| plugin.name == "opentelemetry" && plugin.enabled;
        let is_traced = plugins.iter().any(|plugin| is_tracer(plugin.plugin()));
        Ok(Snapshot {
            router,
            routes,
            global,
            rewrite,
            plugins,
            canaries,
            is_traced,
            balancers,
            certificates,
            entities,
        })
    }

    fn balancers(&self, steps: &[Step]) -> Arc<Balancers> {
        let Snapshot { balancers: before, entities: old, .. } = self.before;
        balancer::Change { before, old, new: self.state }.make(steps)
    }

    /// Adds the services whose hosts have become names of upstreams, or are so no more, and those whose
    /// certificates or authorities have changed.
    fn touch_services(&self, balancers: &Arc<Balancers>, touched: &mut Touched<'a>) {
        let before = &self.before.balancers;
        let is_news = |name: &str| balancers.contains_key(name) != before.contains_key(name);
        let mut names = before.keys().chain(balancers.keys());
        let is_any_news = !Arc::ptr_eq(before, balancers) && names.any(|name| is_news(name));
        if touched.everything || (!is_any_news && touched.certificates.is_empty()) {
            return;
        }
        let documents = [Kind::Services, Kind::Apis].map(|kind| self.state.all(kind));
        let services = documents.into_iter().flatten().filter_map(|document| document.service());
        let news =
            services.filter(|service| is_news(&service.host) || touched.vouches_for(service));
        let news: Vec<_> = news.map(|service| service.id.as_str()).collect();
        touched.services.extend(news);
    }

    fn all_plugins(&self) -> Result<Vec<Arc<Prepared>>, BoxError> {
        let mut known = Known::new(&self.before.plugins);
        let documents = self.state.all(Kind::Plugins);
        let plugins = documents.map(|document| {
            let label = self.label(document);
            self.ready(document, known.take(document, &label), || label)
        });
        plugins.collect()
    }

    /// The plugins of before, but for those with some ids.
    fn changed_plugins(&self, ids: &FxHashSet<&str>) -> Result<Vec<Arc<Prepared>>, BoxError> {
        let mut plugins = self.before.plugins.clone();
        for id in ids {
            let place = plugins.binary_search_by(|plugin| plugin.plugin().id.as_str().cmp(id));
            match (place, self.state.by_id(Kind::Plugins, id)) {
                (Ok(place), Some(document)) => {
                    let kept = plugins[place].again(document);
                    plugins[place] = self.ready(document, kept, || self.label(document))?;
                }
                (Ok(place), None) => {
                    plugins.remove(place);
                }
                (Err(place), Some(document)) => {
                    let plugin = self.ready(document, None, || self.label(document))?;
                    plugins.insert(place, plugin);
                }
                (Err(_), None) => {}
            }
        }
        Ok(plugins)
    }

    /// A plugin with its canary, if it has one: the one that was `kept` of before, or a new one.
    fn ready(
        &self,
        document: &Arc<Document>,
        kept: Option<Arc<Prepared>>,
        label: impl FnOnce() -> String,
    ) -> Result<Arc<Prepared>, BoxError> {
        let make = || Prepared::new(document, &label(), self.runtime, self.between).map(Arc::new);
        let plugin = kept.map_or_else(make, Ok)?;
        plugin.with_canary(self.state.canary(document.id()), self.runtime)
    }

    /// The name of a plugin's route or service and its own, such as `shop pre-function`.
    fn label(&self, document: &Document) -> String {
        let Some(plugin) = document.plugin() else { return String::new() };
        let service_name = |id: &str| self.state.service(id)?.name.as_deref();
        let route = plugin.route().map(|id| {
            let route = self.state.route(id);
            let of_service = || service_name(&route?.service.as_ref()?.id);
            route.and_then(|route| route.name.as_deref()).or_else(of_service).unwrap_or(id)
        });
        let service = plugin.service().map(|id| service_name(id).unwrap_or(id));
        let owner = route.or(service).unwrap_or("global");
        format!("{owner} {}", plugin.instance_name.as_deref().unwrap_or(&plugin.name))
    }
}

impl<'a> Touched<'a> {
    /// What `steps` touch, where `before` is in force.
    fn new(steps: &'a [Step], before: &'a Snapshot) -> Self {
        let mut touched = Self::default();
        let plugins = &before.plugins;
        for step in steps {
            match step {
                Step::Clear => touched.everything = true,
                Step::Put(Kind::Canaries, document) => touched.canary(document, plugins),
                Step::Delete(Kind::Canaries, id) => {
                    let canary = before.entities.by_id(Kind::Canaries, id);
                    canary.iter().for_each(|canary| touched.canary(canary, plugins));
                }
                Step::Put(kind, document) => {
                    touched.entity(*kind, document.id(), plugins);
                    document.plugin().iter().for_each(|plugin| touched.scope(plugin));
                }
                Step::Delete(kind, id) => touched.entity(*kind, id, plugins),
            }
        }
        touched
    }

    fn entity(&mut self, kind: Kind, id: &'a str, plugins: &'a [Arc<Prepared>]) {
        if matches!(kind, Kind::Services | Kind::Apis) {
            self.services.insert(id);
        }
        if matches!(kind, Kind::Routes | Kind::Apis) {
            self.routes.insert(id);
        }
        if matches!(kind, Kind::Certificates | Kind::CaCertificates) {
            self.certificates.insert(id);
        }
        if kind == Kind::Plugins {
            self.plugins.insert(id);
            let place = plugins.binary_search_by(|plugin| plugin.plugin().id.as_str().cmp(id));
            place.iter().for_each(|place| self.scope(plugins[*place].plugin()));
        }
    }

    /// A canary is a change of its plugin.
    fn canary(&mut self, canary: &'a Document, plugins: &'a [Arc<Prepared>]) {
        let plugin = canary.reference(Kind::Plugins);
        plugin.iter().for_each(|id| self.entity(Kind::Plugins, id, plugins));
    }

    /// What a plugin is for that comes, changes or goes.
    fn scope(&mut self, plugin: &'a Plugin) {
        match (plugin.route(), plugin.service()) {
            (Some(route), _) => {
                self.routes.insert(route);
            }
            (None, Some(service)) => {
                self.services.insert(service);
            }
            (None, None) => self.everything = true,
        }
    }

    /// Whether a service has certificates or authorities among what has changed.
    fn vouches_for(&self, service: &Service) -> bool {
        if self.certificates.is_empty() {
            return false;
        }
        let identity = service.client_certificate.iter().map(|certificate| &certificate.id);
        let authorities = service.ca_certificates.iter().flatten();
        identity.chain(authorities).any(|id| self.certificates.contains(id.as_str()))
    }

    fn has(&self, route: &Route) -> bool {
        let of_service = || route.service.as_ref().map(|service| service.id.as_str());
        self.everything
            || self.routes.contains(route.id.as_str())
            || (!self.services.is_empty()
                && of_service().is_some_and(|id| self.services.contains(id)))
    }
}

/// Routes, as a router numbers them.
type Places = Vec<Option<Arc<RouteInForce>>>;

/// The routes of a snapshot in the making.
struct Routes<'a> {
    change: &'a Change<'a>,
    touched: &'a Touched<'a>,
    scopes: &'a Scopes<'a>,
    balancers: &'a Balancers,
    /// Those that were made for this change.
    services: HashMap<&'a str, Arc<ServiceInForce>, FxBuildHasher>,
    places: Places,
    /// Places whose routes are to be found in another way than before, or not at all.
    gone: HashSet<usize>,
    /// And those that are to be found.
    added: Vec<usize>,
}

impl<'a> Routes<'a> {
    fn new(
        change: &'a Change<'a>,
        touched: &'a Touched<'a>,
        scopes: &'a Scopes<'a>,
        balancers: &'a Balancers,
    ) -> Self {
        Self {
            change,
            touched,
            scopes,
            balancers,
            services: HashMap::default(),
            places: change.before.routes.clone(),
            gone: HashSet::new(),
            added: Vec::new(),
        }
    }

    fn make(mut self) -> Result<(Places, Arc<Router>), BoxError> {
        let before = self.change.before;
        let state = self.change.state;
        let mut seen = FxHashSet::default();
        let known = before.routes.iter().enumerate();
        for (place, old) in known.filter_map(|(place, old)| Some((place, old.as_ref()?))) {
            if self.touched.has(&old.route) {
                seen.insert(old.route.id.as_str());
                let route = state.route(&old.route.id);
                let new = route.map(|route| self.in_force(route, Some(old))).transpose()?.flatten();
                self.put(place, Some(old), new);
            }
        }
        let mut free = self.free_places();
        let is_new = |route: &&Arc<Route>| !seen.contains(route.id.as_str());
        for route in self.touched_routes().into_iter().filter(is_new) {
            if let Some(new) = self.in_force(route, None)? {
                let place = free.pop().unwrap_or_else(|| {
                    self.places.push(None);
                    self.places.len() - 1
                });
                self.put(place, None, Some(new));
            }
        }
        let router = self.router()?;
        Ok((self.places, router))
    }

    fn router(&self) -> Result<Arc<Router>, BoxError> {
        let before = self.change.before;
        if self.gone.is_empty() && self.added.is_empty() {
            return Ok(Arc::clone(&before.router));
        }
        if before.routes.is_empty() {
            let routes = self.places.iter().flatten().map(|route| Arc::clone(&route.route));
            return Router::new(&routes.collect::<Vec<_>>()).map(Arc::new);
        }
        let route_at = |place: &usize| Some((*place, &self.places[*place].as_ref()?.route));
        before.router.changed(&self.gone, self.added.iter().filter_map(route_at)).map(Arc::new)
    }

    fn free_places(&self) -> Vec<usize> {
        let places = self.places.iter().enumerate();
        places.filter(|(_, route)| route.is_none()).map(|(place, _)| place).collect()
    }

    /// The routes of the new state that may be new here.
    fn touched_routes(&self) -> Vec<&'a Arc<Route>> {
        let state = self.change.state;
        if self.touched.everything || !self.touched.services.is_empty() {
            return state.routes().filter(|route| self.touched.has(route)).collect();
        }
        self.touched.routes.iter().filter_map(|id| state.route(id)).collect()
    }

    fn put(&mut self, place: usize, old: Option<&Arc<RouteInForce>>, new: Option<RouteInForce>) {
        let is_same =
            |new: &RouteInForce| old.is_some_and(|old| Arc::ptr_eq(&old.route, &new.route));
        if !new.as_ref().is_some_and(is_same) {
            old.iter().for_each(|_| {
                self.gone.insert(place);
            });
            new.iter().for_each(|_| self.added.push(place));
        }
        self.places[place] = new.map(Arc::new);
    }

    /// A route with what it needs; nothing, where its service is disabled.
    fn in_force(
        &mut self,
        route: &'a Arc<Route>,
        old: Option<&Arc<RouteInForce>>,
    ) -> Result<Option<RouteInForce>, BoxError> {
        let id = route.service.as_ref().map(|service| service.id.as_str());
        let service = match id {
            None => None,
            Some(id) => {
                let service = self.change.state.service(id);
                let service = service.ok_or_else(|| format!("service '{id}' is not there"))?;
                if !service.enabled {
                    return Ok(None);
                }
                let is_balanced = self.balancers.contains_key(service.host.as_str());
                let known = old.and_then(|old| old.service_in_force());
                let is_same = |known: &&Arc<ServiceInForce>| known.is_of(service, is_balanced);
                let known = known.filter(is_same).filter(|_| !self.touched.vouches_for(service));
                match (self.services.get(id), known) {
                    (Some(service), _) | (None, Some(service)) => Some(Arc::clone(service)),
                    (None, None) => {
                        let trust = Trust::of(service, self.change.state)?;
                        let service = Arc::new(ServiceInForce::new(service, is_balanced, trust)?);
                        self.services.insert(id, Arc::clone(&service));
                        Some(service)
                    }
                }
            }
        };
        let chain = self.scopes.chain(Some(&route.id), id);
        Ok(Some(RouteInForce::new(route, service, chain)))
    }
}

/// The plugins of the snapshot before, each to be taken over once.
struct Known<'a> {
    by_id: HashMap<&'a str, &'a Arc<Prepared>, FxBuildHasher>,
    /// A declarative file without ids gives its plugins new ones whenever it is read.
    by_label: HashMap<&'a str, Vec<&'a Arc<Prepared>>, FxBuildHasher>,
}

impl<'a> Known<'a> {
    fn new(before: &'a [Arc<Prepared>]) -> Self {
        let mut by_label: HashMap<&str, Vec<_>, _> = HashMap::default();
        for plugin in before {
            by_label.entry(plugin.label()).or_default().push(plugin);
        }
        let by_id = before.iter().map(|plugin| (plugin.plugin().id.as_str(), plugin)).collect();
        Self { by_id, by_label }
    }

    /// What was made of a plugin before, if it has not changed.
    fn take(&mut self, document: &Arc<Document>, label: &str) -> Option<Arc<Prepared>> {
        if let Some(same) = self.by_id.get(document.id()) {
            return same.again(document);
        }
        let alike = self.by_label.get_mut(label)?;
        let found =
            alike.iter().enumerate().find_map(|(place, one)| Some((place, one.again(document)?)));
        let (place, kept) = found?;
        alike.swap_remove(place);
        Some(kept)
    }
}
