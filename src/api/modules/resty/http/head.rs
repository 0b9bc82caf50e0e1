//! Heads of HTTP/1 responses.

use std::ops::Range;

use bytes::BytesMut;
use mlua::{FromLua, IntoLuaMulti, Lua, MultiValue, Table, Value};

use crate::lua::raw;
use crate::lua::tape::{ArrayMetatable, Step, Tape};
use crate::lua::{check, short_string};
use crate::net::Fault;

/// The head of a response.
pub(super) struct Head {
    status: u16,
    /// 0 or 1, of HTTP/1.
    minor: u8,
    reason: Range<usize>,
    fields: Fields,
}

/// Fields, as they lie in the bytes that came.
struct Fields {
    text: BytesMut,
    /// Of names and values.
    places: Vec<(Range<usize>, Range<usize>)>,
}

/// How many fields a head or a trailer section may have.
const MAX_FIELDS: usize = 256;

impl Head {
    pub(super) fn parse(bytes: BytesMut) -> Result<Self, Fault> {
        let text = bytes.trim_ascii_start();
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let mut config = httparse::ParserConfig::default();
        config.allow_multiple_spaces_in_response_status_delimiters(true);
        config.allow_obsolete_multiline_headers_in_responses(true);
        config.ignore_invalid_headers_in_responses(true);
        match config.parse_response(&mut response, text) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(Fault::CLOSED),
            Err(error) => return Err(problem(error, text)),
        }
        let place = |part: &[u8]| place_in(&bytes, part);
        let of = |field: &httparse::Header<'_>| (place(field.name.as_bytes()), place(field.value));
        let places = response.headers.iter().map(of).collect();
        let status = response.code.unwrap_or_default();
        let minor = response.version.unwrap_or_default();
        let reason = place(response.reason.unwrap_or_default().as_bytes());
        Ok(Self { status, minor, reason, fields: Fields { text: bytes, places } })
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.fields.text.len() + size_of_val(&self.fields.places[..])
    }

    /// Whether the response proper is still to come.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }

    fn reason(&self) -> &[u8] {
        &self.fields.text[self.reason.clone()]
    }

    /// Whether the body comes in chunks: in HTTP/1.1.
    pub(super) fn is_chunked(&self) -> bool {
        self.minor == 1 && self.has_token(b"transfer-encoding", b"chunked")
    }

    /// Whether the connection ends with the response.
    pub(super) fn closes(&self) -> bool {
        match self.minor {
            0 => !self.has_token(b"connection", b"keep-alive"),
            _ => self.has_token(b"connection", b"close"),
        }
    }

    /// Whether `token` stands in a field `name`.
    fn has_token(&self, name: &[u8], token: &[u8]) -> bool {
        let is_in =
            |value: &[u8]| value.windows(token.len()).any(|part| part.eq_ignore_ascii_case(token));
        self.fields.iter().any(|(known, value)| known.eq_ignore_ascii_case(name) && is_in(value))
    }

    /// The length that the body is said to have. Several that differ are none.
    pub(super) fn length(&self) -> Option<u64> {
        let is_length = |name: &[u8]| name.eq_ignore_ascii_case(b"content-length");
        let mut lengths = self.fields.iter().filter(|(name, _)| is_length(name));
        let (_, first) = lengths.next()?;
        let text = std::str::from_utf8(first).ok().filter(|text| !text.starts_with('+'))?;
        let agrees = lengths.all(|(_, other)| other == first);
        text.parse().ok().filter(|_| agrees)
    }

    /// The response with a body that was read, if it can have one: status, reason, fields, body, and whether it can.
    /// It is made in one go: what is made piece by piece is made in as many protected calls.
    pub(super) fn with_body(self, lua: &Lua, body: Option<&[u8]>) -> mlua::Result<Table> {
        let mut values = Tape::default();
        values.push(Step::Array(5));
        values.push(Step::Number(f64::from(self.status)));
        values.push(Fields::step(&self.reason));
        self.fields.put(&mut values);
        values.push(Step::text(0, body.map_or(0, <[u8]>::len)));
        values.push(Step::Boolean(body.is_some()));
        values.push(Step::End);
        values.texts = self.fields.text.into();
        make(lua, body.unwrap_or_default(), &values)
    }
}

