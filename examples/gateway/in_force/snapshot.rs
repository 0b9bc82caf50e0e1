//! Everything that decides what becomes of a request, as it is at one moment.
//!
//! A change makes a new [`Snapshot`] of all of it, beside the one that is in force, and then puts it
//! in its place. A request keeps the one that it began with.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use tower_lua::{Functions, Runtime};

use crate::BoxError;
use crate::configured::entity::{Entities, Plugin, Route, Service};
use crate::in_force::plugins::{Between, Chain, Prepared, Rewrite, Scopes};
use crate::in_force::router::{Found, Query, Router};
use crate::in_force::target::Plan;

/// What is in force: one snapshot after the other.
#[derive(Clone)]
pub(crate) struct Published {
    current: Arc<ArcSwap<Snapshot>>,
    runtime: Runtime,
    between: Between,
}

/// What was in force, or will be.
pub(crate) struct Snapshot {
    router: Router,
    /// As the router numbers them.
    routes: Vec<Arc<RouteInForce>>,
    /// What runs for requests that no route is for.
    global: Chain,
    rewrite: Rewrite,
    /// By their ids, to be taken over by the next snapshot.
    plugins: HashMap<String, Arc<Prepared>>,
}

/// A route with everything that its requests need.
pub(crate) struct RouteInForce {
    pub(crate) route: Arc<Route>,
    pub(crate) service: Option<Arc<Service>>,
    pub(crate) chain: Chain,
    /// Where its requests go, if it has a service.
    pub(crate) plan: Option<Plan>,
    /// What the service and the route are called in metrics.
    pub(crate) labels: (Arc<str>, Arc<str>),
    known: OnceLock<Seen>,
}

/// A route and its service as functions see them.
type Seen = (Option<tower_lua::Route>, Option<tower_lua::Service>);

impl Published {
    /// Nothing is in force yet: no route for any request. Functions are to run in `runtime`;
    /// `between` makes the other plugins.
    pub(crate) fn new(runtime: Runtime, between: Between) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(Snapshot::empty())), runtime, between }
    }

    /// What is in force now.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Makes a snapshot of `entities`. What is unchanged since the current one keeps its state: the
    /// variables of functions, the counters of limits.
    ///
    /// # Errors
    ///
    /// When functions do not compile or another plugin refuses its configuration, when a route has
    /// something that is no regular expression.
    pub(crate) fn check(&self, entities: &Entities) -> Result<Snapshot, BoxError> {
        Snapshot::new(entities, &self.current(), &self.runtime, self.between)
    }

    /// Puts `snapshot` in force, for every request that begins from now on.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        self.current.store(Arc::new(snapshot));
    }
}

impl Snapshot {
    fn empty() -> Self {
        let nothing = Functions::empty();
        Self {
            router: Router::default(),
            routes: Vec::new(),
            global: Chain::empty(),
            rewrite: Rewrite { pre: nothing.clone(), post: nothing },
            plugins: HashMap::new(),
        }
    }

    fn new(
        entities: &Entities,
        before: &Self,
        runtime: &Runtime,
        between: Between,
    ) -> Result<Self, BoxError> {
        let services: HashMap<&str, &Arc<Service>> =
            entities.services.iter().map(|service| (service.id.as_str(), service)).collect();
        let owners = Owners::new(entities);
        let mut plugins = HashMap::with_capacity(entities.plugins.len());
        let mut known = Known::new(&before.plugins);
        for plugin in &entities.plugins {
            let label = owners.name(plugin);
            let prepared = match known.take(plugin, &label) {
                Some(kept) => kept,
                None => Arc::new(Prepared::new(plugin, &label, runtime, between)?),
            };
            plugins.insert(plugin.id.clone(), prepared);
        }
        let scopes = Scopes::new(&entities.plugins, &plugins);
        let mut routes = Vec::with_capacity(entities.routes.len());
        for route in &entities.routes {
            let service = route.service.as_ref().map(|reference| {
                let service = services.get(reference.id.as_str()).copied().cloned();
                service.ok_or_else(|| format!("service '{}' is not there", reference.id))
            });
            let service = service.transpose()?;
            if service.as_ref().is_some_and(|service| !service.enabled) {
                continue;
            }
            let chain = scopes.chain(Some(&route.id), service.as_ref().map(|s| s.id.as_str()));
            let route = Arc::clone(route);
            let plan = service.as_deref().map(Plan::new).transpose()?;
            let labels = labels(&route, service.as_deref());
            routes.push(Arc::new(RouteInForce {
                route,
                service,
                chain,
                plan,
                labels,
                known: OnceLock::new(),
            }));
        }
        let of_router: Vec<_> = routes.iter().map(|route| Arc::clone(&route.route)).collect();
        let router = Router::new(&of_router)?;
        let global = scopes.chain(None, None);
        let rewrite = scopes.rewrite();
        Ok(Self { router, routes, global, rewrite, plugins })
    }

