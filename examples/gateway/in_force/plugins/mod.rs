//! Plugins made ready for requests, and which of them a request gets.

mod by_consumer;
mod canary;
mod config;
mod functions;
mod scopes;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use serde_json::Value;
use tower::util::BoxService;
use tower_lua::{FunctionsId, Runtime};

pub(crate) use self::canary::{Canary, Choices, Versions};
pub(crate) use self::config::read;
use self::functions::PluginFunctions;
pub(crate) use self::scopes::{Chain, Rewrite, Scopes};
use crate::BoxError;
use crate::configured::entities::Document;
use crate::configured::entity::Plugin;

/// A body on its way through plugins.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What stands further in than a plugin: the next plugin, or the service.
pub(crate) type Next = BoxService<Request<Body>, Response<Body>, Infallible>;

/// A plugin with its configuration, ready to be put around what is further in.
///
/// This is [`tower::Layer`] as an object: it is chosen for each request.
pub(crate) trait Around: Send + Sync {
    fn around(&self, next: Next) -> Next;

    /// The sets of functions that it has. Functions may say where requests go.
    fn functions(&self) -> Vec<FunctionsId> {
        Vec::new()
    }

    /// Whether there is nothing that it does to a request, which then need not pass it.
    fn is_idle(&self) -> bool {
        false
    }
}

/// What does `work` with the one request that a stack of plugins is for, and with what is further in.
pub(crate) fn once<F>(
    next: Next,
    work: impl FnOnce(Request<Body>, Next) -> F + Send + 'static,
) -> Next
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let mut held = Some((work, next));
    Next::new(tower::service_fn(move |request: Request<Body>| {
        let (work, next) = held.take().expect("a stack of plugins is for one request");
        work(request, next)
    }))
}

/// Makes a plugin between the functions of its entity and its configuration, with a runtime for functions
/// of its own: whoever starts the gateway says which there are.
pub(crate) type Between =
    Arc<dyn Fn(&Plugin, &Value, &Runtime) -> Result<Arc<dyn Around>, BoxError> + Send + Sync>;

/// The names of all plugins and their priorities: the higher ones see a request earlier.
const PRIORITIES: [(&str, i32); 20] = [
    ("pre-function", 1_000_000),
    ("correlation-id", 100_001),
    ("cors", 2000),
    ("jwt", 1450),
    ("key-auth", 1250),
    ("basic-auth", 1100),
    ("hmac-auth", 1030),
    ("ip-restriction", 990),
    ("request-size-limiting", 951),
    ("acl", 950),
    ("rate-limiting", 910),
    ("request-transformer", 801),
    ("response-transformer", 800),
    ("proxy-cache", 100),
    ("opentelemetry", 14),
    ("prometheus", 13),
    ("http-log", 12),
    ("file-log", 9),
    ("request-termination", 2),
    ("post-function", -1000),
];

/// Those that do nothing before there is a response, or nothing that others would notice. They see what
/// others answer, and the answers to requests that have no route.
const AFTERWARDS: [&str; 5] =
    ["response-transformer", "opentelemetry", "prometheus", "http-log", "file-log"];

/// A plugin of the entities, compiled.
pub(crate) struct Prepared {
    /// What it was made of.
    document: Arc<Document>,
    plugin: Arc<Plugin>,
    /// How its functions are called in the log.
    label: Arc<str>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    PreFunction(Versions),
    PostFunction(Versions),
    Between(Arc<dyn Around>),
}

impl Prepared {
    /// Compiles a plugin, whose functions go by the name `label`.
    ///
    /// # Errors
    ///
    /// When its functions do not compile, when there is no such plugin, or when its configuration is
    /// not one.
    pub(crate) fn new(
        document: &Arc<Document>,
        label: &str,
        runtime: &Runtime,
        between: &Between,
    ) -> Result<Self, BoxError> {
        let (document, plugin) = (Arc::clone(document), plugin_of(document));
        let (name, config) = (plugin.name.as_str(), &document.config());
        let files = document.files();
        let functions = || PluginFunctions::new(label, config, files, runtime).map(Versions::of);
        let kind = match name {
            "pre-function" => Kind::PreFunction(functions()?),
            "post-function" => Kind::PostFunction(functions()?),
            _ => {
                let is_known = PRIORITIES.iter().any(|(known, _)| *known == name);
                is_known.then_some(()).ok_or_else(|| unknown(name))?;
                Kind::Between(between(&plugin, config, runtime)?)
            }
        };
        Ok(Self { document, plugin, label: label.into(), kind })
    }

