//! Which plugins a request gets: of each name, the most specific configuration that is enabled.

use std::collections::HashMap;
use std::sync::Arc;

use tower_lua::Functions;

use super::functions::PluginFunctions;
use super::{Around, Kind, PRIORITIES, Prepared};
use crate::configured::entity::Plugin;

/// What runs for the requests of a route.
#[derive(Clone)]
pub(crate) struct Chain {
    pre: PluginFunctions,
    post: PluginFunctions,
    /// From the outside to the inside: by priority.
    between: Arc<[Arc<dyn Around>]>,
}

impl Chain {
    pub(crate) fn empty() -> Self {
        let (pre, post) = (PluginFunctions::none(), PluginFunctions::none());
        Self { pre, post, between: Arc::default() }
    }

    /// The functions before all other plugins.
    pub(crate) fn pre(&self, is_refused: bool) -> &Functions {
        if is_refused { &self.pre.refused } else { &self.pre.routed }
    }

    /// The functions after all other plugins.
    pub(crate) fn post(&self, is_refused: bool) -> &Functions {
        if is_refused { &self.post.refused } else { &self.post.routed }
    }

    /// The functions of the TLS handshake, in the order in which they run.
    pub(crate) fn certificate(&self) -> [&Functions; 2] {
        [&self.pre.certificate, &self.post.certificate]
    }

    /// Whether any Lua function runs for a request of the route.
    pub(crate) fn has_functions(&self) -> bool {
        !(self.pre.routed.is_empty() && self.post.routed.is_empty())
    }

    pub(crate) fn between(&self) -> &Arc<[Arc<dyn Around>]> {
        &self.between
    }
}

/// The functions that run before a route is looked for.
#[derive(Clone)]
pub(crate) struct Rewrite {
    pub(crate) pre: Functions,
    pub(crate) post: Functions,
}

/// All plugins that are enabled, by what they are for.
pub(crate) struct Scopes<'a> {
    plugins: HashMap<Scope<'a>, HashMap<&'a str, &'a Arc<Prepared>>>,
    global: Chain,
}

/// Whether a plugin is for requests, and not for streams of bytes alone.
fn is_for_http(plugin: &Plugin) -> bool {
    plugin
        .protocols
        .iter()
        .any(|protocol| protocol.starts_with("http") || protocol.starts_with("grpc"))
}

/// The ids of a route and a service.
type Scope<'a> = (Option<&'a str>, Option<&'a str>);

impl<'a> Scopes<'a> {
    pub(crate) fn new(
        plugins: &'a [Arc<Plugin>],
        prepared: &'a HashMap<String, Arc<Prepared>>,
    ) -> Self {
        let mut scopes: HashMap<Scope<'a>, HashMap<&'a str, &'a Arc<Prepared>>> = HashMap::new();
        for plugin in plugins.iter().filter(|plugin| plugin.enabled && is_for_http(plugin)) {
            let route = plugin.route.as_ref().map(|route| route.id.as_str());
            let service = plugin.service.as_ref().map(|service| service.id.as_str());
            if let Some(prepared) = prepared.get(&plugin.id) {
                let scope = scopes.entry((route, service)).or_default();
                scope.entry(plugin.name.as_str()).or_insert(prepared);
            }
        }
        let mut scopes = Self { plugins: scopes, global: Chain::empty() };
        scopes.global = scopes.resolve(None, None);
        scopes
    }

    /// What runs for a route of a service.
    pub(crate) fn chain(&self, route: Option<&str>, service: Option<&str>) -> Chain {
        let own = [(route, service), (route, None), (None, service)];
        let has_own = own.iter().any(|scope| *scope != (None, None) && self.has(*scope));
        // Thousands of routes without plugins of their own share one chain.
        if has_own { self.resolve(route, service) } else { self.global.clone() }
    }

    fn has(&self, scope: Scope<'_>) -> bool {
        self.plugins.contains_key(&scope)
    }

    fn resolve(&self, route: Option<&str>, service: Option<&str>) -> Chain {
        let scopes = [(route, service), (route, None), (None, service), (None, None)];
        let tables: Vec<_> = scopes.iter().filter_map(|scope| self.plugins.get(scope)).collect();
        let mut chain = Chain::empty();
        let mut between = Vec::new();
        for (name, _) in PRIORITIES {
            let Some(plugin) = tables.iter().find_map(|table| table.get(name)) else { continue };
            match &plugin.kind {
                Kind::PreFunction(functions) => chain.pre = functions.clone(),
                Kind::PostFunction(functions) => chain.post = functions.clone(),
                Kind::Between(layer, priority) => between.push((*priority, Arc::clone(layer))),
            }
        }
        between.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        chain.between = between.into_iter().map(|(_, layer)| layer).collect();
        chain
    }

    /// The functions of global plugins for before a route is looked for.
    pub(crate) fn rewrite(&self) -> Rewrite {
        let (pre, post) = (self.global.pre.rewrite.clone(), self.global.post.rewrite.clone());
        Rewrite { pre, post }
    }
}
