//! [`Error`]: what can go wrong with functions.

mod failure;
pub(crate) mod log;

use std::fmt;

pub use self::failure::FunctionsId;
pub(crate) use self::failure::{Failure, FailureKind, Site};
use crate::phase::{Phase, Plugin};

/// What went wrong: with building a runtime or a set of functions, or in a function that ran.
///
/// The wording may change; the predicates tell the kinds apart.
pub struct Error {
    kind: Kind,
}

enum Kind {
    /// Functions that do not compile: all of them.
    Compile(Vec<CompileError>),
    /// A function failed while it ran.
    Function(Box<FunctionError>),
    /// The configuration of a set or runtime makes no sense.
    Config(String),
    /// A file could not be read.
    File(std::path::PathBuf, std::io::Error),
}

struct FunctionError {
    site: Site,
    /// Of the request that it was called for, where it got so far.
    request: Option<Box<str>>,
    failure: Failure,
}

/// A function that does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    pub(crate) set: String,
    pub(crate) phase: Phase,
    pub(crate) index: usize,
    pub(crate) message: String,
}

impl Error {
    pub(crate) fn compile(errors: Vec<CompileError>) -> Self {
        Self { kind: Kind::Compile(errors) }
    }

    pub(crate) fn function(site: Site, failure: Failure) -> Self {
        Self { kind: Kind::Function(Box::new(FunctionError { site, request: None, failure })) }
    }

    /// Names the request that a function failed for.
    pub(crate) fn of_request(mut self, id: &str) -> Self {
        if let Kind::Function(error) = &mut self.kind {
            error.request = Some(id.into());
        }
        self
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self { kind: Kind::Config(message.into()) }
    }

    pub(crate) fn file(path: impl Into<std::path::PathBuf>, error: std::io::Error) -> Self {
        Self { kind: Kind::File(path.into(), error) }
    }

    /// Whether functions do not compile.
    #[must_use]
    pub const fn is_compile(&self) -> bool {
        matches!(self.kind, Kind::Compile(_))
    }

    /// Whether a function raised an error while it ran.
    #[must_use]
    pub fn is_runtime(&self) -> bool {
        self.failed_as(FailureKind::Runtime)
    }

    /// Whether a function was stopped because it had used its time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.failed_as(FailureKind::Timeout)
    }

    /// Whether a function ran out of its VM's memory.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        self.failed_as(FailureKind::Memory)
    }

    /// Whether the sandbox refused something.
    #[must_use]
    pub fn is_sandbox(&self) -> bool {
        self.failed_as(FailureKind::Sandbox)
    }

    /// Whether a function was not called because its last calls used up their time or memory, one after
    /// the other. It is called again after a while.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.failed_as(FailureKind::Refused)
    }

    /// The functions that do not compile, if that is what went wrong.
    #[must_use]
    pub fn compile_errors(&self) -> &[CompileError] {
        match &self.kind {
            Kind::Compile(errors) => errors,
            _ => &[],
        }
    }

    /// The name of the function set whose function failed while it ran.
    #[must_use]
    pub fn function_set(&self) -> Option<&str> {
        self.function_error().map(|error| &*error.site.set)
    }

    /// Which set it is whose function failed while it ran.
    #[must_use]
    pub fn function_set_id(&self) -> Option<FunctionsId> {
        self.function_error().map(|error| error.site.id)
    }

    /// The plugin whose function failed while it ran.
    #[must_use]
    pub fn plugin(&self) -> Option<Plugin> {
        self.function_error().map(|error| error.site.plugin)
    }

    /// The place of the function that failed among those of its phase, from 1 as Lua counts.
    #[must_use]
    pub fn function_index(&self) -> Option<usize> {
        self.function_error().map(|error| error.site.index)
    }

    /// What Lua says of a function that failed, with chunk and line where they are known.
    #[must_use]
    pub fn lua_message(&self) -> Option<String> {
        self.function_error().map(|error| error.failure.to_string())
    }

    /// The id of the request that a function failed for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.function_error()?.request.as_deref()
    }

    /// The phase in which a function failed.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.function_error().map(|error| error.site.phase)
    }

    /// Chunk name and line at which a function failed.
    #[must_use]
    pub fn position(&self) -> Option<(&str, usize)> {
        let (chunk, line) = self.function_error()?.failure.position.as_ref()?;
        Some((chunk, *line))
    }

    /// Lua's stack when a function failed.
    #[must_use]
    pub fn traceback(&self) -> Option<&str> {
        self.function_error().map(|error| &*error.failure.traceback)
    }

    fn function_error(&self) -> Option<&FunctionError> {
        match &self.kind {
            Kind::Function(error) => Some(error),
            _ => None,
        }
    }

    fn failed_as(&self, kind: FailureKind) -> bool {
        self.function_error().is_some_and(|error| error.failure.kind == kind)
    }
}

impl CompileError {
    /// The name of the function set.
    #[must_use]
    pub fn function_set(&self) -> &str {
        &self.set
    }

    /// The phase that the function is for.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The function's place among those of its phase, from 1 as Lua counts.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Lua's message: chunk name, line, and what it did not expect.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the function at which Lua gave up.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        // `[string "first line"]:line: what` or `file:line: what`.
        let (_, rest) = self.message.split_once("\"]:").or_else(|| self.message.split_once(':'))?;
        rest.split(':').next()?.parse().ok()
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { set, phase, index, message } = self;
        write!(f, "{set}: {phase}[{index}]: {message}")
    }
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { plugin, phase, set, index, .. } = &self.site;
        write!(f, "[{plugin}] {set}: {phase}[{index}]: {}", self.failure)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.message;
        match &self.position {
            // Errors of Lua itself, and of `error` with a string, begin with the position already.
            Some((chunk, line)) if !message.starts_with(&**chunk) => {
                write!(f, "{chunk}:{line}: {message}")
            }
            _ => f.write_str(message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Compile(errors) => {
                for (position, error) in errors.iter().enumerate() {
                    if position > 0 {
                        f.write_str("\n")?;
                    }
                    write!(f, "{error}")?;
                }
                Ok(())
            }
            Kind::Function(error) => write!(f, "{error}"),
            Kind::Config(message) => f.write_str(message),
            Kind::File(path, error) => write!(f, "cannot read {}: {error}", path.display()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            // The message has the error's own already.
            Kind::File(_, error) => error.source(),
            _ => None,
        }
    }
}
