//! What a cache shows of a value that it keeps, for `kong.cache` and `resty.mlcache`.

/// A chunk that gives the function over a value and its serializer (mlcache's `l1_serializer`).
pub(crate) const SERIALIZED: &str = include_str!("serialized.lua");
