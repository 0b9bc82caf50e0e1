//! Bodies in chunks (RFC 9112, section 7.1), as they are received.

use bytes::{Buf, BytesMut};

use super::fed::{Fed, append};

/// A body in chunks, and how far into it what has come so far is.
#[derive(Default)]
pub(crate) struct Chunked {
    state: State,
    line: Vec<u8>,
    /// The trailer section, a field to a line.
    pub(crate) trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    /// So many bytes of the chunk are to come.
    Data(u64),
    /// The line end after a chunk.
    End,
    Trailers,
    Over,
}

/// How long a line between chunks may be, and all trailers.
const MAX_LINE: usize = 4096;
const MAX_TRAILERS: usize = 64 << 10;

/// How much is wanted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Portion {
    All,
    /// A chunk, or what is left of it, up to so many bytes.
    Piece(usize),
}

impl Chunked {
    /// Whether all of it has been received.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Moves what is wanted from `input` to `data`.
    pub(super) fn take_from(
        &mut self,
        input: &mut BytesMut,
        data: &mut BytesMut,
        portion: Portion,
    ) -> Fed {
        while !input.is_empty() {
            match self.state {
                State::Over => return Fed::Done,
                State::Data(left) => {
                    let room = match portion {
                        Portion::All => usize::MAX,
                        Portion::Piece(max) => max - data.len(),
                    };
                    let left = usize::try_from(left).unwrap_or(usize::MAX);
                    let taken = input.split_to(input.len().min(left).min(room));
                    let left = (left - taken.len()) as u64;
                    self.state = if left == 0 { State::End } else { State::Data(left) };
                    append(data, taken);
                    let full = matches!(portion, Portion::Piece(max) if data.len() >= max);
                    if full || left == 0 && portion != Portion::All {
                        return Fed::Done;
                    }
                }
                _ => match self.take_line(input) {
                    None => return Fed::Invalid("unable to read chunksize"),
                    Some(false) => {}
                    Some(true) => {
                        if let Some(problem) = self.end_line() {
                            return Fed::Invalid(problem);
                        }
                        if self.is_over() {
                            return Fed::Done;
                        }
                    }
                },
            }
        }
        Fed::More
    }

    /// Moves a line, or what there is of it, from `input`. Says whether it is whole.
    fn take_line(&mut self, input: &mut BytesMut) -> Option<bool> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(input.len());
        if self.line.len() + length > MAX_LINE {
            return None;
        }
        self.line.extend_from_slice(&input[..length]);
        input.advance(end.map_or(length, |end| end + 1));
        Some(end.is_some())
    }

    /// The line is whole.
    fn end_line(&mut self) -> Option<&'static str> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        match self.state {
            State::Size => match size(line) {
                Some(0) => self.state = State::Trailers,
                Some(size) => self.state = State::Data(size),
                None => return Some("unable to read chunksize"),
            },
            State::End if line.is_empty() => self.state = State::Size,
            State::End => return Some("unable to read the end of a chunk"),
            State::Trailers if line.is_empty() => self.state = State::Over,
            State::Trailers if self.trailers.len() + line.len() > MAX_TRAILERS => {
                return Some("too many trailers");
            }
            State::Trailers => {
                self.trailers.extend_from_slice(line);
                self.trailers.push(b'\n');
            }
            State::Data(_) | State::Over => {}
        }
        None
    }
}

/// The size of a chunk, which may have extensions behind it.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next()?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(body: &str, step: usize) -> (String, String, Fed) {
        let (mut chunked, mut data) = (Chunked::default(), BytesMut::new());
        let mut fed = Fed::More;
        for piece in body.as_bytes().chunks(step) {
            let mut input = BytesMut::from(piece);
            fed = chunked.take_from(&mut input, &mut data, Portion::All);
            if fed != Fed::More {
                break;
            }
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&data), text(&chunked.trailers), fed)
    }

    #[test]
    fn chunks_are_put_together_however_they_arrive() {
        let body = "5\r\nhello\r\n8;a=b\r\n, world!\r\n0\r\nA: 1\r\nB: 2\r\n\r\nrest";
        for step in 1..=body.len() {
            let (data, trailers, fed) = receive(body, step);
            assert_eq!((&*data, &*trailers), ("hello, world!", "A: 1\nB: 2\n"), "{step}");
            assert_eq!(fed, Fed::Done);
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for body in ["x\r\n", "-1\r\n", "+1\r\n", "\r\n", "1\r\nab\r\n", "11111111111111111\r\n"] {
            assert!(matches!(receive(body, 100).2, Fed::Invalid(_)), "{body}");
        }
    }

    #[test]
    fn a_piece_is_a_chunk_or_less() {
        let (mut chunked, mut input) =
            (Chunked::default(), BytesMut::from("5\r\nhello\r\n0\r\n\r\n"));
        let mut next = || {
            let mut data = BytesMut::new();
            let fed = chunked.take_from(&mut input, &mut data, Portion::Piece(3));
            (String::from_utf8_lossy(&data).into_owned(), fed)
        };
        assert_eq!(next(), ("hel".to_owned(), Fed::Done));
        assert_eq!(next(), ("lo".to_owned(), Fed::Done));
        assert_eq!(next(), (String::new(), Fed::Done));
    }
}
