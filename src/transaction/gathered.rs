//! Bytes that come piece by piece.

use bytes::Bytes;

use crate::lua::{Charge, OutOfMemory, Share, counted};

/// Bytes that a request gathers from call to call.
#[derive(Default)]
pub(crate) struct Gathered {
    bytes: Vec<u8>,
    charge: Option<Charge>,
}

impl Gathered {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds `bytes`, which count against `share`.
    ///
    /// # Errors
    ///
    /// When there is no room for them.
    pub(crate) fn add(&mut self, bytes: &[u8], share: &mut Share) -> Result<(), OutOfMemory> {
        match &mut self.charge {
            Some(charge) => charge.grow(bytes.len())?,
            none => *none = share.charge(bytes.len())?,
        }
        self.bytes.try_reserve(bytes.len()).map_err(|_| OutOfMemory)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// What has been gathered, which counts as long as it is there.
    pub(crate) fn into_bytes(self) -> Bytes {
        counted(self.bytes, self.charge)
    }
}
