//! What later phases need to know of what the application knew.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Extensions;

use super::{
    Connection, Consumer, Credential, Route, Service, Shared, Tls, UpstreamUri, UriCaptures,
};

/// Whether the application has ever made one of the rest. One that never does is not asked at each
/// request whether it did.
static ANY: AtomicBool = AtomicBool::new(false);

pub(super) fn note() {
    ANY.store(true, Ordering::Relaxed);
}

pub(super) fn any() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// What the application has put into a request's extensions, which go on to the inner service.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) connection: Option<Connection>,
    pub(crate) captures: Option<UriCaptures>,
    /// Where the router sends it.
    pub(crate) routed: Option<UpstreamUri>,
    pub(crate) route: Option<Route>,
    pub(crate) service: Option<Service>,
    pub(crate) consumer: Option<Consumer>,
    pub(crate) credential: Option<Credential>,
    pub(crate) tls: Option<Tls>,
    pub(crate) shared: Option<Shared>,
}

impl Known {
    /// What the extensions of a request hold, and `before` where they hold nothing.
    pub(crate) fn keep(extensions: &Extensions, before: Option<Box<Self>>) -> Option<Box<Self>> {
        let mut known = before;
        keep(extensions, &mut known, |known| &mut known.connection);
        keep(extensions, &mut known, |known| &mut known.captures);
        keep(extensions, &mut known, |known| &mut known.routed);
        Self::learn(extensions, known)
    }

    /// The same of a response's, which say nothing of how the request came and where it goes.
    pub(crate) fn learn(extensions: &Extensions, before: Option<Box<Self>>) -> Option<Box<Self>> {
        if !any() {
            return before;
        }
        let mut known = before;
        keep(extensions, &mut known, |known| &mut known.route);
        keep(extensions, &mut known, |known| &mut known.service);
        keep(extensions, &mut known, |known| &mut known.consumer);
        keep(extensions, &mut known, |known| &mut known.credential);
        keep(extensions, &mut known, |known| &mut known.tls);
        keep(extensions, &mut known, |known| &mut known.shared);
        known
    }
}

fn keep<T: Clone + Send + Sync + 'static>(
    extensions: &Extensions,
    known: &mut Option<Box<Known>>,
    field: fn(&mut Known) -> &mut Option<T>,
) {
    if let Some(found) = extensions.get::<T>() {
        *field(known.get_or_insert_default()) = Some(found.clone());
    }
}
