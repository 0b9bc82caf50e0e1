//! Which plugins a request gets: of each name, the most specific configuration that is enabled.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use tower_lua::Functions;

use super::functions::PluginFunctions;
use super::{Around, Kind, PRIORITIES, Prepared};
use crate::configured::entity::Plugin;

/// What runs for the requests of a route.
pub(crate) struct Chain {
    pre: PluginFunctions,
    post: PluginFunctions,
    /// From the outside to the inside: by priority.
    between: Arc<[Arc<dyn Around>]>,
}

impl Default for Chain {
    fn default() -> Self {
        let (pre, post) = (PluginFunctions::none(), PluginFunctions::none());
        Self { pre, post, between: Arc::default() }
    }
}

impl Chain {
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

impl Rewrite {
    pub(crate) fn has_functions(&self) -> bool {
        !(self.pre.is_empty() && self.post.is_empty())
    }
}

/// All plugins that are enabled, by what they are for.
pub(crate) struct Scopes<'a> {
    plugins: HashMap<Scope<'a>, Vec<&'a Prepared>, FxBuildHasher>,
    global: Arc<Chain>,
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
    /// The scopes of `plugins`. Of two of a name that are for the same, the first counts.
    pub(crate) fn new(plugins: &'a [Arc<Prepared>]) -> Self {
        let mut scopes: HashMap<Scope<'a>, Vec<&'a Prepared>, FxBuildHasher> = HashMap::default();
        for prepared in plugins {
            let plugin = prepared.plugin();
            if plugin.enabled && is_for_http(plugin) {
                scopes.entry((plugin.route(), plugin.service())).or_default().push(prepared);
            }
        }
        let mut scopes = Self { plugins: scopes, global: Arc::default() };
        scopes.global = Arc::new(scopes.resolve(None, None));
        scopes
    }

    /// What runs for a route of a service.
    pub(crate) fn chain(&self, route: Option<&str>, service: Option<&str>) -> Arc<Chain> {
        let own = [(route, service), (route, None), (None, service)];
        let has_own = own.iter().any(|scope| *scope != (None, None) && self.has(*scope));
        // Thousands of routes without plugins of their own share one chain.
        if has_own { Arc::new(self.resolve(route, service)) } else { Arc::clone(&self.global) }
    }

    fn has(&self, scope: Scope<'_>) -> bool {
        self.plugins.contains_key(&scope)
    }

    fn resolve(&self, route: Option<&str>, service: Option<&str>) -> Chain {
        let scopes = [(route, service), (route, None), (None, service), (None, None)];
        let own: Vec<_> =
            scopes.iter().filter_map(|scope| self.plugins.get(scope)).flatten().collect();
        let mut chain = Chain::default();
        let mut between = Vec::new();
        for (name, _) in PRIORITIES {
            let Some(plugin) = own.iter().find(|one| one.plugin().name == name) else { continue };
            match &plugin.kind {
                Kind::PreFunction(functions) => chain.pre = functions.clone(),
                Kind::PostFunction(functions) => chain.post = functions.clone(),
                Kind::Between(layer, priority) => between.push((*priority, Arc::clone(layer))),
            }
        }
        between.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        if !between.is_empty() {
            chain.between = between.into_iter().map(|(_, layer)| layer).collect();
        }
        chain
    }

    /// The functions of global plugins for before a route is looked for.
    pub(crate) fn rewrite(&self) -> Rewrite {
        let (pre, post) = (self.global.pre.rewrite.clone(), self.global.post.rewrite.clone());
        Rewrite { pre, post }
    }
}
