//! Functions as text, before they run: what they may call, and whether they do.

pub(crate) mod api;
pub(crate) mod check;
pub(crate) mod spec;
pub(crate) mod types;
