//! [`Certificates`]: which certificate a client gets, by the name that it asks for.

use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use crate::configured::certificate::Certificate;
use crate::configured::entities::{Kind, State, Step};

/// The certificates of all names.
#[derive(Default)]
pub(crate) struct Certificates {
    /// In lower case.
    by_name: HashMap<Box<str>, Arc<Certificate>, FxBuildHasher>,
}

impl Certificates {
    /// Those of `state`, to which `steps` lead from the ones `before`.
    pub(super) fn changed(before: &Arc<Self>, state: &State, steps: &[Step]) -> Arc<Self> {
        let is_about = |kind: &Kind| matches!(kind, Kind::Certificates | Kind::Snis);
        let changes = |step: &Step| match step {
            Step::Clear => true,
            Step::Put(kind, _) | Step::Delete(kind, _) => is_about(kind),
        };
        if !steps.iter().any(changes) {
            return Arc::clone(before);
        }
        let snis = state.all(Kind::Snis).filter_map(|document| document.sni());
        let named = snis.filter_map(|sni| {
            let document = state.by_id(Kind::Certificates, &sni.certificate.id)?;
            let name = sni.name.to_ascii_lowercase().into();
            Some((name, Arc::clone(document.certificate()?)))
        });
        Arc::new(Self { by_name: named.collect() })
    }

    /// The certificate for a name: its own; that of all names that differ in the first part, or in the
    /// last; or that of all names.
    pub(crate) fn find(&self, name: Option<&str>) -> Option<&Arc<Certificate>> {
        if self.by_name.is_empty() {
            return None;
        }
        let name = name.map(str::to_ascii_lowercase).unwrap_or_default();
        let own = self.by_name.get(name.as_str());
        let others = || {
            let first = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
            let last = name.rsplit_once('.').map(|(rest, _)| format!("{rest}.*"));
            let mut wild = first.into_iter().chain(last);
            wild.find_map(|name| self.by_name.get(name.as_str()))
        };
        own.or_else(others).or_else(|| self.by_name.get("*"))
    }
}
