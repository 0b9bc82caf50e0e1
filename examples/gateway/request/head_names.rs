//! [`HeadNames`]: how the names of headers came on a connection of HTTP/1, and are to be written.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Extensions;
use parking_lot::Mutex;

use super::spelling::{Came, Whole, Written};

/// How names came and are to be written, as a connection and those who use it tell each other.
//
// What is asked most does not lock: whether there is anything to look at.
pub(crate) struct HeadNames {
    /// Whether the other end answers: no head of its follows another until it is expected.
    answers: bool,
    /// Whether what comes next from the other end begins with a head.
    is_head: AtomicBool,
    /// Whether a head has come whole, which was looked at then and there, and how its names came.
    has_come: AtomicBool,
    came: Told<Came>,
    /// Whether there is anything in `coming`.
    has_kept: AtomicBool,
    /// What has come of a head that was not whole, or behind one that was.
    coming: Mutex<Vec<u8>>,
    /// For the head that goes out next.
    written: Told<Written>,
}

/// What one tells another, who does not lock if there is nothing.
struct Told<T> {
    is_there: AtomicBool,
    what: Mutex<Option<T>>,
}

/// What a head has at most, with what may have come behind it.
const LONGEST: usize = 128 << 10;

impl HeadNames {
    /// Those of a connection to a client, which asks.
    pub(crate) fn of_client() -> Self {
        Self {
            answers: false,
            is_head: AtomicBool::new(true),
            has_come: AtomicBool::new(false),
            came: Told::nothing(),
            has_kept: AtomicBool::new(false),
            coming: Mutex::default(),
            written: Told::nothing(),
        }
    }

    /// Those of a connection to a service, which answers.
    pub(crate) fn of_service() -> Self {
        Self { answers: true, ..Self::of_client() }
    }

    /// How the names came in the head that hyper has just read, if not in title case. `has_body` says whether
    /// what comes behind it is no head.
    pub(crate) fn came(&self, has_body: bool) -> Option<Came> {
        let came = if self.has_come.load(Ordering::Acquire) {
            self.has_come.store(false, Ordering::Release);
            self.came.take()
        } else {
            self.came_of_kept()
        };
        self.is_head.store(!has_body, Ordering::Release);
        if has_body && self.has_kept.load(Ordering::Acquire) {
            self.coming.lock().clear();
            self.has_kept.store(false, Ordering::Release);
        }
        came
    }

    fn came_of_kept(&self) -> Option<Came> {
        let mut coming = self.coming.lock();
        let mut begin = 0;
        let mut came = None;
        while let Some(whole) = Whole::at_start_of(&coming[begin..]) {
            let head = &coming[begin..begin + whole.length];
            begin += head.len();
            if !is_interim(head) {
                came = whole.names(head);
                break;
            }
        }
        coming.drain(..begin);
        self.has_kept.store(!coming.is_empty(), Ordering::Release);
        came
    }

    /// Says that what comes next begins with a head.
    pub(crate) fn expect(&self) {
        self.is_head.store(true, Ordering::Release);
    }

    /// Has the names in the head of a message be written as its extensions say.
    pub(crate) fn write(&self, extensions: &Extensions) {
        if let Some(written) = Written::of(extensions) {
            self.written.tell(written);
        }
    }

    /// The same for who speaks HTTP/1.0 and is answered, as all are by nginx, in HTTP/1.1 (RFC 9110, section 6.2):
    /// hyper begins the head with the client's version.
    pub(crate) fn write_to_old_client(&self, extensions: &Extensions) {
        self.written.tell(Written::of(extensions).unwrap_or_default());
    }

    /// How the names of the head that goes out are written, if not as hyper writes them.
    pub(super) fn take_written(&self) -> Option<Written> {
        self.written.take()
    }

    /// Looks at what has come.
    pub(super) fn note(&self, bytes: &[u8]) {
        if !self.is_head.load(Ordering::Acquire) {
            return;
        }
        let is_behind =
            self.has_come.load(Ordering::Acquire) || self.has_kept.load(Ordering::Acquire);
        let whole = if is_behind || is_interim(bytes) { None } else { Whole::at_start_of(bytes) };
        match whole {
            Some(whole) if self.answers || whole.length == bytes.len() => {
                if let Some(came) = whole.names(&bytes[..whole.length]) {
                    self.came.tell(came);
                }
                self.has_come.store(true, Ordering::Release);
                self.is_head.store(!self.answers, Ordering::Release);
            }
            _ => self.keep(bytes),
        }
    }

