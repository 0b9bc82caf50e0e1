//! [`FunctionLayer`]: which functions run, where, and what becomes of their failures.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use http::request::Parts;
use tower_layer::Layer;

use super::config::{Config, Source};
use super::response::{DefaultResponseForError, ResponseForError};
use super::service::FunctionService;
use crate::function::{Functions, Handle};
use crate::phase::Plugin;
use crate::runtime::Runtime;

/// Which of the two plugins a layer is: [`Pre`](crate::Pre) or [`Post`](crate::Post).
pub trait PluginKind: private::Sealed + Send + Sync + 'static {
    /// The plugin.
    const PLUGIN: Plugin;
}

pub(crate) mod private {
    /// Keeps [`PluginKind`](super::PluginKind) to the two plugins that there are.
    #[expect(unnameable_types, reason = "that nobody else can name it is what it is for")]
    pub trait Sealed {}
}

/// A layer that runs Lua functions before and after the inner service.
///
/// It goes by the names [`PreFunctionLayer`](crate::PreFunctionLayer) and
/// [`PostFunctionLayer`](crate::PostFunctionLayer).
pub struct FunctionLayer<P> {
    config: Arc<Config>,
    plugin: PhantomData<fn() -> P>,
}

impl<P: PluginKind> FunctionLayer<P> {
    /// A layer that runs `functions`.
    #[must_use]
    pub fn new(functions: Functions) -> Self {
        Self::of_source(Source::Handle(Handle::new(functions)))
    }

    /// The same, with a handle by which the functions can be replaced while requests fly.
    ///
    /// ```
    /// use tower_lua::{Functions, PreFunctionLayer};
    ///
    /// let (layer, handle) = PreFunctionLayer::reloadable(Functions::empty());
    /// // … the layer is in use …
    /// handle.reload(Functions::access("closed", "kong.response.exit(503)")?);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    #[must_use]
    pub fn reloadable(functions: Functions) -> (Self, Handle) {
        let handle = Handle::new(functions);
        (Self::of_source(Source::Handle(handle.clone())), handle)
    }

    /// A layer that asks `resolve` for the function set of each request.
    ///
    /// ```
    /// use tower_lua::{Functions, PreFunctionLayer};
    ///
    /// let beta = Functions::access("beta", r#"kong.response.set_header("x-channel", "beta")"#)?;
    /// let layer = PreFunctionLayer::resolver(move |request| {
    ///     let is_beta = request.headers.contains_key("x-beta");
    ///     if is_beta { beta.clone() } else { Functions::empty() }
    /// });
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    #[must_use]
    pub fn resolver(resolve: impl Fn(&Parts) -> Functions + Send + Sync + 'static) -> Self {
        Self::of_source(Source::Resolver(Arc::new(resolve)))
    }

    fn of_source(source: Source) -> Self {
        let config = Config {
            plugin: P::PLUGIN,
            source,
            paired: None,
            answers_for: None,
            runtime: OnceLock::new(),
            errors: Arc::new(DefaultResponseForError),
        };
        Self { config: Arc::new(config), plugin: PhantomData }
    }

    /// Runs the functions in `runtime` instead of the [global one](Runtime::global).
    #[must_use]
    pub fn runtime(self, runtime: &Runtime) -> Self {
        self.with(|config| config.runtime = Arc::new(runtime.clone()).into())
    }

    /// Answers with `response` when a function has failed, instead of with
    /// [Kong's error](DefaultResponseForError).
    #[must_use]
    pub fn response_for_error(self, response: impl ResponseForError) -> Self {
        self.with(|config| config.errors = Arc::new(response))
    }

    /// Runs the response phases of `other`, and of the layer that it is paired with, on what the
    /// functions of this one answer.
    ///
    /// For functions that stand alone outside a router, `rewrite` before a route is known: the
    /// request that they answer never reaches the layers inside.
    ///
    /// ```
    /// use tower_lua::{Functions, PreFunctionLayer};
    ///
    /// let headers = r#"kong.response.set_header("x-seen", "1")"#;
    /// let headers = Functions::builder("headers").function(tower_lua::Phase::HeaderFilter, headers);
    /// let inside = PreFunctionLayer::new(headers.build()?);
    /// let outside = Functions::access("closed", "kong.response.exit(503)")?;
    /// let outside = PreFunctionLayer::new(outside).answers_for(&inside);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    #[must_use]
    pub fn answers_for<Q>(self, other: &FunctionLayer<Q>) -> Self {
        self.with(|config| config.answers_for = Some(Arc::clone(&other.config)))
    }

    pub(crate) fn with_pair<Q>(self, other: &FunctionLayer<Q>) -> Self {
        self.with(|config| config.paired = Some(Arc::clone(&other.config)))
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<P, S> Layer<S> for FunctionLayer<P> {
    type Service = FunctionService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        FunctionService::new(inner, Arc::clone(&self.config))
    }
}

// Derived, these would ask for `P: Clone` and `P: Debug`.
impl<P> Clone for FunctionLayer<P> {
    fn clone(&self) -> Self {
        Self { config: Arc::clone(&self.config), plugin: PhantomData }
    }
}

impl<P> fmt::Debug for FunctionLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionLayer").field("config", &self.config).finish()
    }
}
