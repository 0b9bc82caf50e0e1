//! Bodies that a plugin wants whole.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::Body;

/// Reads a body of at most `limit` bytes. There is nothing of one that is longer, or breaks off.
pub(super) async fn whole(mut body: Body, limit: usize) -> Option<Bytes> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            if read.len() + data.len() > limit {
                return None;
            }
            read.extend_from_slice(&data);
        }
    }
    Some(read.freeze())
}
