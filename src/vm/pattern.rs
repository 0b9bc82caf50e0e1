//! Lua patterns, matched with an eye on the clock.
//!
//! LuaJIT's own matcher tries all there is to try and cannot be stopped: what it is not done with in
//! [`STEPS`], `patterns.lua` brings here.

/// How many steps LuaJIT's matcher may take: some milliseconds.
pub(super) const STEPS: usize = 4_000_000;

/// As many as LuaJIT has.
const MAX_CAPTURES: usize = 32;

/// How deeply the parts of a pattern may be nested in each other: LuaJIT's limit.
const MAX_DEPTH: usize = 200;

/// After how many steps the clock is looked at.
const STEPS_PER_TICK: usize = 4096;

/// How long a text may be for LuaJIT to match it with `pattern` in [`STEPS`], whatever the text is.
///
/// Each repetition may end anywhere, so the steps grow with the text's length to the power of their
/// number, and once more where the match may begin anywhere.
pub(super) fn reach(pattern: &[u8]) -> f64 {
    let (mut power, mut choices, mut at) = (0_u32, 1.0, 0);
    if pattern.first() != Some(&b'^') {
        power += 1;
    }
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        match byte {
            b'*' | b'+' | b'-' => power += 1,
            b'?' => choices *= 2.0,
            b'%' => {
                // A balanced text, and what a capture has matched, are looked for byte by byte.
                if let Some(b'b' | b'0'..=b'9') = pattern.get(at) {
                    power += 1;
                }
                at += 1;
            }
            b'[' => at = behind_set(pattern, at),
            _ => {}
        }
    }
    let steps = STEPS as f64 / (choices * pattern.len().max(1) as f64);
    match power {
        0 => f64::INFINITY,
        power => steps.powf(f64::from(power).recip()),
    }
}

/// Where the set ends whose `[` is before `at`.
fn behind_set(pattern: &[u8], mut at: usize) -> usize {
    if pattern.get(at) == Some(&b'^') {
        at += 1;
    }
    // The first byte belongs to the set even if it is `]`.
    loop {
        at += if pattern.get(at) == Some(&b'%') { 2 } else { 1 };
        if at >= pattern.len() || pattern[at] == b']' {
            return at + 1;
        }
    }
}

/// Where a pattern matches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) captures: Vec<Capture>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Capture {
    Text {
        start: usize,
        end: usize,
    },
    /// `()`
    Position(usize),
}

/// A capture while a match is tried.
#[derive(Clone, Copy)]
enum Tried {
    Done(Capture),
    /// Its `)` is still to come.
    Open {
        start: usize,
    },
}

/// Why a search was given up.
#[derive(Debug)]
pub(super) enum Fault<E> {
    /// The pattern makes no sense, in LuaJIT's words.
    Pattern(&'static str),
    /// What the clock says.
    Clock(E),
}

/// The first place from `start` at which `pattern` matches `text`. A leading `^` is an anchor if
/// `anchors`. `tick` is called now and then, and ends the search by an error.
pub(super) fn search<E>(
    text: &[u8],
    pattern: &[u8],
    start: usize,
    anchors: bool,
    tick: impl FnMut() -> Result<(), E>,
) -> Result<Option<Found>, Fault<E>> {
    let anchored = anchors && pattern.first() == Some(&b'^');
    let pattern = if anchored { &pattern[1..] } else { pattern };
    let mut matcher = Matcher { text, pattern, captures: Vec::new(), depth: 0, steps: 0, tick };
    for start in start..=text.len() {
        matcher.captures.clear();
        matcher.depth = 0;
        if let Some(end) = matcher.match_from(start, 0)? {
            let captures = matcher.captures.into_iter().map(|tried| match tried {
                Tried::Done(capture) => Ok(capture),
                Tried::Open { .. } => Err(Fault::Pattern("unfinished capture")),
            });
            return Ok(Some(Found { start, end, captures: captures.collect::<Result<_, _>>()? }));
        }
        if anchored {
            break;
        }
    }
    Ok(None)
}

/// The first place from `start` at which `text` holds `what`.
pub(super) fn search_plain<E>(
    text: &[u8],
    what: &[u8],
    start: usize,
    mut tick: impl FnMut() -> Result<(), E>,
) -> Result<Option<Found>, Fault<E>> {
    let mut steps = 0;
    for start in start..=text.len().saturating_sub(what.len()) {
        let alike = text[start..].iter().zip(what).take_while(|(a, b)| a == b).count();
        if alike == what.len() {
            let end = start + what.len();
            return Ok(Some(Found { start, end, captures: Vec::new() }));
        }
        steps += alike + 1;
        if steps >= STEPS_PER_TICK {
            steps = 0;
            tick().map_err(Fault::Clock)?;
        }
    }
    Ok(None)
}

struct Matcher<'a, T> {
    text: &'a [u8],
    pattern: &'a [u8],
    captures: Vec<Tried>,
    depth: usize,
    steps: usize,
    tick: T,
}

