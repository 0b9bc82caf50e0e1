//! Kong's `pre-function`: before all other layers.

use crate::middleware::{FunctionLayer, FunctionService, PluginKind, private};
use crate::phase::Plugin;
use crate::post_function::PostFunctionLayer;

/// A layer that runs Lua functions before all other layers: Kong's `pre-function` plugin.
///
/// Its functions see a request before the layers inside it do, and can answer it themselves. In the
/// response phases they run first again, as in Kong.
///
/// In axum, [`Router::layer`](https://docs.rs/axum/latest/axum/struct.Router.html#method.layer) runs a
/// layer after a route was found: `kong.service.request.set_path` and its like change the request's
/// URI, but not which handler gets it. For a function to choose the handler, put the layer around the
/// router, as [the guide shows](crate::guide::phases#to-another-path).
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_lua::{Functions, PreFunctionLayer};
///
/// let functions = Functions::access("custom-auth", r#"
///     if not kong.request.get_header("x-custom-auth") then
///       return kong.response.exit(401, "Invalid Credentials")
///     end
/// "#)?;
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(PreFunctionLayer::new(functions));
/// # Ok::<(), tower_lua::Error>(())
/// ```
pub type PreFunctionLayer = FunctionLayer<Pre>;

/// A service with the functions of a [`PreFunctionLayer`] around it.
pub type PreFunction<S> = FunctionService<S, Pre>;

/// Marks what belongs to `pre-function`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Pre;

impl private::Sealed for Pre {}

impl PluginKind for Pre {
    const PLUGIN: Plugin = Plugin::PreFunction;
}

impl PreFunctionLayer {
    /// Makes a pair with `post`, which is to be further in.
    ///
    /// The two layers need no pairing to run in Kong's order. A pair does one thing more: where a
    /// layer between them answers, or a function of this layer does, so that the request never
    /// reaches `post`, the response phases of `post` run all the same, as they do in Kong.
    ///
    /// ```
    /// use tower::ServiceBuilder;
    /// use tower_lua::{Functions, Phase, PostFunctionLayer, PreFunctionLayer};
    ///
    /// let stamp = Functions::builder("stamp")
    ///     .function(Phase::HeaderFilter, r#"kong.response.set_header("x-served-by", "us")"#)
    ///     .build()?;
    /// let guard = Functions::access("guard", r#"kong.response.exit(403)"#)?;
    ///
    /// let post = PostFunctionLayer::new(stamp);
    /// let pre = PreFunctionLayer::new(guard).paired_with(&post);
    /// let stack = ServiceBuilder::new().layer(pre).layer(post);
    /// # Ok::<(), tower_lua::Error>(())
    /// ```
    #[must_use]
    pub fn paired_with(self, post: &PostFunctionLayer) -> Self {
        self.with_pair(post)
    }
}
