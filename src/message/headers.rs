//! Header fields as Lua code names them: any case, `_` for `-`, any bytes.

use std::borrow::Cow;
use std::cell::RefCell;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, Entry, HeaderName, HeaderValue};
use rustc_hash::FxHashMap;

use crate::lua::{OutOfMemory, Share};
use crate::message::uri::{self, Escape};

/// The longest name that a header has, in bytes: `http`'s limit.
const MAX_NAME_LEN: usize = 65_535;

/// The longest header value that a function may set, in bytes.
///
/// Peers refuse heads of this size anyway: hyper reads at most 400 KiB, nginx 32 KiB.
const MAX_VALUE_LEN: usize = 128 * 1024;

/// The most header fields that functions may make of a request's or response's.
///
/// A map holds eight times as many and panics beyond: this leaves room for what the layer adds.
pub(crate) const MAX_COUNT: usize = 4096;

/// Why a header could not be set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    EmptyName,
    NameTooLong(usize),
    ValueTooLong(usize),
    TooMany,
    /// The request may not hold as much.
    OutOfMemory,
    /// The header's value has a syntax that this is not.
    Unfit,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::EmptyName => f.write_str("header name must not be empty"),
            Self::NameTooLong(len) => write!(f, "header name too long: {len} bytes"),
            Self::ValueTooLong(len) => {
                write!(f, "header value too long: {len} bytes (limit: {MAX_VALUE_LEN})")
            }
            Self::Unfit => f.write_str("failed to set header"),
            Self::OutOfMemory => f.write_str("not enough memory"),
            Self::TooMany => write!(f, "too many headers (limit: {MAX_COUNT})"),
        }
    }
}

/// The first value of the header `name`.
pub(crate) fn get<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a HeaderValue> {
    if name.len() > MAX_NAME_LEN {
        return None;
    }
    if headers.len() <= FEW {
        return find(headers, name);
    }
    let value = std::str::from_utf8(name).ok().and_then(|name| headers.get(name));
    if value.is_some() || !name.iter().any(|&byte| is_separator(byte)) {
        return value;
    }
    headers.iter().find(|(key, _)| same_name(key, name)).map(|(_, value)| value)
}

/// How many headers are looked at one after the other: to find one of them by its hash takes longer.
const FEW: usize = 16;

/// The same where there are few.
fn find<'a>(headers: &'a HeaderMap, name: &[u8]) -> Option<&'a HeaderValue> {
    let mut similar = None;
    for (key, value) in headers.iter().filter(|(key, _)| key.as_str().len() == name.len()) {
        let key_bytes = key.as_str().as_bytes();
        // Most functions write names in lower case, as they are here.
        if key_bytes == name || key_bytes.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        if similar.is_none() && same_name(key, name) {
            similar = Some(value);
        }
    }
    similar
}

/// All values of the header `name`, in order of arrival.
pub(crate) fn get_all<'a>(
    headers: &'a HeaderMap,
    name: &'a [u8],
) -> impl Iterator<Item = &'a HeaderValue> {
    headers.iter().filter(move |(key, _)| same_name(key, name)).map(|(_, value)| value)
}

/// Replaces all values of the header `name`; with no value, removes it. Of a header in `singles`
/// there is one: of several values the last counts, as in nginx.
pub(crate) fn set<'a>(
    headers: &mut HeaderMap,
    name: &HeaderName,
    values: impl IntoIterator<Item = &'a [u8]>,
    singles: &[HeaderName],
    share: &mut Share,
) -> Result<(), Refused> {
    let mut kept = Vec::new();
    let is_single = singles.contains(name);
    for value in values {
        let is_counted = headers.len() + kept.len() >= FREE_COUNT;
        let value = held_value(name, value, is_counted, share)?;
        if is_single {
            kept.clear();
        }
        ensure_room(headers, kept.len() + 1)?;
        kept.push(value);
    }
    headers.remove(name);
    for value in kept {
        headers.append(name, value);
    }
    Ok(())
}

/// Replaces all values of the header `name` with one. Whether there was none.
pub(crate) fn set_one(
    headers: &mut HeaderMap,
    name: &HeaderName,
    value: &[u8],
    share: &mut Share,
) -> Result<bool, Refused> {
    let value = held_value(name, value, headers.len() >= FREE_COUNT, share)?;
    ensure_room(headers, 1)?;
    match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            Ok(true)
        }
        // It becomes the last, as any header that is set.
        Entry::Occupied(entry) => {
            entry.remove_entry_mult().1.for_each(drop);
            headers.append(name, value);
            Ok(false)
        }
    }
}

