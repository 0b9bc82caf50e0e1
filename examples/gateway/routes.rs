//! Which service a request goes to, and which functions run for it.

use std::sync::Arc;

use http::Uri;
use http::request::Parts;
use tower_lua::{Functions, FunctionsConfig, Runtime};

use crate::BoxError;
use crate::declarative::{self, Declaration, Plugin};
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
    /// Makes the routes of a declaration, and compiles all of its functions.
    pub(crate) fn new(declaration: &Declaration, runtime: &Runtime) -> Result<Self, BoxError> {
        check_plugins(declaration, runtime)?;
        let mut routes = Vec::new();
        for service in &declaration.services {
            for route in &service.routes {
                add(&mut routes, declaration, service, route)?;
            }
        }
        for route in &declaration.routes {
            let wanted = route.service.as_ref().ok_or("a route at top level needs a service")?;
            let service = declaration
                .services
                .iter()
                .find(|service| wanted.means(service.name.as_deref(), service.id.as_deref()))
                .ok_or_else(|| format!("a route names a service that is not there: {wanted:?}"))?;
            add(&mut routes, declaration, service, route)?;
        }
        // Kong's traditional order, as far as these routes have criteria: hosts, methods, and the
        // longest path.
        let weight = |route: &Arc<Route>| {
            (!route.hosts.is_empty(), !route.methods.is_empty(), route.path.len())
        };
        routes.sort_by_key(|route| std::cmp::Reverse(weight(route)));

        let is_global = |plugin: &&Plugin| plugin.service.is_none() && plugin.route.is_none();
        let global: Vec<_> = declaration.plugins.iter().filter(is_global).collect();
        let config = |name| first_enabled(name, &global).unwrap_or_default();
        let (pre, post) = (config(PLUGINS[0]), config(PLUGINS[1]));
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

/// Compiles the functions of every plugin for `runtime`, also of those that are disabled or hidden by others.
fn check_plugins(declaration: &Declaration, runtime: &Runtime) -> Result<(), BoxError> {
    let services = &declaration.services;
    let routes = services.iter().flat_map(|service| &service.routes).chain(&declaration.routes);
    let of_routes = routes.flat_map(|route| owned(route.name.as_deref(), &route.plugins));
    let of_services =
        services.iter().flat_map(|service| owned(service.name.as_deref(), &service.plugins));
    let global = owned(Some("global"), &declaration.plugins);
    for (owner, plugin) in of_routes.chain(of_services).chain(global) {
        let name = plugin.name.as_str();
        if !PLUGINS.contains(&name) {
            let enabled = PLUGINS.join(" and ");
            return Err(format!("plugin '{name}' not enabled: this gateway has {enabled}").into());
        }
        runtime.check(&plugin.config.build(format!("{owner} {name}"))?)?;
    }
    Ok(())
}

fn owned<'a>(
    owner: Option<&'a str>,
    plugins: &'a [Plugin],
) -> impl Iterator<Item = (&'a str, &'a Plugin)> {
    plugins.iter().map(move |plugin| (owner.unwrap_or("unnamed"), plugin))
}

/// Adds a route for each of its paths.
fn add(
    routes: &mut Vec<Arc<Route>>,
    declaration: &Declaration,
    service: &declarative::Service,
    route: &declarative::Route,
) -> Result<(), BoxError> {
    let name = route.name.as_deref().or(service.name.as_deref()).unwrap_or("route");
    let target = Service::new(service).map_err(|error| format!("service of {name}: {error}"))?;
    let (paths, hosts, methods) = (list(&route.paths), list(&route.hosts), list(&route.methods));
    if paths.is_empty() && hosts.is_empty() && methods.is_empty() {
        return Err(format!("{name}: must set one of 'methods', 'hosts', 'paths'").into());
    }
    if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
        return Err(format!("{name}: path '{path}' must start with /").into());
    }
    let [pre, post] = PLUGINS.map(|plugin| {
        let config = in_force(plugin, declaration, service, route).unwrap_or_default();
        build(&format!("{name} {plugin}"), &without_rewrite(config))
    });
    let (pre, post) = (pre?, post?);
    for path in if paths.is_empty() { vec![String::new()] } else { paths } {
        routes.push(Arc::new(Route {
            service: target.clone(),
            path,
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            methods: methods.clone(),
            strip_path: route.strip_path.unwrap_or(true),
            preserve_host: route.preserve_host.unwrap_or(false),
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
    plugin: &str,
    declaration: &Declaration,
    service: &declarative::Service,
    route: &declarative::Route,
) -> Option<FunctionsConfig> {
    let names_route = |plugin: &Plugin| {
        let wanted = plugin.route.as_ref();
        wanted.is_some_and(|wanted| wanted.means(route.name.as_deref(), route.id.as_deref()))
    };
    let names_service = |plugin: &Plugin| {
        let wanted = plugin.service.as_ref();
        wanted.is_some_and(|wanted| wanted.means(service.name.as_deref(), service.id.as_deref()))
    };
    let all = || declaration.plugins.iter();
    let of_route: Vec<_> =
        route.plugins.iter().chain(all().filter(|plugin| names_route(plugin))).collect();
    let of_service: Vec<_> = service
        .plugins
        .iter()
        .chain(all().filter(|plugin| plugin.route.is_none() && names_service(plugin)))
        .collect();
    let global: Vec<_> =
        all().filter(|plugin| plugin.route.is_none() && plugin.service.is_none()).collect();
    [of_route, of_service, global].iter().find_map(|scope| first_enabled(plugin, scope))
}

fn first_enabled(name: &str, plugins: &[&Plugin]) -> Option<FunctionsConfig> {
    let plugin = plugins.iter().find(|plugin| plugin.name == name && plugin.enabled)?;
    Some(plugin.config.clone())
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
    /// Where a declared service is: its `url`, or its parts.
    fn new(declared: &declarative::Service) -> Result<Self, BoxError> {
        let service = match &declared.url {
            Some(url) => Self::of_url(url)?,
            None => {
                let scheme = declared.protocol.clone().unwrap_or_else(|| "http".to_owned());
                Self {
                    host: declared.host.clone().ok_or("needs a 'url' or a 'host'")?,
                    port: declared.port.unwrap_or(default_port(&scheme)),
                    path: declared.path.clone().unwrap_or_default(),
                    scheme,
                }
            }
        };
        if service.scheme == "http" {
            return Ok(service);
        }
        Err(format!("protocol '{}' is not supported yet: expected 'http'", service.scheme).into())
    }

    fn of_url(url: &str) -> Result<Self, BoxError> {
        let uri: Uri = url.parse().map_err(|error| format!("url '{url}': {error}"))?;
        let scheme = uri.scheme_str().ok_or_else(|| format!("url '{url}': needs a scheme"))?;
        let host = uri.host().ok_or_else(|| format!("url '{url}': needs a host"))?;
        let path = if uri.path() == "/" { "" } else { uri.path() };
        Ok(Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(default_port(scheme)),
            path: path.to_owned(),
        })
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}
