//! Which service a request goes to, and which functions run for it.

use std::sync::Arc;

use http::request::Parts;
use tower_lua::{Functions, FunctionsConfig};

use crate::BoxError;
use crate::entity::{self, Entities};
use crate::uri;

/// All routes, the more specific ones first.
#[derive(Clone)]
pub(crate) struct Routes {
    routes: Arc<[Arc<Route>]>,
    global: Arc<GlobalFunctions>,
}

/// A route with everything that its requests need.
pub(crate) struct Route {
    pub(crate) service: Service,
    path: String,
    hosts: Vec<String>,
    methods: Vec<String>,
    pub(crate) strip_path: bool,
    pub(crate) preserve_host: bool,
    pub(crate) pre: Functions,
    pub(crate) post: Functions,
}

/// Where a route's requests go.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: String,
}

/// What runs for requests that have no route, or none yet.
struct GlobalFunctions {
    rewrite: [Functions; 2],
    pre: Functions,
    post: Functions,
}

/// The route of a request, in its extensions once it was looked for.
#[derive(Clone)]
pub(crate) struct Matched {
    pub(crate) route: Option<Arc<Route>>,
    /// How much of the path the route matched, in bytes.
    pub(crate) prefix: usize,
    routes: Routes,
}

const PLUGINS: [&str; 2] = ["pre-function", "post-function"];

impl Routes {
    /// No route at all.
    pub(crate) fn none() -> Self {
        Self { routes: Arc::new([]), global: Arc::new(GlobalFunctions::none()) }
    }

    /// Makes the routes of entities, and compiles all of their functions.
    pub(crate) fn new(entities: &Entities) -> Result<Self, BoxError> {
        let mut routes = Vec::new();
        for route in &entities.routes {
            let id = route.service.as_ref().map(|service| &service.id);
            let service = entities.services.iter().find(|service| Some(&service.id) == id);
            add(&mut routes, entities, service.map(|service| &**service), route)?;
        }
        // Kong's traditional order, as far as these routes have criteria: hosts, methods, and the
        // longest path.
        let weight = |route: &Arc<Route>| {
            (!route.hosts.is_empty(), !route.methods.is_empty(), route.path.len())
        };
        routes.sort_by_key(|route| std::cmp::Reverse(weight(route)));

        let config = |name| in_force(name, entities, None, None);
        let (pre, post) = (config(PLUGINS[0])?, config(PLUGINS[1])?);
        // Without a route, `access` does not run.
        let global = GlobalFunctions {
            rewrite: [
                build("global pre-function", &only_rewrite(&pre))?,
                build("global post-function", &only_rewrite(&post))?,
            ],
            pre: build("global pre-function", &without_access(&pre))?,
            post: build("global post-function", &without_access(&post))?,
        };
        Ok(Self { routes: routes.into(), global: Arc::new(global) })
    }

    /// Looks for the route of a request.
    pub(crate) fn find(&self, request: &Parts) -> Matched {
        let host = host_of(request);
        let path = uri::normalize(request.uri.path());
        let route = self.routes.iter().find(|route| {
            path.starts_with(&route.path)
                && (route.hosts.is_empty() || route.hosts.contains(&host))
                && (route.methods.is_empty()
                    || route.methods.iter().any(|method| method == request.method.as_str()))
        });
        let prefix = route.map_or(0, |route| route.path.len());
        Matched { route: route.cloned(), prefix, routes: self.clone() }
    }

    /// The functions of each plugin that run before a route is looked for.
    pub(crate) fn rewrite(&self) -> [Functions; 2] {
        self.global.rewrite.clone()
    }
}

impl Matched {
    pub(crate) fn pre(&self) -> Functions {
        match &self.route {
            Some(route) => route.pre.clone(),
            None => self.routes.global.pre.clone(),
        }
    }

    pub(crate) fn post(&self) -> Functions {
        match &self.route {
            Some(route) => route.post.clone(),
            None => self.routes.global.post.clone(),
        }
    }
}

