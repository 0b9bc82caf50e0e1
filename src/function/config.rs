//! Function sets in configuration files.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Functions, FunctionsBuilder};
use crate::error::Error;
use crate::phase::Phase;

/// A function set as it stands in a configuration: the `config` of Kong's plugins.
///
/// `functions`, the field of Kong's first versions, means `access`; its functions run after those
/// of the field `access`.
///
/// ```
/// use tower_lua::FunctionsConfig;
///
/// let config: FunctionsConfig = serde_json::from_str(
///     r#"{ "access": ["kong.ctx.shared.start = ngx.now()"],
///          "log": ["kong.log.notice(ngx.now() - kong.ctx.shared.start)"] }"#,
/// )?;
/// let functions = config.build("timing")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FunctionsConfig {
    /// Functions for the `certificate` phase.
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub certificate: Vec<String>,
    /// Functions for the `rewrite` phase.
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub rewrite: Vec<String>,
    /// Functions for the `access` phase.
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub access: Vec<String>,
    /// Functions for the `header_filter` phase.
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub header_filter: Vec<String>,
    /// Functions for the `body_filter` phase.
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub body_filter: Vec<String>,
    /// Functions for the `log` phase.
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// More functions for the `access` phase: what Kong's first versions had.
    #[serde(deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
    /// Whether a request goes on when a function fails. Ours; Kong has no such field.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fail_open: bool,
}

impl FunctionsConfig {
    /// Compiles the functions, as a set of the name `name`.
    ///
    /// # Errors
    ///
    /// As [`FunctionsBuilder::build`].
    pub fn build(&self, name: impl AsRef<str>) -> Result<Functions, Error> {
        self.add_to(Functions::builder(name)).build()
    }

    fn add_to(&self, builder: FunctionsBuilder) -> FunctionsBuilder {
        let fields = [
            (Phase::Certificate, &self.certificate),
            (Phase::Rewrite, &self.rewrite),
            (Phase::Access, &self.access),
            (Phase::Access, &self.functions),
            (Phase::HeaderFilter, &self.header_filter),
            (Phase::BodyFilter, &self.body_filter),
            (Phase::Log, &self.log),
        ];
        fields
            .into_iter()
            .flat_map(|(phase, sources)| sources.iter().map(move |source| (phase, source)))
            .fold(builder, |builder, (phase, source)| builder.function(phase, source))
            .fail_open(self.fail_open)
    }
}

/// Reads what Kong's configuration files have for an empty field, too: null.
fn or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