    fn keep(&self, bytes: &[u8]) {
        let mut coming = self.coming.lock();
        coming.extend_from_slice(bytes);
        if coming.len() > LONGEST {
            *coming = Vec::new();
            self.is_head.store(false, Ordering::Release);
        }
        self.has_kept.store(!coming.is_empty(), Ordering::Release);
    }
}

impl<T> Told<T> {
    const fn nothing() -> Self {
        Self { is_there: AtomicBool::new(false), what: Mutex::new(None) }
    }

    fn tell(&self, what: T) {
        *self.what.lock() = Some(what);
        self.is_there.store(true, Ordering::Release);
    }

    fn take(&self) -> Option<T> {
        if !self.is_there.load(Ordering::Acquire) {
            return None;
        }
        self.is_there.store(false, Ordering::Release);
        self.what.lock().take()
    }
}

/// Whether another head follows for the same request.
fn is_interim(head: &[u8]) -> bool {
    head.starts_with(b"HTTP/1.1 1") && !head.starts_with(b"HTTP/1.1 101")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each of these heads is in title case.
    const HEADS: [(&[u8], bool); 6] = [
        (b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", true),
        (b"GET /2 HTTP/1.1\r\nhost: a\r\n\r\n", false),
        (b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n", true),
        (b"GET /4 HTTP/1.1\r\nHost: a\r\nVia: b\r\n\r\n", true),
        (b"GET /5 HTTP/1.1\r\nHOST: a\r\n\r\n", false),
        (b"GET /6 HTTP/1.1\r\nHost: a\r\n\r\n", true),
    ];

    #[test]
    fn heads_are_told_in_their_order_however_many_have_come() {
        for ahead in 0..HEADS.len() {
            let names = HeadNames::of_client();
            let mut coming = HEADS.iter();
            coming.by_ref().take(ahead).for_each(|(head, _)| names.note(head));
            for (head, is_usual) in HEADS {
                coming.next().into_iter().for_each(|(head, _)| names.note(head));
                let head = String::from_utf8_lossy(head);
                assert_eq!(names.came(false).is_none(), is_usual, "{head}, {ahead} ahead");
            }
        }
    }

    #[test]
    fn heads_are_told_in_their_order_into_whatever_parts_they_are_broken() {
        let all = HEADS.map(|(head, _)| head).concat();
        for length in 1..=all.len() {
            let names = HeadNames::of_client();
            all.chunks(length).for_each(|part| names.note(part));
            let told = HEADS.map(|_| names.came(false).is_none());
            assert_eq!(told, HEADS.map(|(_, is_usual)| is_usual), "in parts of {length}");
        }
    }

    #[test]
    fn what_comes_behind_a_head_with_a_body_is_no_head() {
        for head in [HEADS[0].0, HEADS[1].0] {
            for names in [HeadNames::of_client(), HeadNames::of_service()] {
                names.note(&[head, HEADS[4].0].concat());
                let is_usual = head == HEADS[0].0;
                assert_eq!(names.came(true).is_none(), is_usual);
                names.note(HEADS[4].0);
                names.expect();
                names.note(HEADS[3].0);
                assert!(names.came(true).is_none(), "{}", names.answers);
            }
        }
    }

    #[test]
    fn what_a_service_says_before_its_answer_is_no_answer() {
        for (first, is_usual) in [("date: a", true), ("Date: a", false)] {
            let names = HeadNames::of_service();
            names.note(format!("HTTP/1.1 103 Early Hints\r\n{first}\r\n\r\n").as_bytes());
            let name = if is_usual { "Date" } else { "date" };
            names.note(format!("HTTP/1.1 200 OK\r\n{name}: b\r\n\r\n").as_bytes());
            assert_eq!(names.came(true).is_none(), is_usual);
        }
    }
}
