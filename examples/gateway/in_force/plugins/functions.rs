//! `pre-function` and `post-function`: the sets of functions of one plugin.

use serde_json::Value;
use tower_lua::{Functions, FunctionsConfig, FunctionsId, Phase, Runtime};

use super::config::read;
use crate::BoxError;
use crate::configured::entity::FromFile;

/// The functions of a plugin, in the parts in which they run.
#[derive(Clone)]
pub(crate) struct PluginFunctions {
    /// Before a route is looked for; of global plugins alone.
    pub(crate) rewrite: Functions,
    /// For requests of a route.
    pub(crate) routed: Functions,
    /// For requests without one, and for those that the route's protocols rule out.
    pub(crate) refused: Functions,
    /// While a TLS handshake is on; of global plugins alone.
    pub(crate) certificate: Functions,
    /// That of the set that all four are parts of.
    id: FunctionsId,
}

impl PluginFunctions {
    /// Compiles the functions of a plugin, which go by the name `label`; some of them stand in `files`.
    pub(super) fn new(
        label: &str,
        config: &Value,
        files: &[FromFile],
        runtime: &Runtime,
    ) -> Result<Self, BoxError> {
        let config: FunctionsConfig = read(label, config)?;
        let mut none = FunctionsConfig::default();
        none.fail_open = config.fail_open;
        if config == none {
            return Ok(Self::none());
        }
        let name = |field: &str, place: usize| {
            let file = files.iter().find(|file| file.field == field && file.place == place)?;
            Some(file.name.clone())
        };
        let all = config.build_with_names(label, name)?;
        runtime.check(&all)?;
        // Thousands of plugins share the parts that have nothing in them.
        let only = |phases: &[Phase]| match phases.iter().all(|phase| all.len(*phase) == 0) {
            true => Functions::empty(),
            false => all.only(phases.iter().copied()),
        };
        Ok(Self {
            rewrite: only(&[Phase::Rewrite]),
            certificate: only(&[Phase::Certificate]),
            routed: only(&[Phase::Access, Phase::HeaderFilter, Phase::BodyFilter, Phase::Log]),
            refused: only(&[Phase::HeaderFilter, Phase::BodyFilter, Phase::Log]),
            id: all.id(),
        })
    }

    /// Which set they are.
    pub(super) fn id(&self) -> FunctionsId {
        self.id
    }

    /// No functions.
    pub(super) fn none() -> Self {
        let none = Functions::empty();
        let (rewrite, routed) = (none.clone(), none.clone());
        Self { rewrite, routed, refused: none.clone(), id: none.id(), certificate: none }
    }
}