/// The host that a request names, in lower case and without a port.
fn host_of(request: &Parts) -> String {
    let header = || request.headers.get(http::header::HOST)?.to_str().ok();
    let named = request.uri.host().or_else(header).unwrap_or_default();
    let without_port = named.rsplit_once(':').map_or(named, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { named }
    });
    without_port.to_ascii_lowercase()
}

/// Adds a route for each of its paths.
fn add(
    routes: &mut Vec<Arc<Route>>,
    entities: &Entities,
    service: Option<&entity::Service>,
    route: &entity::Route,
) -> Result<(), BoxError> {
    let name = route.name.as_deref().unwrap_or(&route.id);
    let target = Service::new(service);
    if target.scheme != "http" {
        return Err(format!("protocol '{}' is not supported yet", target.scheme).into());
    }
    let (paths, hosts, methods) = (list(&route.paths), list(&route.hosts), list(&route.methods));
    let [pre, post] = PLUGINS.map(|plugin| {
        let config = in_force(plugin, entities, service, Some(route))?;
        build(&format!("{name} {plugin}"), &without_rewrite(config))
    });
    let (pre, post) = (pre?, post?);
    for path in if paths.is_empty() { vec![String::new()] } else { paths } {
        routes.push(Arc::new(Route {
            service: target.clone(),
            path,
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            methods: methods.clone(),
            strip_path: route.strip_path,
            preserve_host: route.preserve_host,
            pre: pre.clone(),
            post: post.clone(),
        }));
    }
    Ok(())
}

fn list(field: &Option<Vec<String>>) -> Vec<String> {
    field.clone().unwrap_or_default()
}

/// The configuration of a plugin for a route: the most specific that is enabled.
fn in_force(
    name: &str,
    entities: &Entities,
    service: Option<&entity::Service>,
    route: Option<&entity::Route>,
) -> Result<FunctionsConfig, BoxError> {
    let service = service.map(|service| service.id.as_str());
    let route = route.map(|route| route.id.as_str());
    let of = |reference: &Option<entity::Reference>, id: Option<&str>| {
        reference.as_ref().is_none_or(|reference| Some(reference.id.as_str()) == id)
    };
    let plugins = entities.plugins.iter().filter(|plugin| {
        plugin.name == name
            && plugin.enabled
            && of(&plugin.service, service)
            && of(&plugin.route, route)
    });
    let most = plugins.max_by_key(|plugin| (plugin.route.is_some(), plugin.service.is_some()));
    Ok(match most {
        Some(plugin) => serde_json::from_value(plugin.config.clone())?,
        None => FunctionsConfig::default(),
    })
}

/// Functions of `rewrite`, which run for global plugins alone: the route is not known yet.
fn only_rewrite(config: &FunctionsConfig) -> FunctionsConfig {
    let mut only = FunctionsConfig::default();
    only.rewrite.clone_from(&config.rewrite);
    only.fail_open = config.fail_open;
    only
}

fn without_rewrite(mut config: FunctionsConfig) -> FunctionsConfig {
    config.rewrite.clear();
    config
}

fn without_access(config: &FunctionsConfig) -> FunctionsConfig {
    let mut config = without_rewrite(config.clone());
    config.access.clear();
    config.functions.clear();
    config
}

/// Compiles functions, if there are any.
fn build(name: &str, config: &FunctionsConfig) -> Result<Functions, BoxError> {
    let any = *config != FunctionsConfig::default();
    Ok(if any { config.build(name)? } else { Functions::empty() })
}

impl Service {
    fn new(service: Option<&entity::Service>) -> Self {
        Self {
            scheme: service.map_or("http", |service| &service.protocol).to_owned(),
            host: service.map_or("", |service| &service.host).to_owned(),
            port: service.map_or(80, |service| service.port),
            path: service.and_then(|service| service.path.clone()).unwrap_or_default(),
        }
    }
}

impl GlobalFunctions {
    fn none() -> Self {
        Self {
            rewrite: [Functions::empty(), Functions::empty()],
            pre: Functions::empty(),
            post: Functions::empty(),
        }
    }
}
