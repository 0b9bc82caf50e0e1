//! Function sets in configuration files.

use serde::{Deserialize, Deserializer, Serialize};

use super::Functions;
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
    /// As [`FunctionsBuilder::build`](super::FunctionsBuilder::build).
    pub fn build(&self, name: impl AsRef<str>) -> Result<Functions, Error> {
        self.build_with_names(name, |_, _| None)
    }

    /// The same, where messages call some of the functions by names: the files that the application has
    /// read them from. `name_of` is asked for the name of each, by the field and the place in it, from 0.
    ///
    /// ```
    /// use tower_lua::FunctionsConfig;
    ///
    /// let config: FunctionsConfig = serde_json::from_str(r#"{ "access": ["if"] }"#)?;
    /// let broken = config.build_with_names("shop", |field, place| Some(format!("shop/{field}.lua")));
    /// assert!(broken.unwrap_err().to_string().contains("shop/access.lua:1: "));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`FunctionsBuilder::build`](super::FunctionsBuilder::build).
    pub fn build_with_names(
        &self,
        name: impl AsRef<str>,
        mut name_of: impl FnMut(&str, usize) -> Option<String>,
    ) -> Result<Functions, Error> {
        let fields = [
            (Phase::Certificate, "certificate", &self.certificate),
            (Phase::Rewrite, "rewrite", &self.rewrite),
            (Phase::Access, "access", &self.access),
            (Phase::Access, "functions", &self.functions),
            (Phase::HeaderFilter, "header_filter", &self.header_filter),
            (Phase::BodyFilter, "body_filter", &self.body_filter),
            (Phase::Log, "log", &self.log),
        ];
        let mut builder = Functions::builder(name).fail_open(self.fail_open);
        for (phase, field, sources) in fields {
            for (place, source) in sources.iter().enumerate() {
                builder = match name_of(field, place) {
                    Some(name) => builder.named_function(phase, name, source),
                    None => builder.function(phase, source),
                };
            }
        }
        builder.build()
    }
}

/// Reads what Kong's configuration files have for an empty field, too: null.
fn or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
