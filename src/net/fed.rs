//! What comes of the input of a stream as it is taken in.

use bytes::BytesMut;

/// What came of some input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fed {
    Done,
    More,
    /// The input ended too early.
    Closed,
    TooLong,
    NoMemory,
    /// It is not what it should be.
    Invalid(&'static str),
}

/// Appends without a copy where there is nothing before.
pub(super) fn append(data: &mut BytesMut, more: BytesMut) {
    if data.is_empty() {
        *data = more;
    } else {
        data.extend_from_slice(&more);
    }
}
