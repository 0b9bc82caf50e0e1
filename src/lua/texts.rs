//! Texts that are put in order before they are put together.

use std::ops::Range;

use super::OutOfMemory;
use super::buffer::Buffer;

/// Texts, one behind the other in a [`Buffer`], within its limit.
pub(crate) struct Texts<'a> {
    buffer: Buffer<'a>,
    ranges: Vec<Range<usize>>,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(buffer: Buffer<'a>) -> Self {
        Self { buffer, ranges: Vec::new() }
    }

    /// Adds a text: its pieces, one after the other.
    ///
    /// # Errors
    ///
    /// When the function may not have as much, or has no time left.
    pub(crate) fn add(&mut self, pieces: &[&[u8]]) -> mlua::Result<()> {
        let start = self.buffer.len();
        self.ranges.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.buffer.expect_room(self.ranges.capacity() * size_of::<Range<usize>>())?;
        for piece in pieces {
            self.buffer.extend(piece)?;
        }
        self.ranges.push(start..self.buffer.len());
        Ok(())
    }

    pub(crate) fn sort(&mut self) {
        let bytes = self.buffer.as_bytes();
        self.ranges.sort_unstable_by(|one, other| {
            bytes[one.start..one.end].cmp(&bytes[other.start..other.end])
        });
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().map(|range| &self.buffer.as_bytes()[range.start..range.end])
    }
}
