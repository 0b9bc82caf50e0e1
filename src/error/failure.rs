//! What failed in Lua, and where in the order of things.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::phase::{Phase, Plugin};

/// Which function set it is: its clones have the same, and so have those that
/// [`Functions::only`](crate::Functions::only) makes of it; no other has.
///
/// A name is for people, and may be that of several sets. [`Functions::id`](crate::Functions::id) tells the
/// id, [`FunctionCall`](crate::FunctionCall) and [`Error`](crate::Error) whose function it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionsId(u64);

impl FunctionsId {
    /// One that no set has.
    pub(crate) fn next() -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self(IDS.fetch_add(1, Ordering::Relaxed))
    }
}

/// Which function runs: named in logs and errors.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) plugin: Plugin,
    pub(crate) phase: Phase,
    /// The name of the function set, and which it is.
    pub(crate) set: Arc<str>,
    pub(crate) id: FunctionsId,
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