    pub(crate) fn rewrite(&self) -> &Rewrite {
        &self.rewrite
    }

    /// Looks for the route of a request.
    pub(crate) fn find(&self, query: &Query<'_>) -> Option<(Arc<RouteInForce>, Found)> {
        let found = self.router.find(query)?;
        Some((Arc::clone(&self.routes[found.route]), found))
    }

    /// What runs for requests that no route is for.
    pub(crate) fn global(&self) -> &Chain {
        &self.global
    }
}

impl RouteInForce {
    /// The route and its service for functions: made when the first of them could ask.
    pub(crate) fn known(&self) -> &Seen {
        self.known.get_or_init(|| {
            let route = tower_lua::Route::new(route_fields(&self.route)).ok();
            let service = self.service.as_deref().map(service_fields);
            (route, service.and_then(|fields| tower_lua::Service::new(fields).ok()))
        })
    }
}

fn route_fields(route: &Route) -> Value {
    json!({
        "id": route.id,
        "name": route.name,
        "protocols": route.protocols,
        "methods": route.methods,
        "hosts": route.hosts,
        "paths": route.paths,
        "headers": route.headers,
        "snis": route.snis,
        "regex_priority": route.regex_priority,
        "strip_path": route.strip_path,
        "path_handling": route.path_handling,
        "preserve_host": route.preserve_host,
        "https_redirect_status_code": route.https_redirect_status_code,
        "request_buffering": route.request_buffering,
        "response_buffering": route.response_buffering,
        "created_at": route.created_at,
        "service": route.service.as_ref().map(|service| json!({ "id": service.id })),
        "tags": route.tags,
    })
}

fn service_fields(service: &Service) -> Value {
    json!({
        "id": service.id,
        "name": service.name,
        "protocol": service.protocol,
        "host": service.host,
        "port": service.port,
        "path": service.path,
        "retries": service.retries,
        "connect_timeout": service.connect_timeout,
        "write_timeout": service.write_timeout,
        "read_timeout": service.read_timeout,
        "tls_verify": service.tls_verify,
        "tags": service.tags,
        "enabled": service.enabled,
    })
}

fn labels(route: &Route, service: Option<&Service>) -> (Arc<str>, Arc<str>) {
    let of_service = service.map_or("", |service| service.name.as_ref().unwrap_or(&service.id));
    (of_service.into(), route.name.as_ref().unwrap_or(&route.id).as_str().into())
}

/// The plugins of the snapshot before, each to be taken over once.
struct Known<'a> {
    by_id: &'a HashMap<String, Arc<Prepared>>,
    /// A declarative file without ids gives its plugins new ones whenever it is read.
    by_label: HashMap<&'a str, Vec<&'a Arc<Prepared>>>,
}

impl<'a> Known<'a> {
    fn new(before: &'a HashMap<String, Arc<Prepared>>) -> Self {
        let mut by_label: HashMap<&str, Vec<_>> = HashMap::new();
        for plugin in before.values() {
            by_label.entry(plugin.label()).or_default().push(plugin);
        }
        Self { by_id: before, by_label }
    }

    /// What was made of `plugin` before, if it has not changed.
    fn take(&mut self, plugin: &Plugin, label: &str) -> Option<Arc<Prepared>> {
        if let Some(same) = self.by_id.get(&plugin.id) {
            return same.is_of(plugin).then(|| Arc::clone(same));
        }
        let alike = self.by_label.get_mut(label)?;
        let place = alike.iter().position(|one| one.is_of(plugin))?;
        Some(Arc::clone(alike.swap_remove(place)))
    }
}

/// What plugins belong to, for messages to name it.
struct Owners<'a> {
    routes: HashMap<&'a str, &'a Route>,
    services: HashMap<&'a str, &'a Service>,
}

impl<'a> Owners<'a> {
    fn new(entities: &'a Entities) -> Self {
        Self {
            routes: entities.routes.iter().map(|route| (route.id.as_str(), &**route)).collect(),
            services: entities.services.iter().map(|one| (one.id.as_str(), &**one)).collect(),
        }
    }

    /// The name of a plugin's route or service and its own, such as `shop pre-function`.
    fn name(&self, plugin: &Plugin) -> String {
        let route = plugin.route.as_ref().map(|reference| {
            let route = self.routes.get(reference.id.as_str());
            let name = route.and_then(|route| route.name.as_deref());
            let service = route.and_then(|route| route.service.as_ref());
            let of_service = || self.services.get(service?.id.as_str())?.name.as_deref();
            name.or_else(of_service).unwrap_or(&reference.id)
        });
        let service = plugin.service.as_ref().map(|reference| {
            let service = self.services.get(reference.id.as_str());
            service.and_then(|service| service.name.as_deref()).unwrap_or(&reference.id)
        });
        let owner = route.or(service).unwrap_or("global");
        format!("{owner} {}", plugin.instance_name.as_deref().unwrap_or(&plugin.name))
    }
}
