//! The VMs: how functions end, wait, and are kept within their limits.

mod budget;
mod coroutine;
mod depth;
mod held;
mod memory;
mod outside;
mod pattern;
mod pool;
mod references;
mod termination;
mod waiting;
