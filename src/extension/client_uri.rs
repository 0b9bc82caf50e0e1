//! [`ClientUri`]: what the client has asked for, where the request no longer says so.

use http::{Extensions, Uri};

use super::known;

/// The URI that the client has asked for: put it into the request's extensions where a router has
/// taken a part of it away, as axum's `nest` does. `kong.request.get_path()`, `ngx.var.request_uri` and
/// what is logged of the request have it; where the request goes, its own URI says.
///
/// ```
/// use tower_lua::ClientUri;
///
/// let mut request = http::Request::get("/users").body(())?;
/// request.extensions_mut().insert(ClientUri::new("/api/users".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientUri(Uri);

impl ClientUri {
    /// The URI `uri`.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        known::note();
        Self(uri)
    }

    /// The URI.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.0
    }

    /// The one in `extensions` of a request for `uri`, if it is another.
    pub(crate) fn of(extensions: &Extensions, uri: &Uri) -> Option<Box<Uri>> {
        if !known::any() {
            return None;
        }
        let Self(asked) = extensions.get()?;
        (asked != uri).then(|| Box::new(asked.clone()))
    }
}
