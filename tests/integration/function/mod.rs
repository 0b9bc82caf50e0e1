//! `function`: sets of functions, from source to reload.
