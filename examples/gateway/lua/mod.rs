//! Functions as text, before they run: what they may call, and whether they do.

pub(crate) mod types;
