//! The response side of a transaction.

use bytes::Bytes;
use http::header::{
    self, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, LAST_MODIFIED, LOCATION, SERVER,
};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};

use super::names::Names;
use crate::extension::{HeaderNames, ResponseSource};
use crate::lua::Share;
use crate::message::headers::{self, Name, Refused};

/// What functions see of the response, and what they have prepared for it.
#[derive(Default)]
pub(crate) struct Response {
    /// 0 while there is none: `ngx.status`.
    status: u16,
    headers: HeaderMap,
    names: Names,
    /// What came with the service's head beside headers, while `header_filter` looks at it.
    pub(crate) extensions: Extensions,
    /// The headers that a function set and the service did not send.
    added: Added,
    /// What the service answered, before functions changed it.
    service_status: Option<u16>,
    /// What functions have printed, a chunk for each call.
    output: Vec<Bytes>,
    output_len: usize,
    /// The body that functions have made in the place of any other, if they have printed nothing.
    pub(crate) replacement: Option<Bytes>,
    /// The service's whole body, when buffering was asked for.
    pub(crate) service_body: Option<Box<Bytes>>,
    pub(crate) source: Option<Source>,
    /// Whether the head is on its way to the client.
    pub(crate) sent: bool,
    /// Whether the body that functions made has a length to be told: it is all there is, and no
    /// function has set another.
    measured: bool,
    /// Whether a function printed something, be it gone.
    has_output: bool,
    /// Whether a function printed, even if nothing.
    pub(crate) printed: bool,
    /// Whether a function has said that it will print no more.
    pub(crate) ended: bool,
    /// Whether what is printed is held until its length is known: over HTTP/1.0.
    pub(crate) buffers: bool,
    /// Whether it goes out while the function goes on.
    pub(crate) streams: bool,
    pub(crate) body_bytes: u64,
    /// Whether functions have said how long the body is.
    pub(crate) says_length: bool,
    /// Whether the client is to get nothing but the end of its connection.
    pub(crate) closes: bool,
    /// Whether the client's connection is a function's after it.
    pub(crate) upgrades: bool,
    /// Whether `If-None-Match` and its like are not looked at.
    pub(crate) ignores_conditions: bool,
}

/// The names of a few headers. A hash would cost more than it saves.
#[derive(Default)]
struct Added(Vec<HeaderName>);

impl Added {
    fn contains(&self, name: &HeaderName) -> bool {
        self.0.contains(name)
    }

    fn insert(&mut self, name: HeaderName) -> bool {
        let is_new = !self.contains(&name);
        if is_new {
            self.0.push(name);
        }
        is_new
    }

    fn remove(&mut self, name: &HeaderName) -> bool {
        let place = self.0.iter().position(|added| added == name);
        place.map(|place| self.0.swap_remove(place)).is_some()
    }
}

/// How a response of HTTP/1 tells its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framing {
    pub(crate) connection: &'static str,
    pub(crate) length: Option<u64>,
    pub(crate) is_chunked: bool,
}

/// Who made the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Exit,
    Error,
    Service,
}

impl Source {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Error => "error",
            Self::Service => "service",
        }
    }
}

impl Response {
    pub(crate) fn is_untouched(&self) -> bool {
        self.status == 0 && self.headers.is_empty()
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        self.status = status;
        self.closes = false;
    }

    pub(crate) fn service_status(&self) -> Option<u16> {
        self.service_status
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers of the service's answer: without those that only functions set.
    pub(crate) fn service_headers(
        &self,
    ) -> impl Iterator<Item = (&HeaderName, &http::HeaderValue)> {
        let from_service = self.service_status.is_some();
        self.headers.iter().filter(move |(name, _)| from_service && !self.added.contains(name))
    }

    /// Replaces a header; with no value, removes it.
    pub(crate) fn set_header<'a>(
        &mut self,
        name: &Name<'_>,
        values: impl IntoIterator<Item = &'a [u8]>,
        share: &mut Share,
    ) -> Result<(), Refused> {
        let is_new = !self.headers.contains_key(&name.name);
        headers::set(&mut self.headers, &name.name, values, &SINGLE, share)?;
        self.note_header(name, is_new, self.headers.contains_key(&name.name));
        Ok(())
    }

