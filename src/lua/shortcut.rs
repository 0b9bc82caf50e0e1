//! Functions that answer the common case of a binding without making values for Rust first.

use std::ffi::c_int;
use std::marker::PhantomData;

use bytes::Bytes;
use mlua::lua_State;

use super::raw;
use super::tape::{OfCaller, Tape};

/// What answers a call, if it is one of the common kind. What the answer is made of is put into the scratch.
pub(crate) type Shortcut = dyn Fn(&Arguments<'_>, &mut Scratch) -> Option<Answer> + Send;

/// What a shortcut answers with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Nil,
    Boolean(bool),
    Number(f64),
    /// The text of the scratch.
    Text,
    /// The value of the scratch's tape, whose arrays have this metatable, if any; and if there is a text, nil,
    /// for nothing was wrong, and the text.
    Made(Option<&'static OfCaller>),
}

/// What answers are made of. It is the function's, and the text keeps its room from one call to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) text: Vec<u8>,
    /// What the tape's texts are parts of.
    pub(crate) source: Bytes,
    pub(crate) tape: Tape,
}

/// As much room as is kept for the next text, in bytes.
const MAX_KEPT: usize = 16 << 10;

impl Scratch {
    /// Gives back what a value was to be made of: there are as many functions that read JSON as functions of
    /// users.
    pub(super) fn forget_value(&mut self) {
        (self.source, self.tape) = (Bytes::new(), Tape::default());
    }

    /// The answer that is `text`, or nil.
    pub(crate) fn answer(&mut self, text: Option<&[u8]>) -> Answer {
        text.map_or(Answer::Nil, |text| {
            self.text.extend_from_slice(text);
            Answer::Text
        })
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        if self.text.capacity() > MAX_KEPT {
            self.text.shrink_to(MAX_KEPT);
        }
    }
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

    /// Whether they are at most one string. Those that are nil do not count: a function that may wait gets four.
    pub(crate) fn are_at_most_a_text(&self) -> bool {
        let is_nothing = |place| raw::is_nothing(self, place);
        (is_nothing(1) || self.text(1).is_some()) && (2..=self.count).all(is_nothing)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mlua::{Function, Lua};

    use super::*;

    fn doubling(lua: &Lua, held: &Arc<()>) -> Function {
        let (binding, held) = (lua.create_function(|_, text: String| Ok(text)), Arc::clone(held));
        let shortcut = move |arguments: &Arguments<'_>, scratch: &mut Scratch| {
            let _ = &held;
            let number = arguments.number(1)?;
            Some(scratch.answer(Some((number * 2.0).to_string().as_bytes())))
        };
        raw::with_shortcut(lua, binding.unwrap(), Box::new(shortcut)).unwrap()
    }

    #[test]
    fn what_a_shortcut_does_not_answer_goes_to_the_function_behind_it() {
        let (lua, held) = (Lua::new(), Arc::new(()));
        let double = doubling(&lua, &held);
        assert_eq!(double.call::<String>(21).unwrap(), "42");
        assert_eq!(double.call::<String>("x").unwrap(), "x");
    }

    #[test]
    fn what_a_shortcut_holds_goes_with_its_function_and_with_the_state() {
        let (lua, held) = (Lua::new(), Arc::new(()));
        let (kept, dropped) = (doubling(&lua, &held), doubling(&lua, &held));
        assert_eq!(Arc::strong_count(&held), 3);
        drop(dropped);
        lua.gc_collect().unwrap();
        lua.gc_collect().unwrap();
        assert_eq!(Arc::strong_count(&held), 2);
        assert_eq!(kept.call::<String>(1).unwrap(), "2");
        drop((kept, lua));
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
