//! Functions that answer the common case of a binding without making values for Rust first.

use std::ffi::c_int;
use std::marker::PhantomData;

use mlua::lua_State;

use super::raw;

/// What answers a call, if it is one of the common kind. A text that is the answer is put where the
/// second argument is.
pub(crate) type Shortcut = dyn Fn(&Arguments<'_>, &mut Vec<u8>) -> Option<Answer> + Send;

/// What a shortcut answers with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Nil,
    Boolean(bool),
    Number(f64),
    /// The text that the shortcut has put where it was told to.
    Text,
}

/// The arguments of a call, as they lie on Lua's stack.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    pub(super) state: *mut lua_State,
    pub(super) count: c_int,
    pub(super) lifetime: PhantomData<&'a ()>,
}

impl<'a> Arguments<'a> {
    /// The arguments, if they are `N` strings.
    pub(crate) fn texts<const N: usize>(&self) -> Option<[&'a [u8]; N]> {
        if usize::try_from(self.count) != Ok(N) {
            return None;
        }
        let mut texts = [&[][..]; N];
        for (place, text) in (1..).zip(&mut texts) {
            *text = raw::text(self, place)?;
        }
        Some(texts)
    }

    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(0)
    }

    /// The argument at `place`, from 1, if it is a string.
    pub(crate) fn text(&self, place: c_int) -> Option<&'a [u8]> {
        raw::text(self, place)
    }

    /// The same if it is a number.
    pub(crate) fn number(&self, place: c_int) -> Option<f64> {
        raw::number(self, place)
    }

    /// Whether so many calls stand between this one and the bottom of the coroutine's stack.
    pub(crate) fn has_frame(&self, level: usize) -> bool {
        raw::has_frame(self, level)
    }
}

impl Answer {
    /// The text that is put into `to`, or nil.
    pub(crate) fn text(to: &mut Vec<u8>, text: Option<&[u8]>) -> Self {
        text.map_or(Self::Nil, |text| {
            to.extend_from_slice(text);
            Self::Text
        })
    }
}
