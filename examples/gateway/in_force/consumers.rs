//! Who may call, and what they prove it with, as requests ask for them.

use std::sync::Arc;

use super::snapshot::Snapshot;
use crate::configured::credential::Credential;
use crate::configured::entities::{Kind, now};

/// A credential, and the consumer whose it is.
pub(crate) struct Proof {
    pub(crate) credential: Arc<Credential>,
    /// Both as functions see them.
    pub(crate) known: tower_lua::Credential,
    pub(crate) consumer: tower_lua::Consumer,
}

impl Snapshot {
    /// The credential that requests name by `name`, if its time is not over.
    pub(crate) fn credential(&self, kind: Kind, name: &str) -> Option<Proof> {
        let document = self.entities.by_key(kind, name)?;
        let credential = document.credential()?;
        if credential.may_expire() && credential.is_expired(now()) {
            return None;
        }
        let consumer = self.entities.by_id(Kind::Consumers, &credential.consumer.id)?;
        Some(Proof {
            credential: Arc::clone(credential),
            known: document.known_credential()?.clone(),
            consumer: consumer.known_consumer()?.clone(),
        })
    }

    /// The consumer with this id or username.
    pub(crate) fn consumer(&self, name: &str) -> Option<&tower_lua::Consumer> {
        let by_key = || self.entities.by_key(Kind::Consumers, name);
        let found = self.entities.by_id(Kind::Consumers, name).or_else(by_key);
        found?.known_consumer()
    }

    /// The consumer that has a value in `id` or `username`.
    pub(crate) fn consumer_by(&self, field: &str, value: &str) -> Option<&tower_lua::Consumer> {
        let found = match field {
            "id" => self.entities.by_id(Kind::Consumers, value),
            _ => self.entities.by_key(Kind::Consumers, value),
        };
        found?.known_consumer()
    }

    /// The groups that the consumer with this id is in.
    pub(crate) fn groups(&self, consumer: &str) -> impl Iterator<Item = &str> {
        let groups = self.entities.children(Kind::Acls, Kind::Consumers, consumer);
        groups.filter_map(|document| Some(document.credential()?.name.as_str()))
    }
}
