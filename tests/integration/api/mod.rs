//! What functions find in Lua.

mod kong;
mod modules;
mod ngx;
