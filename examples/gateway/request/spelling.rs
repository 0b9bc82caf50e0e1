//! How the names of headers are written in HTTP/1: as they came, as functions have written them, or else in
//! title case, as hyper writes them.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use memchr::{memchr, memchr_iter};
use tower_lua::HeaderNames;

/// The names of a message's headers as they came, in its extensions, where one of them is not in title case:
/// all of such a name, in their order, and none of those that hyper would write as they came.
#[derive(Clone, Debug)]
pub(crate) struct Came(Arc<[Box<[u8]>]>);

impl Came {
    /// The names in `head`.
    fn of(head: &[u8]) -> Self {
        let all: Vec<&[u8]> = lines(head).map(|(start, end)| &head[start..end]).collect();
        let foreign: Vec<&[u8]> =
            all.iter().copied().filter(|name| !begins_in_title_case(name)).collect();
        let is_kept = |name: &&[u8]| foreign.iter().any(|other| other.eq_ignore_ascii_case(name));
        Self(all.into_iter().filter(is_kept).map(Box::from).collect())
    }

    fn names(&self) -> Vec<&[u8]> {
        self.0.iter().map(|name| &**name).collect()
    }
}

/// A head that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) length: usize,
    /// Whether all names are written as hyper writes them.
    is_in_title_case: bool,
}

impl Whole {
    /// The head that `bytes` begin with, if all of it is there: its end and its names are looked for in one go,
    /// line by line.
    pub(super) fn at_start_of(bytes: &[u8]) -> Option<Self> {
        let mut is_in_title_case = true;
        let mut start = memchr(b'\n', bytes)? + 1;
        loop {
            let line = &bytes[start..];
            if line.starts_with(b"\r\n") && bytes[..start].ends_with(b"\r\n") {
                return Some(Self { length: start + 2, is_in_title_case });
            }
            is_in_title_case = is_in_title_case && begins_in_title_case(line);
            start += memchr(b'\n', line)? + 1;
        }
    }

    /// How its names came, if not all are in title case.
    pub(super) fn names(&self, head: &[u8]) -> Option<Came> {
        (!self.is_in_title_case).then(|| Came::of(head))
    }
}

/// How the names in a head are to be written that hyper would write in title case.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    came: Option<Came>,
    by_functions: Option<HeaderNames>,
}

impl Written {
    /// What the extensions of a message say of it.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        let (came, by_functions) = (extensions.get().cloned(), extensions.get().cloned());
        (came.is_some() || by_functions.is_some()).then_some(Self { came, by_functions })
    }

    /// Puts the head that `bytes` begin with into `head`, its names written so, and its version as 1.1. Nothing,
    /// if there is none.
    pub(super) fn write(&self, bytes: &[u8], head: &mut Vec<u8>) {
        let came = self.came.as_ref().map(Came::names).unwrap_or_default();
        let by_functions = self.by_functions.iter().flat_map(HeaderNames::iter);
        let by_functions: Vec<_> = by_functions
            .map(|(name, written)| (name.as_str().as_bytes(), written.as_bytes()))
            .collect();
        write(bytes, came, &by_functions, head);
    }
}

/// The same with the names as they `came`, and after them those of functions with how they are written.
fn write(bytes: &[u8], mut came: Vec<&[u8]>, by_functions: &[(&[u8], &[u8])], head: &mut Vec<u8>) {
    head.extend_from_slice(bytes);
    if head.starts_with(b"HTTP/1.0 ") {
        head[..9].copy_from_slice(b"HTTP/1.1 ");
    }
    let mut start = 0;
    while let Some(end) = memchr(b'\n', &head[start..]) {
        start += end + 1;
        let line = &mut head[start..];
        if line.starts_with(b"\r\n") {
            head.truncate(start + 2);
            return;
        }
        if let Some(place) = came.iter().position(|name| is_of(line, name)) {
            let name = came.remove(place);
            line[..name.len()].copy_from_slice(name);
        }
        for (name, written) in by_functions {
            if is_of(line, name) {
                line[..written.len()].copy_from_slice(written);
            }
        }
    }
    head.clear();
}

/// Whether a line is that of the header `name`.
fn is_of(line: &[u8], name: &[u8]) -> bool {
    line.get(name.len()) == Some(&b':') && line[..name.len()].eq_ignore_ascii_case(name)
}

/// The names of `headers` as they came: one text for each value.
pub(crate) fn names(headers: &HeaderMap, extensions: &Extensions) -> Vec<String> {
    let mut came = extensions.get().map(Came::names).unwrap_or_default();
    let written = |name: &str| match take(&mut came, name.as_bytes()) {
        Some(written) => String::from_utf8_lossy(written).into_owned(),
        None => in_title_case(name),
    };
    headers.iter().map(|(name, _)| name.as_str()).map(written).collect()
}

/// The first of `names` that is `name` in whatever case.
fn take<'a>(names: &mut Vec<&'a [u8]>, name: &[u8]) -> Option<&'a [u8]> {
    let place = names.iter().position(|written| written.eq_ignore_ascii_case(name))?;
    Some(names.remove(place))
}

/// Where the names in the lines of a head stand, after its first line.
fn lines(head: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    memchr_iter(b'\n', head).filter_map(|end| {
        let start = end + 1;
        Some((start, start + memchr(b':', &head[start..])?))
    })
}

