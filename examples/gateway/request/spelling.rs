//! How the names of headers are written in HTTP/1: as they came, as functions have written them, or else in
//! title case, as hyper writes them.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use memchr::{memchr, memchr_iter};
use tower_lua::HeaderNames;

/// The names of a message's headers as they came, in their order; in its extensions, where one of them is not
/// in title case.
#[derive(Clone, Debug)]
pub(crate) struct Came(Arc<[Box<[u8]>]>);

impl Came {
    /// The names in `head`.
    pub(super) fn of(head: &[u8]) -> Self {
        Self(lines(head).map(|(start, end)| Box::from(&head[start..end])).collect())
    }
}

/// A head that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) length: usize,
    /// Whether all names are written as hyper writes them.
    pub(super) is_in_title_case: bool,
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

    /// Writes the names of a head so.
    pub(super) fn apply(&self, head: &mut [u8]) {
        if let Some(came) = &self.came {
            let mut came: Vec<&[u8]> = came.0.iter().map(|name| &**name).collect();
            for (start, end) in lines(head).collect::<Vec<_>>() {
                let name = &mut head[start..end];
                if let Some(written) = take(&mut came, name) {
                    name.copy_from_slice(written);
                }
            }
        }
        for (name, written) in self.by_functions.iter().flat_map(HeaderNames::iter) {
            rename(head, name.as_str().as_bytes(), written.as_bytes());
        }
    }
}

/// Has each header `name` of a head be called as `written`.
fn rename(head: &mut [u8], name: &[u8], written: &[u8]) {
    let mut rest = head;
    while let Some(end) = memchr(b'\n', rest) {
        rest = &mut rest[end + 1..];
        if rest.get(name.len()) == Some(&b':')
            && let Some(found) = rest.get_mut(..name.len())
            && found.eq_ignore_ascii_case(name)
        {
            found.copy_from_slice(written);
        }
    }
}

/// The names of `headers` as they came: one text for each value.
pub(crate) fn names(headers: &HeaderMap, extensions: &Extensions) -> Vec<String> {
    let came = extensions.get::<Came>();
    let mut came: Vec<&[u8]> =
        came.iter().flat_map(|came| came.0.iter().map(|name| &**name)).collect();
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

    #[test]
    fn a_head_goes_out_with_the_names_that_it_came_with_value_by_value() {
        let mut head =
            b"GET / HTTP/1.1\r\nX-A: x-a:\r\nVia: x\r\nX-A: 2\r\nX-A: 3\r\n\r\n".to_vec();
        Written::of(&extensions()).unwrap().apply(&mut head);
        let expected = "GET / HTTP/1.1\r\nx-A: x-a:\r\nVia: x\r\nX-a: 2\r\nX-A: 3\r\n\r\n";
        assert_eq!(String::from_utf8(head).unwrap(), expected);
    }

    #[test]
    fn a_name_is_written_as_functions_have_it_wherever_it_stands() {
        let mut head = b"GET /x-a: HTTP/1.1\r\nX-A: a\r\nX-Ab: b\r\nX-a: X-A:\r\n\r\n".to_vec();
        rename(&mut head, b"x-a", b"x-a");
        let expected = "GET /x-a: HTTP/1.1\r\nx-a: a\r\nX-Ab: b\r\nx-a: X-A:\r\n\r\n";
        assert_eq!(String::from_utf8(head).unwrap(), expected);
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
