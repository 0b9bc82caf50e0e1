//! What the VMs of a runtime share: values outside all of them, within a number of bytes.

pub(crate) mod cache;
pub(crate) mod dict;

pub(crate) use self::dict::SharedDict;
