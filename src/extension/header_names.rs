//! [`HeaderNames`]: how functions have written the names of headers.

use http::{Extensions, HeaderName};

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
pub struct HeaderNames {
    /// In their order: there are few, and a hash would cost more than it saves.
    names: Vec<(HeaderName, Written)>,
}

/// How a name is written.
#[derive(Clone, Debug)]
enum Written {
    InLowerCase,
    As(Box<str>),
}

impl Written {
    fn of<'a>(&'a self, name: &'a HeaderName) -> &'a str {
        match self {
            Self::InLowerCase => name.as_str(),
            Self::As(written) => written,
        }
    }
}

impl HeaderNames {
    /// How functions have written `name`.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        let (name, written) = &self.names[self.place(name).ok()?];
        Some(written.of(name))
    }

    /// The names that functions have written, and how.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &str)> {
        self.names.iter().map(|(name, written)| (name, written.of(name)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Where `name` stands, or would.
    fn place(&self, name: &HeaderName) -> Result<usize, usize> {
        self.names.binary_search_by(|(known, _)| known.as_str().cmp(name.as_str()))
    }

    pub(crate) fn insert(&mut self, name: HeaderName, written: &str) {
        let is_lower = written == name.as_str();
        self.put(name, if is_lower { Written::InLowerCase } else { Written::As(written.into()) });
    }

    fn put(&mut self, name: HeaderName, written: Written) {
        match self.place(&name) {
            Ok(place) => self.names[place].1 = written,
            // Room for one, as most functions write, where a vector would begin with four.
            Err(_) if self.names.is_empty() => self.names = vec![(name, written)],
            Err(place) => self.names.insert(place, (name, written)),
        }
    }

    pub(crate) fn remove(&mut self, name: &HeaderName) {
        if let Ok(place) = self.place(name) {
            self.names.remove(place);
        }
    }

    /// Adds these to the names that layers further in have put into `extensions`.
    pub(crate) fn put_into(self, extensions: &mut Extensions) {
        match extensions.get_mut::<Self>() {
            None => {
                extensions.insert(self);
            }
            Some(before) => self.names.into_iter().for_each(|(name, how)| before.put(name, how)),
        }
    }
}
