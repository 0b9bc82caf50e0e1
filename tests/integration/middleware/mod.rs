//! `middleware`, `pre_function` and `post_function`.

mod bodies;
mod compose;
mod errors;
mod log;
mod order;
mod pre_function;
mod protocols;
mod reload;