/// Adds a value to the header `name`, after the ones it has; or in their place, if it is in
/// `singles`.
pub(crate) fn add(
    headers: &mut HeaderMap,
    name: &HeaderName,
    value: &[u8],
    singles: &[HeaderName],
    share: &mut Share,
) -> Result<(), Refused> {
    let value = held_value(name, value, headers.len() >= FREE_COUNT, share)?;
    if singles.contains(name) {
        headers.remove(name);
    }
    ensure_room(headers, 1)?;
    headers.append(name, value);
    Ok(())
}

fn ensure_room(headers: &HeaderMap, count: usize) -> Result<(), Refused> {
    if headers.len() + count > MAX_COUNT { Err(Refused::TooMany) } else { Ok(()) }
}

/// The name of a header, and how a function has written it.
pub(crate) struct Name<'a> {
    pub(crate) name: HeaderName,
    written: &'a [u8],
}

impl<'a> Name<'a> {
    /// The name of a request header.
    pub(crate) fn of_request(written: &'a [u8]) -> Result<Self, Refused> {
        Ok(Self { name: name_of(written)?, written })
    }

    /// The name of a response header, where `_` means `-`.
    pub(crate) fn of_response(written: &'a [u8]) -> Result<Self, Refused> {
        Ok(Self { name: response_name_of(written)?, written })
    }

    /// Whether it is sent with bytes in an escaped form that no name can have.
    pub(crate) fn is_escaped(&self) -> bool {
        self.name.as_str().len() != self.written.len()
    }

    /// As a function has written it, for messages.
    pub(crate) fn written(&self) -> impl std::fmt::Display {
        self.written.escape_ascii()
    }

    /// How it is written, where HTTP has another way: `None` for `X-Custom-Auth` unless `always`.
    pub(crate) fn spelling(&self, always: bool) -> Option<Cow<'_, str>> {
        let is_short = self.written.len() <= FREE_LEN;
        if !is_short || (!always && is_title_case(self.written)) {
            return None;
        }
        let name = self.name.as_str();
        if self.written == name.as_bytes() {
            return Some(Cow::Borrowed(name));
        }
        let written = std::str::from_utf8(self.written).ok()?;
        if written.eq_ignore_ascii_case(name) {
            return Some(Cow::Borrowed(written));
        }
        let dashed = written.replace('_', "-");
        dashed.eq_ignore_ascii_case(name).then_some(Cow::Owned(dashed))
    }
}

impl From<HeaderName> for Name<'_> {
    /// The name as HTTP has it.
    fn from(name: HeaderName) -> Self {
        Self { name, written: b"" }
    }
}

/// Whether a name has upper case where words begin, and nowhere else.
fn is_title_case(name: &[u8]) -> bool {
    let mut begins = true;
    name.iter().all(|byte| {
        let fits = if begins { !byte.is_ascii_lowercase() } else { !byte.is_ascii_uppercase() };
        begins = *byte == b'-';
        fits
    })
}

/// The header name that `name` stands for, bytes that a name cannot have percent-encoded, as
/// lua-nginx-module encodes them.
pub(crate) fn name_of(name: &[u8]) -> Result<HeaderName, Refused> {
    if name.is_empty() {
        return Err(Refused::EmptyName);
    }
    if name.len() > MAX_NAME_LEN {
        return Err(Refused::NameTooLong(name.len()));
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(found) = known.get(name) {
            return Ok(found.clone());
        }
        let made = HeaderName::from_bytes(name)
            .or_else(|_| HeaderName::from_bytes(&uri::escape(name, Escape::HeaderName)))
            .map_err(|_| Refused::NameTooLong(name.len()))?;
        if name.len() <= MAX_KNOWN_LEN {
            if known.len() == MAX_KNOWN {
                known.clear();
            }
            known.insert(name.into(), made.clone());
        }
        Ok(made)
    })
}

thread_local! {
    /// Names that functions have written: the same few over and over. To make one takes longer than
    /// to find it.
    static KNOWN: RefCell<FxHashMap<Box<[u8]>, HeaderName>> = RefCell::default();
}

/// How many names are remembered, and how long they may be.
const MAX_KNOWN: usize = 256;
const MAX_KNOWN_LEN: usize = 64;

/// The same for a response header, where `_` in a name means `-`.
pub(crate) fn response_name_of(name: &[u8]) -> Result<HeaderName, Refused> {
    if name.len() > MAX_NAME_LEN || !name.contains(&b'_') {
        return name_of(name);
    }
    let dashed: Vec<u8> = name.iter().map(|&b| if b == b'_' { b'-' } else { b }).collect();
    name_of(&dashed)
}

