//! What concerns Lua's values alone.

pub(crate) mod raw;
pub(crate) mod tape;
