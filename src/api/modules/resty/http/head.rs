//! Heads of HTTP/1 responses.

use mlua::{FromLua, IntoLuaMulti, Lua, MultiValue, Table, Value};

use crate::lua::raw::{self, ArrayMetatable};
use crate::lua::tape::{Step, Tape};
use crate::lua::{check, short_string};
use crate::net::Fault;

/// The head of a response.
pub(super) struct Head {
    status: u16,
    /// 0 or 1, of HTTP/1.
    minor: u8,
    reason: Vec<u8>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
}

/// How many fields a head may have.
const MAX_FIELDS: usize = 256;

impl Head {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes.trim_ascii_start();
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let mut config = httparse::ParserConfig::default();
        config.allow_multiple_spaces_in_response_status_delimiters(true);
        config.allow_obsolete_multiline_headers_in_responses(true);
        config.ignore_invalid_headers_in_responses(true);
        match config.parse_response(&mut response, bytes) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(Fault::CLOSED),
            Err(error) => return Err(problem(error, bytes)),
        }
        let fields = response.headers.iter();
        Ok(Self {
            status: response.code.unwrap_or_default(),
            minor: response.version.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().into(),
            fields: fields.map(|field| (field.name.into(), field.value.into())).collect(),
        })
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// How many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let of = |(name, value): &(Vec<u8>, Vec<u8>)| {
            size_of_val(name) + size_of_val(value) + name.len() + value.len()
        };
        self.reason.len() + self.fields.iter().map(of).sum::<usize>()
    }

    /// Whether the response proper is still to come.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }

    pub(super) fn reason(&self) -> &[u8] {
        &self.reason
    }

    /// Its fields by their names.
    pub(super) fn fields(&self, lua: &Lua) -> mlua::Result<Table> {
        fields_table(lua, &self.fields)
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
        let mut values = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.any(|(_, value)| memchr::memmem::find(&value.to_ascii_lowercase(), token).is_some())
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
        let (reason, fields) = (short_string(lua, &self.reason)?, self.fields(lua)?);
        let length = self.length().map(|length| length as f64);
        let (is_chunked, closes) = (self.is_chunked(), self.closes());
        (self.status, reason, fields, length, is_chunked, closes).into_lua_multi(lua)
    }
}

/// Fields by their names in their first spelling, several of one name in an array. The table is made in one go:
/// what is made piece by piece is made in as many protected calls.
pub(super) fn fields_table(lua: &Lua, fields: &[(Vec<u8>, Vec<u8>)]) -> mlua::Result<Table> {
    let named = by_name(fields);
    let mut values = Tape::new(&[]);
    values.push(Step::Object(count(&named)));
    for (name, own) in named {
        put(&mut values, name);
        match own[..] {
            [value] => put(&mut values, value),
            _ => {
                values.push(Step::Array(count(&own)));
                own.into_iter().for_each(|value| put(&mut values, value));
                values.push(Step::End);
            }
        }
    }
    values.push(Step::End);
    let made = raw::make(lua, &values, ArrayMetatable::None, || check(lua, 0))?;
    Table::from_lua(made.unwrap_or(Value::Nil), lua)
}

/// How many there are, of at most as many as a head may have.
fn count<T>(values: &[T]) -> u32 {
    u32::try_from(values.len()).unwrap_or(u32::MAX)
}

fn put(tape: &mut Tape<'_>, text: &[u8]) {
    tape.push(Step::unescaped(tape.texts.len(), text.len()));
    tape.texts.extend_from_slice(text);
}

/// The values of each name, in its first spelling.
fn by_name(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<(&[u8], Vec<&[u8]>)> {
    let mut named: Vec<(&[u8], Vec<&[u8]>)> = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        match named.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => values.push(value),
            None => named.push((name, vec![value])),
        }
    }
    named
}

/// The fields of a trailer section.
pub(super) fn trailer_fields(lines: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let fields = lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        (!name.is_empty()).then(|| (name.to_vec(), value.to_vec()))
    });
    fields.collect()
}
