//! How the upstreams in force are made of those before.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Balancer, Balancers};
use crate::configured::entities::{Document, Kind, State, Step};
use crate::configured::upstream::{Target, Upstream};

/// What there was, and what is to be.
pub(crate) struct Change<'a> {
    pub(crate) before: &'a Arc<Balancers>,
    pub(crate) old: &'a State,
    pub(crate) new: &'a State,
}

impl Change<'_> {
    /// The upstreams that `steps` lead to.
    pub(crate) fn make(&self, steps: &[Step]) -> Arc<Balancers> {
        let mut touched = HashSet::new();
        for step in steps {
            match step {
                Step::Clear => return self.all(),
                Step::Put(kind, document) => {
                    touched.extend(self.before_of(*kind, document.id()));
                    touched.extend(upstream_of(*kind, document));
                }
                Step::Delete(kind, id) => touched.extend(self.before_of(*kind, id)),
            }
        }
        if touched.is_empty() {
            return Arc::clone(self.before);
        }
        let mut balancers = Balancers::clone(self.before);
        for id in touched {
            if let Some(old) = upstream(self.old, id) {
                balancers.remove(old.name.as_str());
            }
            if let Some(new) = upstream(self.new, id) {
                balancers.insert(new.name.as_str().into(), self.one(new));
            }
        }
        Arc::new(balancers)
    }

    fn all(&self) -> Arc<Balancers> {
        let upstreams = self.new.all(Kind::Upstreams).filter_map(|document| document.upstream());
        let named = |upstream: &Arc<Upstream>| (upstream.name.as_str().into(), self.one(upstream));
        Arc::new(upstreams.map(named).collect())
    }

    fn one(&self, new: &Arc<Upstream>) -> Arc<Balancer> {
        let old = upstream(self.old, &new.id);
        // A declarative file may have other ids each time that it is read.
        let name = old.map_or(&new.name, |old| &old.name);
        let before = self.before.get(name.as_str());
        let targets = self.new.children(Kind::Targets, Kind::Upstreams, &new.id);
        let targets = targets.filter_map(|document| document.target());
        Arc::new(Balancer::new(new, targets, before.map(|before| &**before)))
    }

    /// The upstream that an entity of before was, or was of.
    fn before_of(&self, kind: Kind, id: &str) -> Option<&str> {
        upstream_of(kind, self.old.by_id(kind, id)?)
    }
}

fn upstream<'a>(state: &'a State, id: &str) -> Option<&'a Arc<Upstream>> {
    state.by_id(Kind::Upstreams, id)?.upstream()
}

/// The id of the upstream that an entity is, or is of.
fn upstream_of(kind: Kind, document: &Document) -> Option<&str> {
    match kind {
        Kind::Upstreams => Some(document.id()),
        Kind::Targets => document.target().map(of_target),
        _ => None,
    }
}

fn of_target(target: &Arc<Target>) -> &str {
    &target.upstream.id
}
