//! [`Finding`]: what is to be said of a place in a function.

use full_moon::tokenizer::TokenReference;

/// Where something stands: lines and columns are counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// It is probably not meant so.
    Warning,
    /// It fails, or can never do what it says.
    Error,
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) rule: &'static str,
    pub(crate) place: Place,
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: String,
}

impl Place {
    pub(super) fn of(token: &TokenReference) -> Self {
        let start = token.token().start_position();
        Self { line: start.line(), column: start.character() }
    }
}

impl Level {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    pub(super) fn new(
        level: Level,
        rule: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { level, rule, place, message: message.into(), help: help.into() }
    }
}
