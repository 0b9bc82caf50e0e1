//! What functions find in Lua: `kong`, `ngx`, the modules of `require`, and what these share.

pub(crate) mod digest;
pub(crate) mod forms;
pub(crate) mod json;
pub(crate) mod kong;
pub(crate) mod modules;
pub(crate) mod ngx;
