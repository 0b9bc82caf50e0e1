//! A compiled pattern, and how far it may go to find a match.

use std::sync::Arc;

use parking_lot::Mutex;
use pcre2::bytes::{CaptureLocations, Regex};

use super::pattern::{Form, Options, Pattern};

/// A pattern that compiles.
pub(super) struct Program {
    pattern: Pattern,
    pub(super) options: Options,
    /// How long it was as it was written.
    length: usize,
    /// The groups that have names, and which names.
    pub(super) names: Vec<(usize, String)>,
    /// How many groups there are beside the match itself.
    pub(super) groups: usize,
    /// The pattern in the forms that were needed so far.
    compiled: Mutex<Vec<(Attempt, Arc<Regex>)>>,
}

/// A form of the pattern, and how many steps it may take for a place of the subject; for all of
/// them together in the form [`Whole`](Form::Whole).
type Attempt = (Form, u32);

/// Why there is no answer.
pub(super) enum Stopped {
    /// PCRE2's number for it.
    Pcre(i32),
    Lua(mlua::Error),
}

/// How many bytes may be looked at in some tens of milliseconds, one by one.
const STRETCH: usize = 50_000_000;

/// Steps that fit into some milliseconds.
const LIMIT: u32 = 2_000_000;

/// Steps for patterns that refer to themselves as a whole: there is no way to count all together,
/// and honest ones take many for a place.
const UNBOUND_LIMIT: u32 = 20_000_000;

/// Up to this length a subject is tried with more steps for each place.
const SHORT: usize = 1000;

/// PCRE2's number for an attempt that took too many steps.
const MATCH_LIMIT_REACHED: i32 = -47;
const BAD_OFFSET: i32 = -33;

/// The longest pattern. PCRE2 itself refuses what compiles to more than 64 KiB.
const MAX_LEN: usize = 1 << 16;

impl Program {
    /// # Errors
    ///
    /// Why the pattern does not compile, in lua-nginx-module's words.
    pub(super) fn new(written: &[u8], options: Options, may_jit: bool) -> Result<Self, String> {
        if written.len() > MAX_LEN {
            return Err("pcre2_compile() failed: regular expression is too large".to_owned());
        }
        let pattern = Pattern::new(written, options, may_jit);
        let (form, limit) = (Form::Plain, SMALL_STEPS);
        let regex = pattern
            .compile(form, limit)
            .map_err(|error| pattern.explain(&error, limit, written))?;
        // Kong: `d` finds the longest of all matches. Here it finds the first, and as there no
        // groups.
        let has_groups = !options.has(b'd');
        let names = regex.capture_names().iter().enumerate();
        let names = names.filter_map(|(group, name)| Some((group, name.clone()?)));
        Ok(Self {
            names: if has_groups { names.collect() } else { Vec::new() },
            groups: if has_groups { regex.captures_len() - 1 } else { 0 },
            compiled: Mutex::new(vec![((form, limit), Arc::new(regex))]),
            pattern,
            options,
            length: written.len(),
        })
    }

    /// About how many bytes it takes. One that is remembered takes none of whoever refers to it.
    pub(super) fn size(&self) -> usize {
        if self.options.has(b'o') { 0 } else { 4096 + self.length * 32 }
    }

    /// Where the pattern and its groups match at or after `start`.
    ///
    /// What takes long is looked for in stretches, and `tick` asked between them.
    ///
    /// # Errors
    ///
    /// PCRE2's number for what went wrong, or why there is no time for more.
    pub(super) fn run(
        &self,
        subject: &[u8],
        start: usize,
        tick: impl Fn() -> mlua::Result<()>,
    ) -> Result<Option<CaptureLocations>, Stopped> {
        if start > subject.len() {
            return Err(Stopped::Pcre(BAD_OFFSET));
        }
        let length = subject.len() - start;
        for attempt in self.attempts(length).into_iter().flatten() {
            match self.attempt(attempt, subject, start) {
                Err(MATCH_LIMIT_REACHED) => tick().map_err(Stopped::Lua)?,
                found => return found.map_err(Stopped::Pcre),
            }
        }
        let is_done = length <= SHORT && !self.pattern.strides();
        if is_done || !self.pattern.can_be_wrapped() || self.options.has(b'a') {
            return Err(Stopped::Pcre(MATCH_LIMIT_REACHED));
        }
        self.search(subject, start, tick)
    }