    /// Replaces a header with one value.
    pub(crate) fn set_one_header(
        &mut self,
        name: &Name<'_>,
        value: &[u8],
        share: &mut Share,
    ) -> Result<(), Refused> {
        let is_new = headers::set_one(&mut self.headers, &name.name, value, share)?;
        self.note_header(name, is_new, true);
        Ok(())
    }

    /// Takes note of a header that a function has set.
    fn note_header(&mut self, name: &Name<'_>, is_new: bool, is_there: bool) {
        self.says_length |= name.name == CONTENT_LENGTH;
        self.names.note(name, is_new, is_there);
        match is_there {
            true if is_new => self.added.insert(name.name.clone()),
            true => false,
            false => self.added.remove(&name.name),
        };
    }

    pub(crate) fn add_header(
        &mut self,
        name: &Name<'_>,
        value: &[u8],
        share: &mut Share,
    ) -> Result<(), Refused> {
        let (written, name) = (name, name.name.clone());
        let new = !self.headers.contains_key(&name);
        headers::add(&mut self.headers, &name, value, &SINGLE, share)?;
        self.says_length |= name == CONTENT_LENGTH;
        self.names.note(written, new, true);
        if new {
            self.added.insert(name);
        }
        Ok(())
    }

    pub(crate) fn remove_header(&mut self, name: &HeaderName) {
        if self.headers.remove(name).is_some() {
            self.names.forget(name);
        }
    }

    /// How functions have written the names of headers, where HTTP writes them otherwise.
    pub(crate) fn names(&self) -> Option<&HeaderNames> {
        self.names.spelled()
    }

    /// The same, for whoever is the last to ask.
    pub(crate) fn take_names(&mut self) -> Option<HeaderNames> {
        self.names.take_spelled()
    }

    /// Forgets the body that functions have made.
    pub(crate) fn clear_body(&mut self) {
        self.take_output();
        self.replacement = None;
        self.measured = false;
        self.headers.remove(CONTENT_LENGTH);
    }