impl Fields {
    /// The fields of a trailer section.
    fn of_trailers(lines: &[u8]) -> Self {
        let mut places = Vec::new();
        for line in lines.split(|byte| *byte == b'\n').take(MAX_FIELDS) {
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            if !name.is_empty() {
                places.push((place_in(lines, name), place_in(lines, value)));
            }
        }
        Self { text: lines.into(), places }
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places.iter().map(|(name, value)| (self.part(name), self.part(value)))
    }

    fn part(&self, place: &Range<usize>) -> &[u8] {
        &self.text[place.clone()]
    }

    /// What makes a part of the text, which becomes the tape's own.
    fn step(place: &Range<usize>) -> Step {
        Step::unescaped(place.start, place.len())
    }

    /// Has a table of them be made: by their names in their first spelling, several of one name in an array.
    fn put(&self, values: &mut Tape) {
        let is_of = |name: &Range<usize>, other: &(Range<usize>, _)| {
            self.part(name).eq_ignore_ascii_case(self.part(&other.0))
        };
        values.push(Step::Object(count(self.places.len())));
        for (at, (name, value)) in self.places.iter().enumerate() {
            let (before, rest) = (&self.places[..at], &self.places[at + 1..]);
            if before.iter().any(|other| is_of(name, other)) {
                continue;
            }
            values.push(Self::step(name));
            let others = rest.iter().filter(|other| is_of(name, other));
            match others.clone().count() {
                0 => values.push(Self::step(value)),
                more => {
                    values.push(Step::Array(count(more + 1)));
                    values.push(Self::step(value));
                    others.for_each(|(_, value)| values.push(Self::step(value)));
                    values.push(Step::End);
                }
            }
        }
        values.push(Step::End);
    }

    fn into_table(self, lua: &Lua) -> mlua::Result<Table> {
        let mut values = Tape::default();
        self.put(&mut values);
        values.texts = self.text.into();
        make(lua, &[], &values)
    }
}

fn make(lua: &Lua, body: &[u8], values: &Tape) -> mlua::Result<Table> {
    let made = raw::make(lua, body, values, ArrayMetatable::None, || check(lua, 0))?;
    Table::from_lua(made.unwrap_or(Value::Nil), lua)
}

/// How many there are, of at most as many as a head may have.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where a part of `text` lies in it. What is empty may lie anywhere.
fn place_in(text: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    if part.is_empty() { 0..0 } else { start..start + part.len() }
}

/// What is wrong with a head, in lua-resty-http's words where it has some.
#[cold]
fn problem(error: httparse::Error, bytes: &[u8]) -> Fault {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let line = String::from_utf8_lossy(&line[..line.len().min(256)]);
    match error {
        httparse::Error::Version => {
            format!("couldn't parse HTTP version from response status line: {line}").into()
        }
        httparse::Error::Status => {
            format!("couldn't parse status code from response status line: {line}").into()
        }
        other => format!("couldn't parse the response: {other}").into(),
    }
}

/// Status, reason, fields by name, the length of the body, whether it comes in chunks, and whether the connection
/// ends with it.
impl IntoLuaMulti for Head {
    fn into_lua_multi(self, lua: &Lua) -> mlua::Result<MultiValue> {
        let length = self.length().map(|length| length as f64);
        let (is_chunked, closes) = (self.is_chunked(), self.closes());
        let (status, reason) = (self.status, short_string(lua, self.reason())?);
        let fields = self.fields.into_table(lua)?;
        (status, reason, fields, length, is_chunked, closes).into_lua_multi(lua)
    }
}

/// The fields of a trailer section, by their names.
pub(super) fn trailer_fields(lua: &Lua, lines: &[u8]) -> mlua::Result<Table> {
    Fields::of_trailers(lines).into_table(lua)
}
