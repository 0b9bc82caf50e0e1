//! What is known of a request beside what its head says: by the application, in extensions and what was kept of
//! them, and by the server, which is asked.

use super::Request;
use crate::extension::{
    Connection, Known, RequestFacts, RequestId, Route, Service, Tls, Tries, UriCaptures,
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
        let told = self.known(|known| known.connection.as_ref()).copied();
        told.or_else(|| self.facts.ask(RequestFacts::connection))
    }

    pub(crate) fn captures(&self) -> Option<&UriCaptures> {
        let told = self.known(|known| known.captures.as_ref());
        told.or_else(|| self.facts.ask(RequestFacts::uri_captures))
    }

    pub(crate) fn route(&self) -> Option<&Route> {
        let told = self.known(|known| known.route.as_ref());
        told.or_else(|| self.facts.ask(RequestFacts::route))
    }

    pub(crate) fn service(&self) -> Option<&Service> {
        let told = self.known(|known| known.service.as_ref());
        told.or_else(|| self.facts.ask(RequestFacts::service))
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        let told = self.known(|known| known.tls.as_ref());
        told.or_else(|| self.facts.ask(RequestFacts::tls))
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
