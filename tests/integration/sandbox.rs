//! `sandbox`: what a function may reach.