    /// This plugin as `document` has it, if nothing has changed that matters to the plugin itself: it
    /// keeps its state.
    pub(crate) fn again(self: &Arc<Self>, document: &Arc<Document>) -> Option<Arc<Self>> {
        if Arc::ptr_eq(&self.document, document) {
            return Some(Arc::clone(self));
        }
        let plugin = plugin_of(document);
        let scope =
            |plugin: &Plugin| [plugin.route(), plugin.service()].map(|id| id.map(str::to_owned));
        let is_same = self.plugin.name == plugin.name
            && scope(&self.plugin) == scope(&plugin)
            && self.document.files() == document.files()
            && self.document.config() == document.config();
        is_same.then(|| {
            let (document, label) = (Arc::clone(document), Arc::clone(&self.label));
            Arc::new(Self { document, plugin, label, kind: self.kind.clone() })
        })
    }

    /// This plugin with another canary, or none.
    ///
    /// # Errors
    ///
    /// When the canary's functions do not compile.
    pub(crate) fn with_canary(
        self: Arc<Self>,
        canary: Option<&Arc<Document>>,
        runtime: &Runtime,
    ) -> Result<Arc<Self>, BoxError> {
        let is_same = match (self.canary(), canary) {
            (Some(known), Some(document)) => known.is_of(document),
            (known, document) => known.is_none() && document.is_none(),
        };
        if is_same {
            return Ok(self);
        }
        let with_canary = |versions: &Versions| versions.with_canary(canary, &self.label, runtime);
        let kind = match &self.kind {
            Kind::PreFunction(versions) => Kind::PreFunction(with_canary(versions)?),
            Kind::PostFunction(versions) => Kind::PostFunction(with_canary(versions)?),
            Kind::Between(_) => return Ok(self),
        };
        let (document, plugin) = (Arc::clone(&self.document), Arc::clone(&self.plugin));
        Ok(Arc::new(Self { document, plugin, label: Arc::clone(&self.label), kind }))
    }

    /// The version that some requests get in the place of its functions.
    pub(crate) fn canary(&self) -> Option<&Arc<Canary>> {
        match &self.kind {
            Kind::PreFunction(versions) | Kind::PostFunction(versions) => versions.canary.as_ref(),
            Kind::Between(_) => None,
        }
    }

    /// Its set of functions and that of its canary, if it has one.
    pub(crate) fn versions(&self) -> Option<[FunctionsId; 2]> {
        match &self.kind {
            Kind::PreFunction(versions) | Kind::PostFunction(versions) => {
                Some([versions.stable.id(), versions.canary.as_ref()?.functions()])
            }
            Kind::Between(_) => None,
        }
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Whether it is in force and has a field that is `true`.
    pub(crate) fn says(&self, field: &str) -> bool {
        self.plugin.enabled && self.document.config()[field] == true
    }

    /// The sets of functions that it has, with that of its canary.
    pub(crate) fn functions(&self) -> Vec<FunctionsId> {
        match &self.kind {
            Kind::PreFunction(versions) | Kind::PostFunction(versions) => {
                versions.all().map(PluginFunctions::id).collect()
            }
            Kind::Between(plugin) => plugin.functions(),
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }
}

fn plugin_of(document: &Document) -> Arc<Plugin> {
    Arc::clone(document.plugin().expect("plugins are made of documents that are plugins"))
}

/// What is said of a plugin that is not there.
pub(crate) fn unknown(name: &str) -> String {
    let names = PRIORITIES.map(|(name, _)| name);
    let [first @ .., last] = names;
    let names = format!("{} and {last}", first.join(", "));
    format!(
        "plugin '{name}' not enabled; add it to the 'plugins' configuration property: this gateway \
         has {names}"
    )
}