/// Whether the name that a line begins with is in title case.
fn begins_in_title_case(line: &[u8]) -> bool {
    let mut begins_word = true;
    for letter in line {
        let is_foreign = match letter {
            b':' | b'\n' => break,
            _ if begins_word => letter.is_ascii_lowercase(),
            _ => letter.is_ascii_uppercase(),
        };
        if is_foreign {
            return false;
        }
        begins_word = *letter == b'-';
    }
    true
}

fn in_title_case(name: &str) -> String {
    let mut before = '-';
    let title = name.chars().map(|letter| {
        let letter = if before == '-' { letter.to_ascii_uppercase() } else { letter };
        before = letter;
        letter
    });
    title.collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const HEAD: &[u8] = b"GET /x-a: HTTP/1.1\r\nHost: a\r\nx-A: 1\r\nX-a: 2\r\n\r\n";

    fn extensions() -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Came::of(HEAD));
        extensions
    }

    #[test]
    fn names_that_nobody_has_written_are_in_title_case() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-a", "1"), ("content-length", "5"), ("x-a", "2"), ("te", "x")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let title = names(&headers, &Extensions::new());
        assert_eq!(title, ["X-A", "X-A", "Content-Length", "Te"]);
        assert_eq!(names(&headers, &extensions()), ["x-A", "X-a", "Content-Length", "Te"]);
    }

    fn written(written: &Written, bytes: &[u8]) -> String {
        let mut head = Vec::new();
        written.write(bytes, &mut head);
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn a_head_goes_out_with_the_names_that_it_came_with_value_by_value() {
        let head = b"GET / HTTP/1.1\r\nX-A: x-a:\r\nVia: x\r\nX-A: 2\r\nX-A: 3\r\n\r\n";
        let expected = "GET / HTTP/1.1\r\nx-A: x-a:\r\nVia: x\r\nX-a: 2\r\nX-A: 3\r\n\r\n";
        assert_eq!(written(&Written::of(&extensions()).unwrap(), head), expected);
    }

    #[test]
    fn a_name_in_title_case_keeps_its_place_among_others_of_that_name() {
        let came = Came::of(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n");
        assert_eq!(came.names(), [b"X-A", b"x-a"]);
        let names = Written { came: Some(came), by_functions: None };
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\n\r\n";
        let expected = "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n";
        assert_eq!(written(&names, head), expected);
    }

    #[test]
    fn what_comes_behind_a_head_is_no_part_of_it_and_without_its_end_there_is_none() {
        let names = Written::of(&extensions()).unwrap();
        let head = b"GET / HTTP/1.1\r\nX-A: 1\r\n\r\nX-A: body\r\n";
        assert_eq!(written(&names, head), "GET / HTTP/1.1\r\nx-A: 1\r\n\r\n");
        assert_eq!(written(&names, b"GET / HTTP/1.1\r\nX-A: 1\r\n"), "");
    }

    #[test]
    fn who_answers_speaks_http_1_1() {
        let head = b"HTTP/1.0 200 OK\r\nX-A: HTTP/1.0 \r\n\r\n";
        let expected = "HTTP/1.1 200 OK\r\nX-A: HTTP/1.0 \r\n\r\n";
        assert_eq!(written(&Written::default(), head), expected);
    }

    #[test]
    fn a_name_is_written_as_functions_have_it_wherever_it_stands() {
        let mut head = Vec::new();
        let came = b"GET /x-a: HTTP/1.1\r\nX-A: a\r\nX-Ab: b\r\nX-a: X-A:\r\n\r\n";
        write(came, Vec::new(), &[(b"x-a", b"x-a")], &mut head);
        let expected = "GET /x-a: HTTP/1.1\r\nx-a: a\r\nX-Ab: b\r\nx-a: X-A:\r\n\r\n";
        assert_eq!(String::from_utf8(head).unwrap(), expected);
    }

    #[test]
    fn a_name_is_that_of_a_line_only_where_the_line_begins_with_it() {
        assert!(is_of(b"X-A: a\r\n", b"x-a"));
        assert!(!is_of(b"X-Ab: b\r\n", b"x-a"));
        assert!(!is_of(b"X-", b"x-a"));
    }

    #[test]
    fn names_in_title_case_are_not_worth_a_note() {
        let is_noted = |head: &[u8]| !Whole::at_start_of(head).unwrap().is_in_title_case;
        assert!(!is_noted(b"GET / HTTP/1.1\r\nHost: a\r\nX-1-Ab: c\r\n\r\n"));
        assert!(is_noted(b"GET / HTTP/1.1\r\nHost: a\r\nETag: c\r\n\r\n"));
        assert!(is_noted(b"GET / HTTP/1.1\r\nhost: a\r\nX-A: c\r\n\r\n"));
    }

    #[test]
    fn a_head_ends_at_its_first_empty_line_and_is_none_before() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let whole = Whole { length: head.len(), is_in_title_case: true };
        let followed = [&head[..], b"x-a: b\r\n\r\n"].concat();
        assert_eq!(Whole::at_start_of(&followed), Some(whole));
        for length in 0..head.len() {
            assert_eq!(Whole::at_start_of(&head[..length]), None);
        }
        let empty = Whole { length: 4, is_in_title_case: true };
        assert_eq!(Whole::at_start_of(b"\r\n\r\nGET"), Some(empty));
    }
}
