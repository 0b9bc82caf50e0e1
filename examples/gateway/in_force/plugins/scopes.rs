//! Which plugins a request gets: of each name, the most specific configuration that is enabled.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use tower_lua::Functions;

use super::by_consumer::{ByConsumer, OfConsumers};
use super::canary::{Choices, Versions};
use super::{AFTERWARDS, Around, Kind, PRIORITIES, Prepared};
use crate::configured::entity::Plugin;

/// What runs for the requests of a route.
pub(crate) struct Chain {
    pre: Versions,
    post: Versions,
    /// From the outside to the inside.
    between: Arc<[Arc<dyn Around>]>,
    /// Those of them that are for refused requests, too.
    afterwards: Arc<[Arc<dyn Around>]>,
    has_functions: bool,
}

impl Default for Chain {
    fn default() -> Self {
        let (pre, post) = (Versions::none(), Versions::none());
        Self {
            pre,
            post,
            between: Arc::default(),
            afterwards: Arc::default(),
            has_functions: false,
        }
    }
}

impl Chain {
    /// The functions before all other plugins, in the version that is chosen.
    pub(crate) fn pre(&self, is_refused: bool, choices: Option<&Choices>) -> &Functions {
        let pre = self.pre.chosen(choices);
        if is_refused { &pre.refused } else { &pre.routed }
    }

    /// The functions after all other plugins, in the version that is chosen.
    pub(crate) fn post(&self, is_refused: bool, choices: Option<&Choices>) -> &Functions {
        let post = self.post.chosen(choices);
        if is_refused { &post.refused } else { &post.routed }
    }

    /// The functions of the TLS handshake, in the order in which they run: there is no request yet that
    /// another version could be chosen for.
    pub(crate) fn certificate(&self) -> [&Functions; 2] {
        [&self.pre.stable.certificate, &self.post.stable.certificate]
    }

    /// Whether any Lua function runs for a request of the route.
    pub(crate) fn has_functions(&self) -> bool {
        self.has_functions
    }

    /// The plugins around a request.
    pub(crate) fn between(&self, is_refused: bool) -> &Arc<[Arc<dyn Around>]> {
        if is_refused { &self.afterwards } else { &self.between }
    }
}

/// The functions that run before a route is looked for.
#[derive(Clone)]
pub(crate) struct Rewrite {
    pre: Versions,
    post: Versions,
    has_functions: bool,
}

impl Default for Rewrite {
    /// No functions.
    fn default() -> Self {
        Self { pre: Versions::none(), post: Versions::none(), has_functions: false }
    }
}

impl Rewrite {
    pub(crate) const fn has_functions(&self) -> bool {
        self.has_functions
    }

    pub(crate) fn pre(&self, choices: Option<&Choices>) -> &Functions {
        &self.pre.chosen(choices).rewrite
    }

    pub(crate) fn post(&self, choices: Option<&Choices>) -> &Functions {
        &self.post.chosen(choices).rewrite
    }
}