impl<E, T: FnMut() -> Result<(), E>> Matcher<'_, T> {
    fn step(&mut self, steps: usize) -> Result<(), Fault<E>> {
        self.steps += steps;
        if self.steps >= STEPS_PER_TICK {
            self.steps = 0;
            (self.tick)().map_err(Fault::Clock)?;
        }
        Ok(())
    }

    /// A byte of the pattern; 0, at which LuaJIT's patterns end, behind its end.
    fn at(&self, p: usize) -> u8 {
        self.pattern.get(p).copied().unwrap_or(0)
    }

    /// Where the match ends that begins at `s` with the part of the pattern at `p`.
    fn match_from(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault<E>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::Pattern("pattern too complex"));
        }
        let end = self.match_parts(s, p)?;
        self.depth -= 1;
        Ok(end)
    }

    fn match_parts(&mut self, mut s: usize, mut p: usize) -> Result<Option<usize>, Fault<E>> {
        loop {
            self.step(1)?;
            match (self.at(p), self.at(p + 1)) {
                (0, _) => return Ok(Some(s)),
                (b'(', b')') => {
                    return self.open_capture(Tried::Done(Capture::Position(s)), s, p + 2);
                }
                (b'(', _) => return self.open_capture(Tried::Open { start: s }, s, p + 1),
                (b')', _) => return self.close_capture(s, p + 1),
                (b'$', 0) => return Ok((s == self.text.len()).then_some(s)),
                (b'%', b'b') => match self.balanced(s, p + 2)? {
                    Some(end) => (s, p) = (end, p + 4),
                    None => return Ok(None),
                },
                (b'%', b'f') => {
                    p += 2;
                    if self.at(p) != b'[' {
                        return Err(Fault::Pattern("missing '[' after '%f' in pattern"));
                    }
                    let end = self.class_end(p)?;
                    let before = s.checked_sub(1).map_or(0, |before| self.text[before]);
                    let here = self.text.get(s).copied().unwrap_or(0);
                    if self.in_set(before, p, end - 1) || !self.in_set(here, p, end - 1) {
                        return Ok(None);
                    }
                    p = end;
                }
                (b'%', digit @ b'0'..=b'9') => match self.repeated(s, digit)? {
                    Some(end) => (s, p) = (end, p + 2),
                    None => return Ok(None),
                },
                _ => {
                    let end = self.class_end(p)?;
                    match self.at(end) {
                        b'?' => {
                            if self.is_single(s, p, end)
                                && let Some(found) = self.match_from(s + 1, end + 1)?
                            {
                                return Ok(Some(found));
                            }
                            p = end + 1;
                        }
                        b'*' => return self.expand_most(s, s, p, end),
                        b'+' if self.is_single(s, p, end) => {
                            return self.expand_most(s + 1, s + 1, p, end);
                        }
                        b'-' => return self.expand_least(s, p, end),
                        b'+' => return Ok(None),
                        _ if self.is_single(s, p, end) => (s, p) = (s + 1, end),
                        _ => return Ok(None),
                    }
                }
            }
        }
    }

    fn open_capture(
        &mut self,
        capture: Tried,
        s: usize,
        p: usize,
    ) -> Result<Option<usize>, Fault<E>> {
        if self.captures.len() >= MAX_CAPTURES {
            return Err(Fault::Pattern("too many captures"));
        }
        self.captures.push(capture);
        let end = self.match_from(s, p)?;
        if end.is_none() {
            self.captures.pop();
        }
        Ok(end)
    }

    fn close_capture(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault<E>> {
        let open = |(number, tried): (usize, &Tried)| match *tried {
            Tried::Open { start } => Some((number, start)),
            Tried::Done(_) => None,
        };
        let Some((number, start)) = self.captures.iter().enumerate().rev().find_map(open) else {
            return Err(Fault::Pattern("invalid pattern capture"));
        };
        self.captures[number] = Tried::Done(Capture::Text { start, end: s });
        let end = self.match_from(s, p)?;
        if end.is_none() {
            self.captures[number] = Tried::Open { start };
        }
        Ok(end)
    }

    /// `%b`: from an opening byte to the closing one that belongs to it.
    fn balanced(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault<E>> {
        let (open, close) = (self.at(p), self.at(p + 1));
        if open == 0 || close == 0 {
            return Err(Fault::Pattern("unbalanced pattern"));
        }
        if self.text.get(s) != Some(&open) {
            return Ok(None);
        }
        let mut level = 1_usize;
        for at in s + 1..self.text.len() {
            self.step(1)?;
            let byte = self.text[at];
            if byte == close {
                level -= 1;
                if level == 0 {
                    return Ok(Some(at + 1));
                }
            } else if byte == open {
                level += 1;
            }
        }
        Ok(None)
    }

    /// `%1`: what a capture has matched, again.
    fn repeated(&mut self, s: usize, digit: u8) -> Result<Option<usize>, Fault<E>> {
        let number = usize::from(digit).wrapping_sub(usize::from(b'1'));
        match self.captures.get(number) {
            Some(&Tried::Done(Capture::Text { start, end })) => {
                self.step(end - start)?;
                let again = self.text[s..].starts_with(&self.text[start..end]);
                Ok(again.then_some(s + end - start))
            }
            Some(Tried::Done(Capture::Position(_))) => Ok(None),
            _ => Err(Fault::Pattern("invalid capture index")),
        }
    }

    /// As many of the single byte at `p` as there are from `s`, then fewer, but not less than up to
    /// `least`.
    fn expand_most(
        &mut self,
        mut s: usize,
        least: usize,
        p: usize,
        end: usize,
    ) -> Result<Option<usize>, Fault<E>> {
        while self.is_single(s, p, end) {
            self.step(1)?;
            s += 1;
        }
        for s in (least..=s).rev() {
            if let Some(found) = self.match_from(s, end + 1)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn expand_least(
        &mut self,
        mut s: usize,
        p: usize,
        end: usize,
    ) -> Result<Option<usize>, Fault<E>> {
        loop {
            if let Some(found) = self.match_from(s, end + 1)? {
                return Ok(Some(found));
            }
            if !self.is_single(s, p, end) {
                return Ok(None);
            }
            s += 1;
        }
    }

    /// Where the single byte of the pattern ends that begins at `p`.
    fn class_end(&self, p: usize) -> Result<usize, Fault<E>> {
        match self.at(p) {
            b'%' if self.at(p + 1) == 0 => Err(Fault::Pattern("malformed pattern (ends with '%')")),
            b'%' => Ok(p + 2),
            b'[' => match behind_set(self.pattern, p + 1) {
                end if end > self.pattern.len() => {
                    Err(Fault::Pattern("malformed pattern (missing ']')"))
                }
                end => Ok(end),
            },
            _ => Ok(p + 1),
        }
    }

    /// Whether the byte of the text at `s` is one that `p..end` of the pattern stands for.
    fn is_single(&self, s: usize, p: usize, end: usize) -> bool {
        let Some(&byte) = self.text.get(s) else { return false };
        match self.at(p) {
            b'.' => true,
            b'%' => in_class(byte, self.at(p + 1)),
            b'[' => self.in_set(byte, p, end - 1),
            literal => literal == byte,
        }
    }

    /// Whether `byte` is in the set from the `[` at `p` to the `]` at `last`.
    fn in_set(&self, byte: u8, p: usize, last: usize) -> bool {
        let inverted = self.at(p + 1) == b'^';
        let mut at = if inverted { p + 2 } else { p + 1 };
        while at < last {
            let low = self.at(at);
            if low == b'%' {
                if in_class(byte, self.at(at + 1)) {
                    return !inverted;
                }
                at += 2;
            } else if self.at(at + 1) == b'-' && at + 2 < last {
                if (low..=self.at(at + 2)).contains(&byte) {
                    return !inverted;
                }
                at += 3;
            } else {
                if low == byte {
                    return !inverted;
                }
                at += 1;
            }
        }
        inverted
    }
}

/// Whether `byte` belongs to the class `%class`; a capital stands for the class's complement.
fn in_class(byte: u8, class: u8) -> bool {
    let member = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return byte == class,
    };
    member != class.is_ascii_uppercase()
}
