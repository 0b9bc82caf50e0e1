//! Bytes that Rust puts together for a function.

use mlua::Lua;

use super::budget::{Limits, check};
use super::memory::OutOfMemory;

/// A text that grows, within what its function may use of memory and time.
///
/// Lua's limit does not reach what Rust allocates, and no hook fires while Rust works: a table that
/// refers a thousand times to one string is small, and a thousand times as long when it is written
/// out. So whatever a binding puts together lies in one of these. It asks for memory before it
/// takes it, and looks at the clock as it grows.
pub(crate) struct Buffer<'a> {
    lua: &'a Lua,
    bytes: Vec<u8>,
    /// How long it may become.
    limit: usize,
    /// How long it may become before memory and clock are asked again.
    checked: usize,
}

/// After how many bytes the clock is looked at: some microseconds of work.
const BYTES_PER_TICK: usize = 1 << 15;

impl<'a> Buffer<'a> {
    /// A buffer within what a call of a VM's functions may use.
    pub(crate) fn new(lua: &'a Lua) -> Self {
        let limit = lua.app_data_ref::<Limits>().map_or(usize::MAX, |limits| limits.memory.room());
        Self::within(lua, limit)
    }

    /// A buffer of at most `limit` bytes.
    pub(crate) fn within(lua: &'a Lua, limit: usize) -> Self {
        Self { lua, bytes: Vec::new(), limit, checked: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_vec(self) -> Vec<u8> {
        self.bytes
    }

    /// Makes room for `more` bytes.
    ///
    /// # Errors
    ///
    /// When the function may not have them, or has no time left.
    pub(crate) fn reserve(&mut self, more: usize) -> mlua::Result<()> {
        match self.bytes.len().checked_add(more) {
            Some(length) if length <= self.checked => Ok(()),
            length => self.grow(length),
        }
    }

    #[cold]
    fn grow(&mut self, length: Option<usize>) -> mlua::Result<()> {
        let length = length.filter(|length| *length <= self.limit).ok_or(OutOfMemory)?;
        check(self.lua, 0)?;
        if length > self.bytes.capacity() {
            let doubled = self.bytes.capacity().saturating_mul(2).clamp(64, self.limit.max(64));
            let more = length.max(doubled) - self.bytes.len();
            self.bytes.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
        }
        self.checked = self.bytes.capacity().min(length.saturating_add(BYTES_PER_TICK));
        Ok(())
    }

    /// Looks at the clock: where work is done that adds nothing.
    ///
    /// # Errors
    ///
    /// When the function has no time left.
    pub(crate) fn tick(&self) -> mlua::Result<()> {
        check(self.lua, 0)
    }

    /// Checks that there is room for `beside` bytes that lie elsewhere and belong to the buffer.
    ///
    /// # Errors
    ///
    /// When there is not.
    pub(super) fn expect_room(&self, beside: usize) -> Result<(), OutOfMemory> {
        if beside <= self.limit.saturating_sub(self.bytes.len()) {
            Ok(())
        } else {
            Err(OutOfMemory)
        }
    }

    /// Adds `bytes`.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    pub(crate) fn extend(&mut self, bytes: &[u8]) -> mlua::Result<()> {
        self.reserve(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds a byte.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    pub(crate) fn push(&mut self, byte: u8) -> mlua::Result<()> {
        self.reserve(1)?;
        self.bytes.push(byte);
        Ok(())
    }
}

impl AsRef<[u8]> for Buffer<'_> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_up_to_its_limit_and_not_beyond() {
        let lua = Lua::new();
        let mut buffer = Buffer::within(&lua, 1000);
        for _ in 0..10 {
            buffer.extend(&[b'a'; 100]).unwrap();
        }
        assert!(matches!(buffer.push(b'a'), Err(mlua::Error::MemoryError(_))));
        assert!(buffer.reserve(usize::MAX).is_err());
        assert_eq!((buffer.len(), buffer.into_vec().capacity()), (1000, 1000));
    }
}