    /// Shows functions how the message is framed, once that is settled.
    pub(crate) fn show_framing(&mut self, framing: Framing) {
        self.headers.insert(header::CONNECTION, HeaderValue::from_static(framing.connection));
        match framing.length {
            Some(length) => {
                self.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
            None => {
                self.headers.remove(CONTENT_LENGTH);
            }
        }
        if framing.is_chunked {
            let chunked = HeaderValue::from_static("chunked");
            self.headers.insert(header::TRANSFER_ENCODING, chunked);
        }
    }

    /// Replaces a header with a value that is known to be one.
    pub(crate) fn put(&mut self, name: HeaderName, value: &str) {
        let value = HeaderValue::from_str(value).expect("only visible characters");
        self.headers.insert(name, value);
    }

    /// Adds what a function prints to the body, if that is still at most `limit` bytes long then.
    pub(crate) fn print(&mut self, text: Bytes, limit: u64) -> bool {
        let len = self.output_len + text.len();
        if len as u64 > limit {
            return false;
        }
        self.output_len = len;
        self.has_output |= len > 0;
        if !text.is_empty() {
            self.output.push(text);
        }
        true
    }

    /// How many bytes functions have printed that are not on their way.
    pub(crate) fn output_len(&self) -> usize {
        self.output_len
    }

    /// Whether functions have printed anything that has a length.
    pub(crate) fn has_output(&self) -> bool {
        self.has_output
    }

    /// Sends the head to the client, or does as if: what functions do to it from now on is too late.
    pub(crate) fn send_head(&mut self) {
        if self.status == 0 {
            self.status = StatusCode::OK.as_u16();
        }
        self.printed = true;
        self.sent = true;
        self.source.get_or_insert(Source::Error);
    }

    /// The body that functions have made, if they have made any.
    #[cfg(feature = "testing")]
    pub(crate) fn own_body(&self) -> Option<Bytes> {
        let printed = || (!self.output.is_empty()).then(|| self.output.concat().into());
        self.replacement.clone().or_else(printed)
    }

    /// What functions have printed or answered with, a chunk for each time.
    pub(crate) fn take_output(&mut self) -> Vec<Bytes> {
        self.output_len = 0;
        std::mem::take(&mut self.output)
    }

    /// Makes `body` the whole body of the response. Whether it is `measured`, or has the length
    /// that a function has set.
    pub(crate) fn end_with(&mut self, body: Bytes, measured: bool) {
        self.measured = measured;
        if measured {
            // What a function has set before was the length of something else.
            self.headers.remove(CONTENT_LENGTH);
        }
        let is_printed = self.printed && self.output.is_empty() && !self.streams;
        if self.service_status.is_some() || !is_printed {
            self.replacement = Some(body);
        } else {
            self.output.push(body);
        }
    }

    /// Says how long the body is, where a function or client is going to look at the header. hyper
    /// would say it anyway, but for HEAD.
    pub(crate) fn measure(&mut self) {
        if std::mem::take(&mut self.measured) {
            let length = self.replacement.as_ref().or(self.output.first()).map_or(0, Bytes::len);
            self.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
    }

    /// The same for a body of no length at all.
    pub(crate) fn end_empty(&mut self) {
        self.end_with(Bytes::new(), true);
    }

    /// Takes in the head that the service answered with, under the headers that functions set
    /// before.
    pub(crate) fn receive(
        &mut self,
        status: StatusCode,
        mut headers: HeaderMap,
        source: Option<ResponseSource>,
    ) {
        self.status = status.as_u16();
        self.source = Some(match source {
            None => Source::Service,
            Some(ResponseSource::Exit) => Source::Exit,
            Some(ResponseSource::Error) => Source::Error,
        });
        self.service_status = source.is_none().then_some(self.status);
        if self.headers.is_empty() {
            self.headers = headers;
            return;
        }
        // As nginx merges them: what may stand only once is the service's, the rest comes after
        // what functions have set.
        let mut name = None;
        for (next, value) in headers.drain() {
            name = next.or(name);
            let Some(name) = &name else { continue };
            if is_singleton(name) && self.added.contains(name) {
                self.headers.remove(name);
                self.names.forget(name);
            }
            self.added.remove(name);
            self.headers.append(name, value);
        }
    }

    /// Sees the head again after other layers have had it.
    pub(crate) fn resume(&mut self, status: StatusCode, headers: HeaderMap) {
        self.set_status(status.as_u16());
        self.headers = headers;
    }

    /// The bytes of the response as HTTP/1.1 has them, as far as they have been sent: `$bytes_sent`.
    pub(crate) fn length(&self) -> u64 {
        let headers =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
        17 + (headers.sum::<usize>() + 2) as u64 + self.body_bytes
    }

    /// Gives the client, and the layers further out, their `head`.
    pub(crate) fn give_head(&mut self, head: &mut http::response::Parts) {
        head.status = self.status_code();
        // A map that is dropped as part of the transaction costs less than one more.
        std::mem::swap(&mut head.headers, &mut self.headers);
    }

    /// The same, with a copy kept for later phases.
    pub(crate) fn share_head(&mut self, head: &mut http::response::Parts) {
        head.status = self.status_code();
        // As of a request, the copy is what is kept.
        let kept = self.headers.clone();
        head.headers = std::mem::replace(&mut self.headers, kept);
    }

    fn status_code(&self) -> StatusCode {
        // A function may leave 0 (it printed and set nothing) or a number that no response can have.
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        // One that announces another response is only a service's to give.
        let is_own = !self.upgrades && self.service_status != Some(self.status);
        if status.is_informational() && is_own {
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
        status
    }
}

/// The headers of which functions set one alone.
static SINGLE: [HeaderName; 12] = [
    header::ACCEPT_RANGES,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::DATE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::LOCATION,
    header::REFRESH,
    header::SERVER,
];

fn is_singleton(name: &HeaderName) -> bool {
    [CONTENT_TYPE, CONTENT_LENGTH, LOCATION, LAST_MODIFIED, DATE, SERVER].contains(name)
}