/// All plugins that are enabled, by what they are for.
pub(crate) struct Scopes<'a> {
    plugins: HashMap<Scope<'a>, Vec<&'a Prepared>, FxBuildHasher>,
    /// Those that are for consumers, by name.
    of_consumers: HashMap<Scope<'a>, HashMap<&'a str, OfConsumers>, FxBuildHasher>,
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
        let mut of_consumers: HashMap<_, HashMap<_, OfConsumers>, _> = HashMap::default();
        for prepared in plugins {
            let plugin = prepared.plugin();
            if !(plugin.enabled && is_for_http(plugin)) {
                continue;
            }
            let scope = (plugin.route(), plugin.service());
            match (plugin.consumer(), &prepared.kind) {
                (Some(consumer), Kind::Between(layer)) => {
                    let by_name: &mut HashMap<_, _> = of_consumers.entry(scope).or_default();
                    let consumers = by_name.entry(plugin.name.as_str()).or_default();
                    let consumers = Arc::make_mut(consumers);
                    consumers.entry(consumer.into()).or_insert_with(|| Arc::clone(layer));
                }
                // The schemas of the function plugins have none with a consumer.
                _ => scopes.entry(scope).or_default().push(prepared),
            }
        }
        let mut scopes = Self { plugins: scopes, of_consumers, global: Arc::default() };
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
        self.plugins.contains_key(&scope) || self.of_consumers.contains_key(&scope)
    }

    fn resolve(&self, route: Option<&str>, service: Option<&str>) -> Chain {
        let mut chain = Chain::default();
        let mut between = Vec::new();
        let mut afterwards = Vec::new();
        let plain = self.plain(route, service);
        for (name, priority) in PRIORITIES {
            let named = |(plugin, _): &&(&'a Prepared, bool)| plugin.plugin().name == name;
            let found = plain.iter().find(named);
            let (plugin, is_of_both) = found.map_or((None, false), |(p, both)| (Some(*p), *both));
            let layer = match plugin.map(|plugin| &plugin.kind) {
                Some(Kind::PreFunction(functions)) => {
                    chain.pre = functions.clone();
                    None
                }
                Some(Kind::PostFunction(functions)) => {
                    chain.post = functions.clone();
                    None
                }
                Some(Kind::Between(layer)) => Some(Arc::clone(layer)),
                None => None,
            };
            let is_late = AFTERWARDS.contains(&name) && !self.is_of_consumers(name);
            let layer = self.with_consumers(name, route, service, layer, is_of_both);
            let layers = if is_late { &mut afterwards } else { &mut between };
            let layer = layer.filter(|layer| !layer.is_idle());
            layers.extend(layer.map(|layer| (priority, layer)));
        }
        between.sort_by_key(|(priority, _)| Reverse(*priority));
        // A response comes from the inside: it passes them by priority, too.
        afterwards.sort_by_key(|(priority, _)| *priority);
        let layers = |list: Vec<(i32, _)>| list.into_iter().map(|(_, layer)| layer);
        if !afterwards.is_empty() {
            chain.afterwards = layers(afterwards.clone()).collect();
        }
        if !(afterwards.is_empty() && between.is_empty()) {
            chain.between = layers(afterwards).chain(layers(between)).collect();
        }
        let has_functions = |versions: &Versions| versions.all().any(|f| !f.routed.is_empty());
        chain.has_functions = has_functions(&chain.pre)
            || has_functions(&chain.post)
            || chain.between.iter().any(|plugin| !plugin.functions().is_empty());
        chain
    }

    /// The plugins that a route of a service has for all consumers, each with whether it is one of just
    /// this route and this service: of those of a name, the first counts.
    fn plain(&self, route: Option<&str>, service: Option<&str>) -> Vec<(&'a Prepared, bool)> {
        let scopes = [(route, service), (route, None), (None, service), (None, None)];
        let plugins = scopes.iter().flat_map(|scope| {
            let is_of_both = scope.0.is_some() && scope.1.is_some();
            let plugins = self.plugins.get(scope).into_iter().flatten();
            plugins.map(move |plugin| (*plugin, is_of_both))
        });
        plugins.collect()
    }

    /// Whether a plugin has configurations for consumers. Who calls is known further in.
    fn is_of_consumers(&self, name: &str) -> bool {
        self.of_consumers.values().any(|by_name| by_name.contains_key(name))
    }

    /// A plugin with its configurations for consumers around it, if there are any. Kong's order: one for
    /// a consumer alone comes after one of route and service.
    fn with_consumers(
        &self,
        name: &str,
        route: Option<&str>,
        service: Option<&str>,
        layer: Option<Arc<dyn Around>>,
        is_of_both: bool,
    ) -> Option<Arc<dyn Around>> {
        if self.of_consumers.is_empty() {
            return layer;
        }
        let mut own = vec![(route, service), (route, None), (None, service)];
        own.retain(|scope| *scope != (None, None));
        if !is_of_both {
            own.push((None, None));
        }
        own.dedup();
        let of_scope = |scope: Scope<'_>| self.of_consumers.get(&scope)?.get(name).cloned();
        let scopes: Vec<_> = own.into_iter().filter_map(of_scope).collect();
        if scopes.is_empty() {
            return layer;
        }
        Some(Arc::new(Arc::new(ByConsumer { scopes, otherwise: layer })))
    }

    /// The functions of global plugins for before a route is looked for.
    pub(crate) fn rewrite(&self) -> Rewrite {
        let (pre, post) = (self.global.pre.clone(), self.global.post.clone());
        let has_functions = pre.all().chain(post.all()).any(|f| !f.rewrite.is_empty());
        Rewrite { pre, post, has_functions }
    }
}
