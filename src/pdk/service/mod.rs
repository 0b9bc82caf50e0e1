//! `kong.service`: what goes to the service behind the layer, and what it answers.

pub(super) mod request;
pub(super) mod response;
