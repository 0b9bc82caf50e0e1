//! Kong's `post-function`: after all other layers.

use crate::middleware::{FunctionLayer, FunctionService, PluginKind, private};
use crate::phase::Plugin;

/// A layer that runs Lua functions after all other layers: Kong's `post-function` plugin.
///
/// It belongs next to the service, inside the other layers. Its functions see the request that the
/// service would get. In the response phases they run last again, as in Kong: where the response
/// passes a [`PreFunctionLayer`](crate::PreFunctionLayer) further out, there.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_lua::{Functions, Phase, PostFunctionLayer};
///
/// let functions = Functions::builder("no-server-header")
///     .function(Phase::HeaderFilter, r#"kong.response.clear_header("server")"#)
///     .build()?;
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }).layer(PostFunctionLayer::new(functions)));
/// # Ok::<(), tower_lua::Error>(())
/// ```
pub type PostFunctionLayer = FunctionLayer<Post>;

/// A service with the functions of a [`PostFunctionLayer`] around it.
pub type PostFunction<S> = FunctionService<S, Post>;

/// Marks what belongs to `post-function`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Post;

impl private::Sealed for Post {}

impl PluginKind for Post {
    const PLUGIN: Plugin = Plugin::PostFunction;
}
