//! Looks at functions before they run: syntax, names, phases, modules, and what is often not meant.

mod chain;
pub(crate) mod document;
mod expressions;
pub(crate) mod files;
mod finding;
mod globals;
pub(crate) mod lines;
mod phases;
pub(crate) mod report;
mod statements;
mod suggest;
mod syntax;
mod values;
mod walk;

use std::collections::BTreeSet;

pub(crate) use self::document::PHASES;
pub(crate) use self::finding::Finding;
use self::finding::{Level, Place};
use self::walk::Walk;
use super::api::Api;
use super::types;

/// What the functions of a gateway may use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permitted {
    /// Whether functions see all of the VM's globals, and require anything.
    pub(crate) all: bool,
    /// Whether they may require the modules that come with the gateway.
    pub(crate) safe_modules: bool,
    /// Whether they may require those that reach out.
    pub(crate) network: bool,
    /// Whether there is a directory of modules.
    pub(crate) has_directory: bool,
    /// Whether they may read variables of the environment.
    pub(crate) has_environment: bool,
    pub(crate) modules: BTreeSet<String>,
    /// The dictionaries of `ngx.shared`.
    pub(crate) dictionaries: BTreeSet<String>,
    pub(crate) globals: BTreeSet<String>,
}

/// A function, and the phase that it is for.
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) phase: Option<&'a str>,
    pub(crate) text: &'a str,
}

/// Looks at functions.
pub(crate) struct Checker {
    api: Api,
    permitted: Permitted,
}

/// What a function does to a body and its length.
#[derive(Default)]
struct Traits {
    changes_body: Option<Place>,
    clears_length: bool,
}

/// How much a thread that looks at functions may have on its stack. Expressions are looked at inside of
/// each other; memory that is not used is not taken.
const STACK: usize = 256 << 20;

impl Checker {
    pub(crate) fn new(permitted: Permitted) -> Self {
        Self { api: Api::read(types::FILES.iter().map(|(_, text)| *text)), permitted }
    }

    /// What is to be said of functions: for each, in the order of its lines. They are all of a plugin,
    /// where this `is_whole`: what one does may be the matter of another.
    pub(crate) fn set(&self, sources: &[Source<'_>], is_whole: bool) -> Vec<Vec<Finding>> {
        let look = || sources.iter().map(|source| self.function(source)).collect::<Vec<_>>();
        let mut looked_at = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, look);
            thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
        });
        let clears = !is_whole || looked_at.iter().any(|(_, traits)| traits.clears_length);
        for (findings, traits) in &mut looked_at {
            if let (Some(place), false) = (traits.changes_body, clears) {
                findings.push(Finding::new(
                    Level::Warning,
                    "content-length",
                    place,
                    "the body is changed, and Content-Length stays as the service has set it",
                    "add to header_filter: kong.response.clear_header(\"Content-Length\")",
                ));
            }
            findings.sort_by_key(|finding| finding.place);
        }
        looked_at.into_iter().map(|(findings, _)| findings).collect()
    }

    fn function(&self, source: &Source<'_>) -> (Vec<Finding>, Traits) {
        match syntax::parse(source.text) {
            Ok(Some(ast)) => {
                let mut walk = Walk::new(&self.api, &self.permitted, source.phase, &ast);
                walk.block(ast.nodes());
                let (mut findings, traits) = walk.end();
                findings.retain(|finding| !is_silenced(source.text, finding.place.line));
                (findings, traits)
            }
            Ok(None) => <_>::default(),
            Err(finding) => (vec![finding], Traits::default()),
        }
    }
}

/// Whether a line says that nothing is to be said of it.
fn is_silenced(text: &str, line: usize) -> bool {
    text.lines().nth(line.saturating_sub(1)).is_some_and(|line| line.contains("check:ignore"))
}
