//! The head of a request on its way to the inner service, and what is kept of it.

use super::{Request, RequestBody};
use crate::extension::{HeaderNames, Known, RequestFacts, RequestId, UpstreamUri};
use crate::transaction::Transaction;

impl Transaction {
    /// The head for the inner service, when no later phase will look at the request.
    pub(crate) fn into_head(mut self: Box<Self>) -> http::request::Parts {
        let request = &mut self.request;
        let names = request.names.take_spelled();
        request.name_head(names);
        request.apply_upstream();
        self.request.head
    }
}

impl Request {
    /// Whether later phases would see nothing else if the transaction began anew with the head
    /// that goes on to the inner service, and with the body if that has been read.
    pub(crate) fn is_as_it_came(&self) -> bool {
        self.original.is_none()
            && self.upstream_path.is_none()
            && !self.buffers_response
            && self.id.get().is_none()
            && matches!(self.body, RequestBody::Unread | RequestBody::Read(_))
    }

    /// The head for the inner service, with a copy kept for later phases.
    pub(crate) fn share_head(&mut self) -> http::request::Parts {
        self.known = Known::keep(&self.head.extensions, self.known.take());
        self.was_routed = self.facts.is_routed();
        self.name_head(self.names.spelled().cloned());
        let (mut kept, ()) = http::Request::new(()).into_parts();
        kept.method = self.head.method.clone();
        kept.uri = self.head.uri.clone();
        kept.version = self.head.version;
        let upstream_path = self.upstream_path.clone();
        self.apply_upstream();
        self.upstream_path = upstream_path;
        // A copy has no room for more: what goes on is what came, for others add headers to it.
        kept.headers = self.head.headers.clone();
        std::mem::replace(&mut self.head, kept)
    }

    /// Has whoever gets the head know the request's id, and how names are written.
    fn name_head(&mut self, names: Option<HeaderNames>) {
        if let Some(names) = names {
            names.put_into(&mut self.head.extensions);
        }
        // The server knows it for ever. Else it is settled as long as the extensions are here to say it.
        if self.facts.ask(RequestFacts::request_id).is_none() {
            let id = self.id().clone();
            if self.head.extensions.get::<RequestId>().is_none() {
                self.head.extensions.insert(id);
            }
        }
    }

    /// Where a router had sent it when the inner service got it.
    fn routed_before(&self) -> Option<&UpstreamUri> {
        self.known.as_deref()?.routed.as_ref()
    }

    /// Takes over a head that other layers may have changed since [`share_head`](Self::share_head),
    /// and a body of which `length` is known.
    pub(crate) fn resume(&mut self, head: http::request::Parts, length: Option<u64>) {
        let routed: Option<&UpstreamUri> = head.extensions.get();
        let is_told = routed.is_some() && routed != self.routed_before();
        let is_routed = is_told || (!self.was_routed && self.facts.is_routed());
        self.is_moved = !is_routed && (self.is_moved || head.uri.path() != self.head.uri.path());
        let before = std::mem::replace(&mut self.head, head);
        self.original.get_or_insert_with(|| Box::new(before.uri));
        self.kept_extensions = None;
        self.upstream_path = None;
        // The head says of itself what it has been made for.
        self.upstream.has_path = false;
        self.upstream.requested_uri = None;
        // A body that was read comes again, from memory. One of another length comes from a layer
        // between, which has changed it; one of no known length might.
        self.body = match std::mem::take(&mut self.body) {
            RequestBody::Read(body) | RequestBody::Replaced(body)
                if length == Some(body.len() as u64) =>
            {
                RequestBody::Read(body)
            }
            _ => RequestBody::Unread,
        };
    }
}