/// How many short headers are not worth counting, and how long those are: about what clients send.
const FREE_COUNT: usize = 64;
const FREE_LEN: usize = 256;

/// The header value with the bytes `value`, which counts with the name against `share` as long as it
/// is there.
pub(crate) fn held_value(
    name: &HeaderName,
    value: &[u8],
    is_counted: bool,
    share: &mut Share,
) -> Result<HeaderValue, Refused> {
    let length = name.as_str().len() + value.len();
    if !is_counted && length <= FREE_LEN {
        return value_of(name, value);
    }
    let value = value_of(name, value)?;
    let held = share.keep_with(value.as_bytes(), name.as_str().len());
    let held = held.map_err(|OutOfMemory| Refused::OutOfMemory)?;
    HeaderValue::from_maybe_shared(held).map_err(|_| Refused::Unfit)
}

/// The header value with the bytes `value`. Control bytes are percent-encoded, as
/// lua-nginx-module encodes them, so that no value can start a new header.
fn value_of(name: &HeaderName, value: &[u8]) -> Result<HeaderValue, Refused> {
    if *name == CONTENT_LENGTH && !is_length(value) {
        return Err(Refused::Unfit);
    }
    if value.len() > MAX_VALUE_LEN {
        return Err(Refused::ValueTooLong(value.len()));
    }
    HeaderValue::from_bytes(value)
        .or_else(|_| HeaderValue::from_bytes(&uri::escape(value, Escape::HeaderValue)))
        .map_err(|_| Refused::ValueTooLong(value.len()))
}

fn is_length(value: &[u8]) -> bool {
    value.len() < 19 && value.iter().all(u8::is_ascii_digit)
}

/// Whether `name` means the header `key`.
pub(crate) fn same_name(key: &HeaderName, name: &[u8]) -> bool {
    let key = key.as_str().as_bytes();
    key.len() == name.len()
        && key.iter().zip(name).all(|(&key, &name)| {
            key == name.to_ascii_lowercase() || (is_separator(key) && is_separator(name))
        })
}

fn is_separator(byte: u8) -> bool {
    byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append("x-custom-auth", HeaderValue::from_static("first"));
        headers.append("x-custom-auth", HeaderValue::from_static("second"));
        headers
    }

    #[test]
    fn underscores_and_dashes_name_the_same_header() {
        for name in ["x-custom-auth", "X-Custom-Auth", "x_custom_auth", "X_Custom-AUTH"] {
            assert_eq!(get(&headers(), name.as_bytes()).unwrap(), "first", "{name}");
        }
        assert_eq!(get(&headers(), b"xcustomauth"), None);
        assert_eq!(get_all(&headers(), b"x_custom_auth").count(), 2);
    }

    #[test]
    fn a_line_break_in_a_value_is_encoded() {
        let (mut headers, name) = (HeaderMap::new(), name_of(b"X-A").unwrap());
        let (value, mut share) = (&b"a\r\nSet-Cookie: b"[..], Share::default());
        set(&mut headers, &name, [value], &[], &mut share).unwrap();
        assert_eq!(headers["x-a"], "a%0D%0ASet-Cookie: b");
    }

    #[test]
    fn bytes_that_no_name_may_have_are_encoded() {
        assert_eq!(name_of(b"a b:c").unwrap(), "a%20b%3ac");
        assert_eq!(response_name_of(b"content_type").unwrap(), "content-type");
        assert_eq!(name_of(b""), Err(Refused::EmptyName));
    }

    #[test]
    fn a_name_is_spelled_where_it_is_not_in_title_case() {
        let spelled = |name: &str| {
            Name::of_response(name.as_bytes()).unwrap().spelling(false).map(Cow::into_owned)
        };
        for name in ["X-Custom-Auth", "Via", "X-1-A"] {
            assert_eq!(spelled(name), None, "{name}");
        }
        for name in ["X-custom-AUTH", "x-a", "ETag", "X-A-b"] {
            assert_eq!(spelled(name).as_deref(), Some(name));
        }
        assert_eq!(spelled("x_A").as_deref(), Some("x-A"));
        assert_eq!(spelled("a b"), None);
    }

    #[test]
    fn a_value_beyond_the_limit_is_refused_and_nothing_is_lost() {
        let (mut headers, name) = (headers(), name_of(b"x-custom-auth").unwrap());
        let long = vec![b'a'; 1 << 20];
        let set = set(&mut headers, &name, [&long[..]], &[], &mut Share::default());
        assert_eq!(set, Err(Refused::ValueTooLong(1 << 20)));
        assert_eq!(headers.get_all("x-custom-auth").iter().count(), 2);
    }
}
