//! What axum knows of a request, told to functions.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ::axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, OriginalUri, RawPathParams};
use http::Extensions;

use crate::extension::{ClientUri, Connection, Route, UriCaptures};

/// Tells functions what axum knows of a request: give it to
/// [`RuntimeBuilder::connection`](crate::RuntimeBuilder::connection). What the application has put
/// there itself stays.
///
/// | of axum | for functions |
/// |---|---|
/// | `ConnectInfo<SocketAddr>` | [`Connection`]: `kong.client.get_ip()` |
/// | `MatchedPath` | [`Route`], with its path as `name` and in `paths`: `kong.router.get_route()` |
/// | the parameters of the path | [`UriCaptures`]: `kong.request.get_uri_captures().named` |
/// | `OriginalUri` | [`ClientUri`]: `kong.request.get_path()` has what `nest` has taken away |
///
/// ```
/// use std::net::SocketAddr;
///
/// use axum::{Router, routing::get};
/// use tower_lua::{Functions, PreFunctionLayer, Runtime};
///
/// let runtime = Runtime::builder().connection(tower_lua::axum::describe).build()?;
/// let functions = Functions::access("who", r#"
///     kong.log.notice(kong.client.get_ip(), " asks for ", kong.router.get_route().name)
/// "#)?;
/// let app: Router = Router::new()
///     .route("/users/{id}", get(|| async { "hello" }))
///     .layer(PreFunctionLayer::new(functions).runtime(&runtime));
/// let service = app.into_make_service_with_connect_info::<SocketAddr>();
/// # Ok::<(), tower_lua::Error>(())
/// ```
pub fn describe(extensions: &mut Extensions) {
    if extensions.get::<Connection>().is_none()
        && let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>().copied()
    {
        extensions.insert(Connection::new(peer));
    }
    if extensions.get::<Route>().is_none()
        && let Some(path) = extensions.get::<MatchedPath>()
        && let Ok(route) =
            Route::new(serde_json::json!({ "name": path.as_str(), "paths": [path.as_str()] }))
    {
        extensions.insert(route);
    }
    if extensions.get::<UriCaptures>().is_none()
        && let Some(captures) = captures(extensions)
    {
        extensions.insert(captures);
    }
    if extensions.get::<ClientUri>().is_none()
        && let Some(OriginalUri(uri)) = extensions.get::<OriginalUri>().cloned()
    {
        extensions.insert(ClientUri::new(uri));
    }
}

/// The parameters of the path, which axum shows to extractors alone.
fn captures(extensions: &mut Extensions) -> Option<UriCaptures> {
    let (mut head, ()) = http::Request::new(()).into_parts();
    std::mem::swap(&mut head.extensions, extensions);
    let captures = {
        let extraction = pin!(RawPathParams::from_request_parts(&mut head, &()));
        // It waits for nothing.
        match extraction.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(parameters)) => {
                let named = parameters.iter();
                Some(named.fold(UriCaptures::default(), |captures, (name, value)| {
                    captures.with_named(name, value)
                }))
            }
            _ => None,
        }
    };
    std::mem::swap(&mut head.extensions, extensions);
    captures.filter(|captures| *captures != UriCaptures::default())
}
