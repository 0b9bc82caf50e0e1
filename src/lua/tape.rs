//! A value that is still to be made in Lua, as a row of steps.

use mlua::Table;

/// What there is to make: one value, whatever it is made of. Whoever makes it has the source that texts are
/// parts of.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    /// The texts that are not as they stand in the source.
    pub(crate) texts: Vec<u8>,
    steps: Vec<Step>,
    /// How many arrays and objects are open, and how many were at most.
    open: usize,
    depth: usize,
}

/// A step: a value, or where one begins or ends that has others in it. In an object, each value
/// comes after its key, which is a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Null,
    Boolean(bool),
    Number(f64),
    /// A part of the source.
    Text {
        length: u32,
        start: usize,
    },
    /// A part of the texts.
    Unescaped {
        length: u32,
        start: usize,
    },
    /// An array of so many elements, which follow.
    Array(u32),
    /// An object of so many fields, which follow.
    Object(u32),
    /// The end of an array or object.
    End,
}

/// The metatable that arrays get.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ArrayMetatable<'a> {
    None,
    Given(&'a Table),
    OfCaller(&'static OfCaller),
}

/// The table `name` in the table `key` of the metatable of a function's globals: of the innermost function on
/// the stack that has the latter.
#[derive(Debug, PartialEq)]
pub(crate) struct OfCaller {
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
}

/// How many bytes of source make a step, and for how many steps there is room at first.
const BYTES_PER_STEP: usize = 20;
const MOST_AT_FIRST: usize = 1024;

impl Tape {
    /// One with nothing on it, for a source of so many bytes.
    pub(crate) fn of_length(length: usize) -> Self {
        // A guess that is right for texts and small objects, and no loss where it is not.
        let steps = Vec::with_capacity((length / BYTES_PER_STEP).clamp(4, MOST_AT_FIRST));
        Self { steps, ..Self::default() }
    }

    pub(crate) fn push(&mut self, step: Step) {
        match step {
            Step::Array(_) | Step::Object(_) => {
                self.open += 1;
                self.depth = self.depth.max(self.open);
            }
            Step::End => self.open -= 1,
            _ => {}
        }
        self.steps.push(step);
    }

    /// How many arrays and objects are open at most.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Says how many elements or fields the array or object has that begins at `step`.
    pub(crate) fn set_length(&mut self, step: usize, length: u32) {
        if let Some(Step::Array(known) | Step::Object(known)) = self.steps.get_mut(step) {
            *known = length;
        }
    }

    /// Whether the value is an array or object.
    pub(crate) fn is_of_table(&self) -> bool {
        matches!(self.steps.first(), Some(Step::Array(_) | Step::Object(_)))
    }

    /// How many steps there are.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// How much memory the tape takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.steps.len() * size_of::<Step>() + self.texts.len()
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The bytes of a step that is a text.
    pub(crate) fn text<'a>(&'a self, source: &'a [u8], step: Step) -> Option<&'a [u8]> {
        let (texts, start, length) = match step {
            Step::Text { start, length } => (source, start, length),
            Step::Unescaped { start, length } => (&self.texts[..], start, length),
            _ => return None,
        };
        texts.get(start..start + length as usize)
    }
}

impl Step {
    /// A text that is a part of the source.
    pub(crate) fn text(start: usize, length: usize) -> Self {
        Self::Text { start, length: bounded(length) }
    }

    /// A text that has been put among the tape's own.
    pub(crate) fn unescaped(start: usize, length: usize) -> Self {
        Self::Unescaped { start, length: bounded(length) }
    }
}

fn bounded(length: usize) -> u32 {
    u32::try_from(length).expect("no part of a source of at most 4 GiB is longer")
}
