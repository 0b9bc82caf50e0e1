//! [`Credential`]: what consumers prove who they are with, as Kong's entities have it.

use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;

use super::entity::Reference;
use super::public_key::PublicKey;

/// What a consumer proves who it is with, or a group that it is in.
#[derive(Deserialize)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) consumer: Reference,
    /// What requests name it by: a key, a username; a group.
    #[serde(alias = "key", alias = "username", alias = "group")]
    pub(crate) name: String,
    /// A secret that both sides have, or the hash of a password.
    #[serde(default, alias = "password")]
    pub(crate) secret: Option<String>,
    #[serde(default)]
    rsa_public_key: Option<String>,
    #[serde(skip)]
    public_key: OnceLock<Option<PublicKey>>,
    #[serde(default)]
    pub(crate) algorithm: Option<String>,
    /// In seconds since 1970.
    created_at: i64,
    /// In seconds since it was made.
    #[serde(default)]
    ttl: Option<i64>,
}

impl Credential {
    /// The key that signatures are verified with: read when the first is.
    pub(crate) fn public_key(&self) -> Option<&PublicKey> {
        let read = || PublicKey::of_pem(self.rsa_public_key.as_deref()?);
        self.public_key.get_or_init(read).as_ref()
    }

    pub(crate) const fn may_expire(&self) -> bool {
        self.ttl.is_some()
    }

    /// Whether its time is over at `now`, in seconds since 1970.
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.ttl.is_some_and(|ttl| self.created_at.saturating_add(ttl) <= now)
    }
}

/// Shows nothing that is secret.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("id", &self.id).finish_non_exhaustive()
    }
}
