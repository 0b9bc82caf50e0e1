//! How much of what comes is one answer: lines, sizes, patterns.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;

use super::chunked::{Chunked, Portion};
use super::fed::{Fed, append};
use super::limits::Gathered;
use super::{Fault, Limits, Net, Received};

/// What a function wants to receive, and what there is of it.
pub(crate) struct Filter {
    kind: Kind,
    data: BytesMut,
    limit: usize,
    gathered: Option<Gathered>,
}

enum Kind {
    /// So many bytes more.
    Size(usize),
    Line,
    /// All until the end.
    All,
    /// Anything, up to so many bytes.
    Any(usize),
    Until {
        pattern: Arc<Mutex<Until>>,
        /// How many bytes are enough; `None` for all before the pattern.
        rest: Option<usize>,
    },
    /// The head of an HTTP message: all up to an empty line, and whether a line is empty so far.
    Head(bool),
    Chunks(Arc<Mutex<Chunked>>, Portion),
}

impl Filter {
    /// `size` bytes.
    pub(crate) fn size(size: usize, limits: &Limits) -> Self {
        Self::new(Kind::Size(size), limits.body)
    }

    /// A line, without its end and without any carriage returns.
    pub(crate) fn line(limits: &Limits) -> Self {
        Self::new(Kind::Line, limits.buffer)
    }

    /// All until the end.
    pub(crate) fn all(limits: &Limits) -> Self {
        Self::new(Kind::All, limits.body)
    }

    /// Anything, up to `max` bytes.
    pub(crate) fn any(max: usize) -> Self {
        Self::new(Kind::Any(max), usize::MAX)
    }

    /// All before a pattern, or a piece of it that has about `size` bytes.
    pub(crate) fn until(pattern: Arc<Mutex<Until>>, size: Option<usize>, limits: &Limits) -> Self {
        let limit = if size.is_some() { limits.body } else { limits.buffer };
        Self::new(Kind::Until { pattern, rest: size }, limit)
    }

    /// The head of an HTTP message, with the empty line at its end.
    pub(crate) fn head(limits: &Limits) -> Self {
        Self::new(Kind::Head(false), limits.buffer)
    }

    /// A body in chunks, or a piece of it.
    pub(crate) fn chunks(body: Arc<Mutex<Chunked>>, portion: Portion, limits: &Limits) -> Self {
        Self::new(Kind::Chunks(body, portion), limits.body)
    }

    fn new(kind: Kind, limit: usize) -> Self {
        Self { kind, data: BytesMut::new(), limit, gathered: None }
    }

    /// The pattern that it looks for, if it does.
    pub(super) fn pattern(&self) -> Option<&Arc<Mutex<Until>>> {
        match &self.kind {
            Kind::Until { pattern, .. } => Some(pattern),
            _ => None,
        }
    }

    /// How many bytes more would do, as far as is known.
    pub(super) fn wanted(&self) -> usize {
        match self.kind {
            Kind::Size(rest) => rest,
            Kind::All => usize::MAX,
            _ => 0,
        }
    }

    /// Takes what it wants of `input`. Whether it has all of it.
    pub(super) fn fill(&mut self, input: &mut BytesMut, net: &Arc<Net>) -> Result<bool, Fault> {
        match self.feed(input, net) {
            Fed::Done => Ok(true),
            Fed::More => Ok(false),
            Fed::Closed => Err(Fault::CLOSED),
            Fed::TooLong => Err(Fault::TOO_LONG),
            Fed::NoMemory => Err(Fault::NO_MEMORY),
            Fed::Invalid(problem) => Err(Fault::new(problem)),
        }
    }

    /// What becomes of receiving that has come to an end too early.
    pub(super) fn fail(&mut self, fault: Fault) -> Received {
        let mut partial = self.take();
        if fault == Fault::NO_MEMORY {
            // There would be none for it in the VM either.
            partial.clear();
        }
        Err((fault, partial))
    }

    /// Takes from `input` what it wants. An empty one is the end.
    fn feed(&mut self, input: &mut BytesMut, net: &Arc<Net>) -> Fed {
        let fed = if input.is_empty() { self.end() } else { self.take_from(input) };
        if self.data.len() > self.limit {
            return Fed::TooLong;
        }
        let gathered = self.gathered.get_or_insert_with(|| Gathered::new(net));
        if gathered.admits(self.data.len()) { fed } else { Fed::NoMemory }
    }

