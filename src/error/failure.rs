//! What failed in Lua, and where in the order of things.

use std::sync::Arc;

use crate::phase::{Phase, Plugin};

/// Which function runs: named in logs and errors.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) plugin: Plugin,
    pub(crate) phase: Phase,
    /// The name of the function set.
    pub(crate) set: Arc<str>,
    /// The function's place among those of its phase, from 1.
    pub(crate) index: usize,
}

/// An error as its handler saw it, before the stack was unwound.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    /// Chunk and line of the innermost Lua function.
    pub(crate) position: Option<(String, usize)>,
    pub(crate) traceback: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    Runtime,
    Timeout,
    Memory,
    Sandbox,
    Refused,
}
