//! `middleware`, `pre_function` and `post_function`.

mod bodies;
mod compose;
mod conditional;
mod errors;
mod framing;
mod log;
mod order;
mod pre_function;
mod protocols;
mod reload;
mod shared;
mod streaming;
