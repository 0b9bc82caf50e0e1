//! The VMs: how functions end, wait, and are kept within their limits.

mod border;
mod budget;
mod closures;
mod coroutine;
mod depth;
mod held;
mod memory;
mod outside;
mod pattern;
mod pool;
mod quarantine;
mod references;
mod repeated;
mod replace;
mod stretch;
mod termination;
mod waiting;
