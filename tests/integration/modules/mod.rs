//! `modules`: what `require` offers.