    fn end(&self) -> Fed {
        match self.kind {
            Kind::All => Fed::Done,
            _ => Fed::Closed,
        }
    }

    fn take_from(&mut self, input: &mut BytesMut) -> Fed {
        let Self { kind, data, .. } = self;
        match kind {
            Kind::Size(rest) => {
                let taken = input.split_to(input.len().min(*rest));
                *rest -= taken.len();
                append(data, taken);
                if *rest == 0 { Fed::Done } else { Fed::More }
            }
            Kind::Line => take_line(input, data),
            Kind::All => {
                append(data, input.split());
                Fed::More
            }
            Kind::Any(max) => {
                append(data, input.split_to(input.len().min(*max)));
                Fed::Done
            }
            Kind::Until { pattern, rest } => {
                let (taken, fed) = pattern.lock().take_from(input, data, rest);
                input.advance(taken);
                fed
            }
            Kind::Head(empty) => take_head(input, data, empty),
            Kind::Chunks(body, portion) => body.lock().take_from(input, data, *portion),
        }
    }

    /// What it has.
    pub(super) fn take(&mut self) -> BytesMut {
        std::mem::take(&mut self.data)
    }
}

fn take_line(input: &mut BytesMut, line: &mut BytesMut) -> Fed {
    let end = input.iter().position(|byte| *byte == b'\n');
    let mut taken = input.split_to(end.unwrap_or(input.len()));
    if end.is_some() {
        input.advance(1);
    }
    if taken.last() == Some(&b'\r') {
        taken.truncate(taken.len() - 1);
    }
    if taken.contains(&b'\r') {
        line.extend(taken.iter().filter(|byte| **byte != b'\r'));
    } else {
        append(line, taken);
    }
    if end.is_some() { Fed::Done } else { Fed::More }
}

fn take_head(input: &mut BytesMut, head: &mut BytesMut, empty: &mut bool) -> Fed {
    let ends = |byte: &u8| match byte {
        b'\n' => std::mem::replace(empty, true),
        b'\r' => false,
        _ => {
            *empty = false;
            false
        }
    };
    let end = input.iter().position(ends);
    append(head, input.split_to(end.map_or(input.len(), |end| end + 1)));
    if end.is_some() { Fed::Done } else { Fed::More }
}

/// A pattern in a stream, and how far into it what has come so far is.
pub(crate) struct Until {
    pattern: Box<[u8]>,
    /// How long the longest beginning of the pattern is that ends, too, the first so many bytes of
    /// it (Knuth, Morris, Pratt).
    borders: Box<[usize]>,
    inclusive: bool,
    /// How many bytes of the pattern have come.
    matched: usize,
    /// Whether the pattern has come to who asks for pieces, who is told so with the next.
    pub(crate) found: bool,
}

impl Until {
    /// Looks for `pattern`, which is not empty. With `inclusive`, it is part of what is received.
    pub(crate) fn new(pattern: &[u8], inclusive: bool) -> Self {
        let mut borders = vec![0; pattern.len() + 1];
        let mut border = 0;
        for length in 2..=pattern.len() {
            let last = pattern[length - 1];
            while border > 0 && pattern[border] != last {
                border = borders[border];
            }
            border += usize::from(pattern[border] == last);
            borders[length] = border;
        }
        let (pattern, borders) = (pattern.into(), borders.into());
        Self { pattern, borders, inclusive, matched: 0, found: false }
    }

    /// Moves what comes before the pattern to `data`, until the pattern or `rest` bytes have come. Says
    /// how many bytes of `input` that took.
    fn take_from(
        &mut self,
        input: &[u8],
        data: &mut BytesMut,
        rest: &mut Option<usize>,
    ) -> (usize, Fed) {
        let mut at = 0;
        while at < input.len() {
            let byte = input[at];
            if byte == self.pattern[self.matched] {
                at += 1;
                self.matched += 1;
                if self.matched == self.pattern.len() {
                    self.matched = 0;
                    self.found = rest.is_some();
                    if self.inclusive {
                        data.extend_from_slice(&self.pattern);
                    }
                    return (at, Fed::Done);
                }
                continue;
            }
            let passed = if self.matched == 0 {
                let passed = self.skip(&input[at..], *rest);
                data.extend_from_slice(&input[at..at + passed]);
                at += passed;
                passed
            } else {
                let border = self.fall_back(byte);
                let passed = self.matched + usize::from(border > 0) - border;
                data.extend_from_slice(&self.pattern[..passed]);
                at += usize::from(border > 0);
                self.matched = border;
                passed
            };
            if let Some(rest) = rest {
                *rest = rest.saturating_sub(passed);
                if *rest == 0 {
                    return (at, Fed::Done);
                }
            }
        }
        (at, Fed::More)
    }

