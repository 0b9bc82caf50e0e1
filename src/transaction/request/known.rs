//! What is known of a request beside what its head says: by the application, in extensions and what was kept of
//! them, and by the server, which is asked.

use super::Request;
use crate::extension::{
    Connection, Known, RequestFacts, RequestId, Route, Service, Tls, Tries, UpstreamUri,
    UriCaptures,
};
use crate::settings::Settings;

impl Request {
    pub(crate) fn id(&self) -> &RequestId {
        self.id.get_or_init(|| {
            let given = RequestId::given(&self.head.extensions);
            let known = || self.facts.ask(RequestFacts::request_id).cloned();
            given.or_else(known).unwrap_or_else(RequestId::random)
        })
    }

    /// Has it know what the server knows.
    pub(crate) fn know(&mut self, settings: &Settings) {
        self.facts.0 = settings.facts.as_ref().and_then(|find| find(&self.head.extensions));
    }

    pub(crate) fn connection(&self) -> Option<Connection> {
        self.of_both(|known| known.connection.as_ref(), RequestFacts::connection).copied()
    }

    pub(crate) fn captures(&self) -> Option<&UriCaptures> {
        self.of_both(|known| known.captures.as_ref(), RequestFacts::uri_captures)
    }

    pub(crate) fn route(&self) -> Option<&Route> {
        self.of_both(|known| known.route.as_ref(), RequestFacts::route)
    }

    pub(crate) fn service(&self) -> Option<&Service> {
        self.of_both(|known| known.service.as_ref(), RequestFacts::service)
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.of_both(|known| known.tls.as_ref(), RequestFacts::tls)
    }

    /// Where the router has decided that it goes.
    pub(super) fn routed(&self) -> Option<&UpstreamUri> {
        self.of_both(|known| known.routed.as_ref(), RequestFacts::upstream_uri)
    }

    /// What the application knows, or else the server.
    fn of_both<'a, T>(
        &'a self,
        kept: fn(&Known) -> Option<&T>,
        asked: fn(&'a dyn RequestFacts) -> Option<&'a T>,
    ) -> Option<&'a T>
    where
        T: Send + Sync + 'static,
    {
        self.known(kept).or_else(|| self.facts.ask(asked))
    }

    /// What the application knows, from the extensions or from what was kept of them.
    pub(crate) fn known<T>(&self, kept: fn(&Known) -> Option<&T>) -> Option<&T>
    where
        T: Send + Sync + 'static,
    {
        self.head.extensions.get().or_else(|| kept(self.known.as_deref()?))
    }

    /// Where it was sent, as the server knows.
    pub(in crate::transaction) fn tries(&self) -> Option<Tries> {
        self.facts.ask(RequestFacts::tries)
    }
}
