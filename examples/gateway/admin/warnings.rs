//! What is to be said of functions that have been taken: nothing is refused for it.

use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use serde_json::Value;

use crate::lua::check::{Checker, Finding, PHASES, Permitted, Source};

/// Looks at the functions of plugins, from when the first is made.
pub(super) struct Warnings {
    permitted: Permitted,
    checker: OnceLock<Arc<Checker>>,
}

/// How many findings an answer tells of.
const MAX: usize = 10;

/// How many bytes of functions are looked at: who changes them waits for it.
pub(super) const MAX_TEXT: usize = 256 << 10;

impl Warnings {
    pub(super) const fn new(permitted: Permitted) -> Self {
        Self { permitted, checker: OnceLock::new() }
    }

    /// What is to be said of the functions of an entity, if it is a plugin that has some.
    pub(super) async fn of(&self, entity: &Value) -> Vec<HeaderValue> {
        let functions = functions(entity);
        let length: usize = functions.iter().map(|(_, _, text)| text.len()).sum();
        if functions.is_empty() || length > MAX_TEXT {
            return Vec::new();
        }
        let checker = self.checker();
        let look = move || {
            let sources = functions.iter();
            let sources: Vec<_> = sources
                .map(|(phase, _, text)| Source { phase: Some(*phase), text: text.as_str() })
                .collect();
            let looked_at = functions.iter().zip(checker.set(&sources, true));
            let lines = looked_at.flat_map(|((phase, number, _), findings)| {
                findings.into_iter().map(move |finding| line(phase, *number, &finding))
            });
            lines.take(MAX).collect()
        };
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    /// What looks at functions.
    pub(super) fn checker(&self) -> Arc<Checker> {
        let new = || Arc::new(Checker::new(self.permitted.clone()));
        Arc::clone(self.checker.get_or_init(new))
    }
}

/// The functions of a plugin: phase, number in it, text.
fn functions(entity: &Value) -> Vec<(&'static str, usize, String)> {
    let is_ours = matches!(entity["name"].as_str(), Some("pre-function" | "post-function"));
    let config = entity["config"].as_object().filter(|_| is_ours);
    let fields =
        PHASES.iter().filter_map(|(field, phase)| Some((*phase, config?.get(*field)?.as_array()?)));
    let functions = fields.flat_map(|(phase, texts)| {
        let texts = texts.iter().filter_map(Value::as_str).enumerate();
        texts.map(move |(i, text)| (phase, i + 1, text.to_owned()))
    });
    functions.collect()
}

/// A finding as the header `Warning` has it: RFC 7234's code for whatever there is no other code for.
fn line(phase: &str, number: usize, finding: &Finding) -> HeaderValue {
    let Finding { level, place, message, help, .. } = finding;
    let text = format!(
        "{phase} {number}, line {}, column {}: {}: {message}; {help}",
        place.line,
        place.column,
        level.name(),
    );
    let quotable = |c: char| match c {
        '"' => '\'',
        '\\' => '/',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => '?',
    };
    let text: String = text.chars().map(quotable).collect();
    HeaderValue::from_str(&format!("199 gateway \"{text}\"")).expect("visible characters alone")
}
