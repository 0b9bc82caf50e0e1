//! `pre-function` and `post-function`: the sets of functions of one plugin.

use serde_json::Value;
use tower_lua::{Functions, FunctionsConfig, Runtime};

use super::config::read;
use crate::BoxError;

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
}

impl PluginFunctions {
    pub(super) fn new(label: &str, config: &Value, runtime: &Runtime) -> Result<Self, BoxError> {
        let config: FunctionsConfig = read(label, config)?;
        // All at once first: whoever has made several mistakes hears of all.
        runtime.check(&build(label, &config)?)?;
        let part = |keep: fn(&mut FunctionsConfig)| {
            let mut part = config.clone();
            keep(&mut part);
            build(label, &part)
        };
        Ok(Self {
            rewrite: part(|config| {
                *config = only(config, |only, all| only.rewrite = all.rewrite.clone());
            })?,
            certificate: part(|config| {
                *config = only(config, |only, all| only.certificate = all.certificate.clone());
            })?,
            routed: part(|config| {
                config.rewrite.clear();
                config.certificate.clear();
            })?,
            refused: part(|config| {
                config.rewrite.clear();
                config.certificate.clear();
                config.access.clear();
                config.functions.clear();
            })?,
        })
    }

    /// No functions.
    pub(super) fn none() -> Self {
        let none = Functions::empty();
        let (rewrite, routed) = (none.clone(), none.clone());
        Self { rewrite, routed, refused: none.clone(), certificate: none }
    }
}

fn only(
    all: &FunctionsConfig,
    keep: fn(&mut FunctionsConfig, &FunctionsConfig),
) -> FunctionsConfig {
    let mut only = FunctionsConfig::default();
    only.fail_open = all.fail_open;
    keep(&mut only, all);
    only
}

/// Compiles functions, if there are any.
fn build(label: &str, config: &FunctionsConfig) -> Result<Functions, BoxError> {
    let mut none = FunctionsConfig::default();
    none.fail_open = config.fail_open;
    Ok(if *config == none { Functions::empty() } else { config.build(label)? })
}
