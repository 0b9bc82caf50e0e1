//! [`RouteInForce`]: a route with everything that its requests need.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, OnceLock};

use rustc_hash::FxBuildHasher;
use serde_json::{Value, json};

use crate::BoxError;
use crate::configured::entity::{Route, Service};
use crate::in_force::plugins::Chain;
use crate::in_force::target::Plan;
use crate::in_force::trust::Trust;

/// A route with everything that its requests need.
pub(crate) struct RouteInForce {
    pub(crate) route: Arc<Route>,
    pub(crate) treatment: Treatment,
    service: Option<Arc<ServiceInForce>>,
    pub(crate) chain: Arc<Chain>,
    pub(crate) names: Names,
    known: OnceLock<Option<tower_lua::Route>>,
}

/// What a route and its service are called in metrics.
#[derive(Clone, PartialOrd, Ord)]
pub(crate) struct Names {
    /// Empty where there is none.
    pub(crate) service: Arc<str>,
    pub(crate) route: Arc<str>,
    /// Of both texts, which lie elsewhere in memory.
    hash: u64,
}

impl Names {
    fn new(service: Arc<str>, route: Arc<str>) -> Self {
        let hash = FxBuildHasher.hash_one((&service, &route));
        Self { service, route, hash }
    }

    /// Those of requests that no route is for.
    pub(crate) fn none() -> &'static Self {
        static NONE: LazyLock<Names> = LazyLock::new(|| Names::new(Arc::default(), Arc::default()));
        &NONE
    }
}

// Mostly they are the very same texts, which need not be looked at.
impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |one, other| Arc::ptr_eq(one, other) || one == other;
        self.hash == other.hash
            && is_same(&self.route, &other.route)
            && is_same(&self.service, &other.service)
    }
}

impl Eq for Names {}

impl Hash for Names {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// What a route says of each of its requests: beside the rest of what these need, and not among all that an
/// entity has.
#[derive(Clone, Copy)]
pub(crate) struct Treatment {
    pub(crate) needs_tls: bool,
    pub(crate) needs_grpc: bool,
    pub(crate) strips_path: bool,
    /// As `path_handling` says, or else as `v0` does.
    pub(crate) handles_paths_as_v1: bool,
    pub(crate) preserves_host: bool,
}

impl Treatment {
    fn of(route: &Route) -> Self {
        let speaks = |protocol: &str| route.protocols.iter().any(|spoken| **spoken == *protocol);
        let speaks_grpc = speaks("grpc") || speaks("grpcs");
        let only_tls = |plain, tls| speaks(tls) && !speaks(plain);
        Self {
            needs_tls: only_tls("http", "https") || only_tls("grpc", "grpcs"),
            needs_grpc: speaks_grpc,
            strips_path: route.strip_path,
            handles_paths_as_v1: &*route.path_handling == "v1",
            preserves_host: route.preserve_host,
        }
    }
}

/// A service, which its routes share.
pub(crate) struct ServiceInForce {
    service: Arc<Service>,
    plan: Plan,
    label: Arc<str>,
    known: OnceLock<Option<tower_lua::Service>>,
}

impl RouteInForce {
    pub(crate) fn new(
        route: &Arc<Route>,
        service: Option<Arc<ServiceInForce>>,
        chain: Arc<Chain>,
    ) -> Self {
        let label = route.name.as_ref().unwrap_or(&route.id).as_str().into();
        let of_service = service.as_ref().map(|service| Arc::clone(&service.label));
        let names = Names::new(of_service.unwrap_or_default(), label);
        let (route, treatment) = (Arc::clone(route), Treatment::of(route));
        Self { route, treatment, service, chain, names, known: OnceLock::new() }
    }

    pub(crate) fn service(&self) -> Option<&Service> {
        self.service.as_ref().map(|service| &*service.service)
    }

    pub(super) fn service_in_force(&self) -> Option<&Arc<ServiceInForce>> {
        self.service.as_ref()
    }

    /// Where its requests go, if it has a service.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.service.as_ref().map(|service| &service.plan)
    }

    /// The route as functions see it: made when the first of them could ask.
    pub(crate) fn known(&self) -> Option<&tower_lua::Route> {
        let make = || tower_lua::Route::new(route_fields(&self.route)).ok();
        self.known.get_or_init(make).as_ref()
    }

    /// The service as functions see it.
    pub(crate) fn known_service(&self) -> Option<&tower_lua::Service> {
        let service = self.service.as_deref()?;
        let make = || tower_lua::Service::new(service_fields(&service.service)).ok();
        service.known.get_or_init(make).as_ref()
    }
}

impl ServiceInForce {
    /// A service, whose host is the name of an upstream where it `is_balanced`; `trust` is what it says of
    /// TLS.
    ///
    /// # Errors
    ///
    /// When nothing can be forwarded to the service.
    pub(crate) fn new(
        service: &Arc<Service>,
        is_balanced: bool,
        trust: Option<Trust>,
    ) -> Result<Self, BoxError> {
        let label = service.name.as_ref().unwrap_or(&service.id).as_str().into();
        let (service, plan) = (Arc::clone(service), Plan::new(service, is_balanced, trust)?);
        Ok(Self { service, plan, label, known: OnceLock::new() })
    }

    /// Whether it was made of this very service in this way.
    pub(crate) fn is_of(&self, service: &Arc<Service>, is_balanced: bool) -> bool {
        Arc::ptr_eq(&self.service, service) && self.plan.is_balanced == is_balanced
    }
}

fn route_fields(route: &Route) -> Value {
    json!({
        "id": route.id,
        "name": route.name,
        "protocols": route.protocols[..],
        "methods": route.methods,
        "hosts": route.hosts,
        "paths": route.paths,
        "headers": route.headers,
        "snis": route.snis,
        "regex_priority": route.regex_priority,
        "strip_path": route.strip_path,
        "path_handling": *route.path_handling,
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
