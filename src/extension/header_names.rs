//! [`HeaderNames`]: how functions have written the names of headers.

use http::{Extensions, HeaderMap, HeaderName};

/// How functions have written the names of the headers that they have set: HTTP/1 has upper case in
/// names, and [`http::HeaderMap`] has not.
///
/// The layers put it into the extensions of the request that the inner service gets, and of the
/// response. hyper writes names in lower case, or with its `title_case_headers` as `X-Custom-Auth`,
/// and whoever wants more looks here: a name that `title_case_headers` would write the same is left
/// out, unless the message came with a header of that name, which functions have removed.
///
/// ```
/// use http::{HeaderName, Request};
/// use tower::{Layer, ServiceExt};
/// use tower_lua::{Functions, HeaderNames, PreFunctionLayer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let set = r#"kong.service.request.set_header("X-custom-AUTH", "demo")"#;
/// let service = PreFunctionLayer::new(Functions::access("set", set)?).layer(
///     tower::service_fn(|request: Request<_>| async move {
///         let names = request.extensions().get::<HeaderNames>().expect("it is set");
///         let name = HeaderName::from_static("x-custom-auth");
///         assert_eq!(names.get(&name), Some("X-custom-AUTH"));
///         # drop::<tower_lua::RequestBody<http_body_util::Empty<bytes::Bytes>>>(request.into_body());
///         Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
///     }),
/// );
/// # service.oneshot(Request::new(http_body_util::Empty::new())).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeaderNames(HeaderMap<Box<str>>);

impl HeaderNames {
    /// How functions have written `name`.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.0.get(name).map(|written| &**written)
    }

    pub(crate) fn insert(&mut self, name: HeaderName, written: &str) {
        self.0.insert(name, written.into());
    }

    pub(crate) fn remove(&mut self, name: &HeaderName) {
        self.0.remove(name);
    }

    /// Adds these to the names that layers further in have put into `extensions`.
    pub(crate) fn put_into(&self, extensions: &mut Extensions) {
        match extensions.get_mut::<Self>() {
            None => {
                extensions.insert(self.clone());
            }
            Some(before) => {
                let names = self.0.iter().map(|(name, written)| (name.clone(), written.clone()));
                names.for_each(|(name, written)| drop(before.0.insert(name, written)));
            }
        }
    }
}
