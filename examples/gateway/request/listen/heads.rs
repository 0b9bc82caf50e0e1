//! How long the head of a message may be, on all sides: bytes count, not fields.

/// The bytes of a head: nginx's `large_client_header_buffers`, four of 8 KiB.
pub(crate) const LONGEST: usize = 32 << 10;

/// The fields that so many bytes are, at sixteen each. hyper makes room for all of them at each head.
pub(crate) const MOST_FIELDS: usize = LONGEST / 16;

/// The same for HTTP/2, which counts 32 bytes for each field beside its text: room for as many bytes
/// in 4,096 fields.
pub(crate) const LONGEST_LIST: u32 = LONGEST as u32 + 32 * 4096;