    /// Gives what has come of the pattern back to `input`, and looks for it from its beginning again.
    pub(super) fn give_back(&mut self, input: &mut BytesMut) {
        let matched = std::mem::take(&mut self.matched);
        if matched > 0 {
            let rest = std::mem::replace(input, BytesMut::from(&self.pattern[..matched]));
            input.unsplit(rest);
        }
    }

    /// How many bytes there are before the pattern may begin, at most `rest`.
    fn skip(&self, input: &[u8], rest: Option<usize>) -> usize {
        let input = &input[..input.len().min(rest.unwrap_or(usize::MAX))];
        input.iter().position(|byte| *byte == self.pattern[0]).unwrap_or(input.len())
    }

    /// How much of the pattern has come when `byte` comes instead of its next.
    fn fall_back(&self, byte: u8) -> usize {
        let mut border = self.borders[self.matched];
        while border > 0 && self.pattern[border] != byte {
            border = self.borders[border];
        }
        if self.pattern[border] == byte { border + 1 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of `input`, which arrives in pieces of `step` bytes, in pieces of `size`.
    fn pieces(until: &Arc<Mutex<Until>>, input: &str, step: usize, size: usize) -> Vec<String> {
        let (mut rest, mut found) = (input.as_bytes(), Vec::new());
        let mut buffer = BytesMut::new();
        let kind = |rest| Kind::Until { pattern: Arc::clone(until), rest };
        loop {
            let mut filter = Filter::new(kind((size > 0).then_some(size)), usize::MAX);
            while filter.take_from(&mut buffer) != Fed::Done {
                if rest.is_empty() {
                    found.push(format!("!{}", String::from_utf8_lossy(&filter.data)));
                    return found;
                }
                let (piece, more) = rest.split_at(rest.len().min(step));
                buffer.extend_from_slice(piece);
                rest = more;
            }
            found.push(String::from_utf8_lossy(&filter.data).into_owned());
            if std::mem::take(&mut until.lock().found) || size == 0 {
                return found;
            }
        }
    }

    fn until(pattern: &str) -> Arc<Mutex<Until>> {
        Arc::new(Mutex::new(Until::new(pattern.as_bytes(), false)))
    }

    #[test]
    fn a_pattern_is_found_however_it_arrives() {
        let cases = [
            ("--abc", "hello--a--abcx", "hello--a"),
            ("abcabd", "abcabcabd", "abc"),
            ("aaaaad", "baaaaaaaaeaaaaaaadf", "baaaaaaaaeaa"),
            ("abacdef", "abaabacdefg", "aba"),
            ("ab1ab2", "ab1ab1ab2", "ab1"),
        ];
        for (pattern, input, before) in cases {
            for step in 1..=input.len() {
                assert_eq!(pieces(&until(pattern), input, step, 0), [before], "{pattern} {step}");
            }
        }
    }

    #[test]
    fn pieces_have_the_size_asked_for_or_end_at_the_pattern() {
        let input = "hello, world! -agentzh\r\n--abcedhb blah";
        let expected = ["hell", "o, w", "orld", "! -a", "gent", "zh"];
        assert_eq!(pieces(&until("\r\n--abcedhb"), input, 7, 4), expected);
        // A piece is longer where the pattern has begun in vain.
        assert_eq!(pieces(&until("bbbc"), "abbbbcd", 2, 2), ["ab", ""]);
    }

    #[test]
    fn what_ends_before_the_pattern_gives_what_came_before_its_beginning() {
        assert_eq!(pieces(&until("--abc"), "hello--ab", 3, 0), ["!hello"]);
    }

    #[test]
    fn lines_have_no_carriage_returns() {
        let mut filter = Filter::new(Kind::Line, 100);
        let mut input = BytesMut::from("a\rb\r\nrest");
        assert_eq!(filter.take_from(&mut input), Fed::Done);
        assert_eq!((&*filter.data, &*input), (&b"ab"[..], &b"rest"[..]));
    }
}
