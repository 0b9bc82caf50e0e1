//! [`Trust`]: what connections to a service have of its own: whom it believes, and who the gateway is.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

use crate::BoxError;
use crate::configured::certificate::Certificate;
use crate::configured::entities::{Kind, State};
use crate::configured::entity::Service;

/// What a service says of the TLS to it. Each is like no other: connections made with one are not used
/// where another holds.
#[derive(Clone, Debug)]
pub(crate) struct Trust(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    identity: Option<Arc<Certificate>>,
    authorities: Option<Arc<RootCertStore>>,
    depth: Option<usize>,
    /// Made for the first connection of each kind.
    configs: [OnceLock<Arc<ClientConfig>>; 4],
}

impl Trust {
    /// What `service` says, if it says anything.
    ///
    /// # Errors
    ///
    /// When an authority is not there, or is none.
    pub(super) fn of(service: &Service, state: &State) -> Result<Option<Self>, BoxError> {
        let certificate = service.client_certificate.as_ref().and_then(|certificate| {
            state.by_id(Kind::Certificates, &certificate.id)?.certificate().cloned()
        });
        let named = service.ca_certificates.as_deref().unwrap_or_default();
        let mut authorities = RootCertStore::empty();
        for id in named {
            let document = state.by_id(Kind::CaCertificates, &id.to_ascii_lowercase());
            let authority = document.and_then(|document| document.authority());
            let missing = || format!("ca_certificates: there is no CA certificate '{id}'");
            authorities.add(authority.ok_or_else(missing)?.certificate.clone())?;
        }
        let authorities = (!named.is_empty()).then(|| Arc::new(authorities));
        let depth = service.tls_verify_depth.map(usize::from);
        if certificate.is_none() && authorities.is_none() && depth.is_none() {
            return Ok(None);
        }
        let configs = Default::default();
        Ok(Some(Self(Arc::new(Parts { identity: certificate, authorities, depth, configs }))))
    }

    /// Who the gateway is.
    pub(crate) fn identity(&self) -> Option<&Arc<Certificate>> {
        self.0.identity.as_ref()
    }

    /// Who may vouch for the service.
    pub(crate) fn authorities(&self) -> Option<&Arc<RootCertStore>> {
        self.0.authorities.as_ref()
    }

    /// How many certificates may stand between the service's and one that is believed.
    pub(crate) fn depth(&self) -> Option<usize> {
        self.0.depth
    }

    /// What is made of it for connections of the kind `number`, once.
    pub(crate) fn config(
        &self,
        number: usize,
        make: impl FnOnce() -> Arc<ClientConfig>,
    ) -> Arc<ClientConfig> {
        Arc::clone(self.0.configs[number].get_or_init(make))
    }
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Trust {}

impl Hash for Trust {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}
