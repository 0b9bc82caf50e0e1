//! What random cases are made of: for the fuzz targets, which choose by the fuzzer's bytes, and for the
//! tests, which choose by a seed.

pub mod choices;
pub mod exchange;
pub mod headers;
pub mod messages;
pub mod programs;

pub use self::choices::Choices;
