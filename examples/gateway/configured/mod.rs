//! What is configured: the entities of the Admin API and of declarative files, their schemas, and where
//! they are kept.

pub(crate) mod certificate;
mod common;
pub(crate) mod credential;
pub(crate) mod declarative;
pub(crate) mod entities;
pub(crate) mod entity;
pub(crate) mod problem;
pub(crate) mod public_key;
pub(crate) mod schema;
pub(crate) mod store;
pub(crate) mod upstream;