    /// Looks for a match in a stretch of places after the other. A step may have to do with all of
    /// the subject here: the longer it is, the fewer places and steps there are to a stretch.
    fn search(
        &self,
        subject: &[u8],
        mut start: usize,
        tick: impl Fn() -> mlua::Result<()>,
    ) -> Result<Option<CaptureLocations>, Stopped> {
        let steps = (STRETCH / subject.len().max(1)).clamp(64, 1 << 16);
        let steps = steps.next_power_of_two() as u32;
        let places = (steps / 16).clamp(1, 4096);
        while start <= subject.len() {
            let found = self.attempt((Form::Window(places), steps), subject, start);
            if let Some(found) = found.map_err(Stopped::Pcre)? {
                return Ok(Some(found));
            }
            tick().map_err(Stopped::Lua)?;
            start += places as usize + 1;
            let is_within = |byte: &u8| self.is_text() && byte & 0xc0 == 0x80;
            while subject.get(start).is_some_and(is_within) {
                start += 1;
            }
        }
        Ok(None)
    }

    fn is_text(&self) -> bool {
        self.options.has(b'u') || self.options.has(b'U')
    }

    /// Tries to match in one way.
    fn attempt(
        &self,
        attempt: Attempt,
        subject: &[u8],
        start: usize,
    ) -> Result<Option<CaptureLocations>, i32> {
        let Some(regex) = self.compiled(attempt) else { return Err(MATCH_LIMIT_REACHED) };
        // Not one of the pool that a `Regex` has: it would keep the memory that a match took.
        let mut locations = regex.capture_locations();
        match regex.captures_read_at(&mut locations, subject, start) {
            Ok(Some(found)) if self.options.has(b'a') && found.start() != start => Ok(None),
            Ok(found) => Ok(found.map(|_| locations)),
            Err(error) => Err(error.code()),
        }
    }

    /// How a subject of `length` bytes is tried: as it is, with few steps for each place; and if
    /// that is not enough, with many for all of them together. The latter alone would do, but is
    /// slower for patterns that do little at each place, as most do.
    fn attempts(&self, length: usize) -> [Option<Attempt>; 2] {
        let is_short = length <= SHORT;
        if self.pattern.strides() {
            return [self.careful_attempt(length), None];
        }
        if !self.pattern.can_be_wrapped() {
            // Nothing holds the places together here: the longer the subject, the less for each.
            let limit = UNBOUND_LIMIT / u32::try_from(length.max(200)).unwrap_or(u32::MAX);
            return [Some((Form::Plain, limit.next_power_of_two().max(64))), None];
        }
        if self.options.has(b'a') {
            let plain = (Form::Plain, if is_short { SMALL_STEPS } else { FEW_STEPS });
            return [Some((Form::Anchored, LIMIT)), Some(plain)];
        }
        let plain = (Form::Plain, if is_short { SMALL_STEPS } else { FEW_STEPS });
        [Some(plain), Some((Form::Whole, LIMIT))]
    }

    /// How a pattern is tried whose steps may each have to do with all of the subject; nothing, where
    /// that is too long.
    fn careful_attempt(&self, length: usize) -> Option<Attempt> {
        let length = length.max(1);
        let (form, steps) = match self.options.has(b'a') && self.pattern.can_be_wrapped() {
            true => (Form::Anchored, STRETCH / length),
            false => (Form::Plain, STRETCH / length / length),
        };
        let steps = steps.min(SMALL_STEPS as usize * 100).next_power_of_two() as u32;
        (steps >= 16).then_some((form, steps))
    }

    /// The pattern in the form of `attempt`, if it has that form: it may hold a comment that
    /// swallows what comes after.
    fn compiled(&self, attempt: Attempt) -> Option<Arc<Regex>> {
        let mut compiled = self.compiled.lock();
        if let Some((_, regex)) = compiled.iter().find(|(known, _)| *known == attempt) {
            return Some(Arc::clone(regex));
        }
        let regex = Arc::new(self.pattern.compile(attempt.0, attempt.1).ok()?);
        compiled.push((attempt, Arc::clone(&regex)));
        Some(regex)
    }
}

/// Steps for each place of a short subject, and of a long one.
const SMALL_STEPS: u32 = 1000;
const FEW_STEPS: u32 = 32;
