//! [`Identity`]: who a client is, as functions and services say it.

use std::sync::Arc;

use http::Extensions;

use super::Request;
use crate::extension::{Consumer, Credential, Known};

/// Who a client is, and what has proved it.
pub(crate) struct Identity {
    pub(crate) consumer: Option<Consumer>,
    pub(crate) credential: Option<Credential>,
}

impl Identity {
    /// Whether it is who `request` says that the client is, and not merely alike.
    pub(crate) fn is_of(&self, request: &Request) -> bool {
        let consumer = request.known(|known| known.consumer.as_ref());
        let credential = request.known(|known| known.credential.as_ref());
        let is_consumer = match (&self.consumer, consumer) {
            (Some(one), Some(other)) => Arc::ptr_eq(one.fields(), other.fields()),
            (one, other) => one.is_none() && other.is_none(),
        };
        let is_credential = match (&self.credential, credential) {
            (Some(one), Some(other)) => Arc::ptr_eq(one.fields(), other.fields()),
            (one, other) => one.is_none() && other.is_none(),
        };
        is_consumer && is_credential
    }
}

impl Request {
    /// Says who the client is, to functions and to the inner service.
    pub(crate) fn identify(&mut self, identity: &Identity) {
        let extensions = &mut self.head.extensions;
        extensions.remove::<Consumer>();
        extensions.remove::<Credential>();
        identity.consumer.iter().for_each(|consumer| drop(extensions.insert(consumer.clone())));
        identity.credential.iter().for_each(|proof| drop(extensions.insert(proof.clone())));
        if let Some(known) = &mut self.known {
            (known.consumer, known.credential) = (None, None);
        }
    }

    /// Takes in what the service says of the request in its response's extensions.
    pub(crate) fn learn(&mut self, extensions: &Extensions) {
        self.known = Known::learn(extensions, self.known.take());
    }
}
