//! Where a request goes: its URI, and what becomes of it on the way to the service.

use http::Uri;
use http::uri::PathAndQuery;

use super::Request;
use crate::extension::{InternalRedirect, Upstream, UpstreamUri};
use crate::message::uri::{self, Escape};

impl Request {
    /// The path that functions have not changed, or have: `$uri` before decoding.
    pub(crate) fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// The query string as it stands now: `$args`.
    pub(crate) fn query(&self) -> Option<&str> {
        self.head.uri.query()
    }

    /// Path and query as the client sent them: `$request_uri`.
    pub(crate) fn original_path_and_query(&self) -> &str {
        let uri = self.original.as_deref().unwrap_or(&self.head.uri);
        uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    /// Replaces the path, keeping the query; `path` is escaped already.
    ///
    /// # Errors
    ///
    /// When no URI can have that path.
    pub(crate) fn set_path(&mut self, path: &str) -> Result<(), http::Error> {
        let query = self.query().map(str::to_owned);
        self.set_uri(path, query.as_deref())
    }

    /// Replaces the query string, keeping the path. Bytes that no query can have are escaped; those
    /// of UTF-8 stay as they are.
    ///
    /// # Errors
    ///
    /// When the URI becomes too long.
    pub(crate) fn set_query(&mut self, query: &[u8]) -> Result<(), http::Error> {
        uri::ensure_fits(query.len())?;
        let path = self.path().to_owned();
        let kind =
            if std::str::from_utf8(query).is_ok() { Escape::Query } else { Escape::AsciiQuery };
        let query = uri::escape(query, kind);
        let query = String::from_utf8_lossy(&query);
        self.set_uri(&path, Some(&*query).filter(|query| !query.is_empty()))
    }

    fn set_uri(&mut self, path: &str, query: Option<&str>) -> Result<(), http::Error> {
        let uri = uri::with_path_and_query(&self.head.uri, path, query)?;
        if let Some(upstream_path) = &self.upstream_path {
            upstream_uri(&uri, upstream_path)?;
        }
        let before = std::mem::replace(&mut self.head.uri, uri);
        self.is_moved |= before.path() != self.path();
        self.original.get_or_insert_with(|| Box::new(before));
        Ok(())
    }

    pub(crate) fn upstream_path(&self) -> &str {
        let routed = || if self.is_moved { None } else { self.routed() };
        let set = self.upstream_path.as_deref();
        set.or_else(|| routed().map(UpstreamUri::as_str)).unwrap_or_else(|| self.path())
    }

    /// Sets the path that is forwarded, which the functions themselves do not see as the request's.
    ///
    /// # Errors
    ///
    /// When no URI can have that path.
    pub(crate) fn set_upstream_path(&mut self, path: String) -> Result<(), http::Error> {
        upstream_uri(&self.head.uri, &path)?;
        self.upstream_path = Some(path.into());
        Ok(())
    }

    /// Leads the request elsewhere: `ngx.exec`. What was said of where it goes before is forgotten.
    ///
    /// # Errors
    ///
    /// When no URI can have that path or query.
    pub(crate) fn redirect(&mut self, path: &str, query: Option<&str>) -> Result<(), http::Error> {
        let upstream_path = self.upstream_path.take();
        if let Err(error) = self.set_uri(path, query) {
            self.upstream_path = upstream_path;
            return Err(error);
        }
        self.note_redirect();
        Ok(())
    }

    /// Tells whoever routes requests that this one is for something else than its client has asked
    /// for.
    pub(crate) fn note_redirect(&mut self) {
        let original = self.original_path_and_query().to_owned();
        self.head.extensions.insert(InternalRedirect::new(original));
        self.is_internal = true;
    }

    pub(super) fn apply_upstream(&mut self) {
        if let Some(path) = self.upstream_path.take() {
            let uri = upstream_uri(&self.head.uri, &path);
            let uri = uri.expect("checked when path and query were set");
            let requested = std::mem::replace(&mut self.head.uri, uri);
            self.upstream.has_path = true;
            self.upstream.requested_uri = Some(Box::new(requested));
        }
        if !self.upstream.is_empty() {
            for (name, value) in self.upstream.headers() {
                if value.is_empty() {
                    self.head.headers.remove(name);
                } else {
                    self.head.headers.insert(name, value.clone());
                }
            }
            let asked = self.head.extensions.get_or_insert_default::<Upstream>();
            asked.extend(&self.upstream);
        }
    }
}

/// The URI to forward to: `$upstream_uri`, which may bring a query of its own.
fn upstream_uri(uri: &Uri, path: &str) -> Result<Uri, http::Error> {
    uri::with_path_and_query(uri, path, uri.query().filter(|_| !path.contains('?')))
}
