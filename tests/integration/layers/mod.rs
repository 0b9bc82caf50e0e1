//! `middleware`, `pre_function` and `post_function`.

mod pre_function;
