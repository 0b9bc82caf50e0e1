//! The tests of the library, in the order of `src`: behaviour that users see, most of it over HTTP.

mod function;
mod layers;
mod modules;
mod ngx;
mod pdk;
mod sandbox;
mod support;
mod vm;
