//! What functions print: `ngx.say` and its like.
//!
//! Kong: what is printed is on its way to the client at once. Here it goes when a function has flushed it and
//! waits, and else when the phase ends.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Version};
use mlua::{MultiValue, Table, Value};

use super::arguments::Argument;
use crate::binding::convert::{self, Noted};
use crate::binding::{Await, Call, Namespace, bindings};
use crate::lua::Buffer;
use crate::lua::check;
use crate::lua::{raise_at, type_name};
use crate::message::has_no_body;

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "say", super::BEFORE, calls say;
        "print", super::BEFORE, calls print;
        "flush", super::BEFORE, awaits flush;
        "eof", super::BEFORE, calls eof;
        "send_headers", super::BEFORE, calls send_headers;
    },
};

/// 1, or `nil` and why nothing was printed.
type Printed = Noted<Option<u8>>;

/// The client's connection is a function's, and no response is to be written.
const RAW: &str = "raw request socket acquired";

fn say(call: &mut Call<'_>, values: MultiValue) -> mlua::Result<Printed> {
    echo(call, &values, "say", b"\n")
}

fn print(call: &mut Call<'_>, values: MultiValue) -> mlua::Result<Printed> {
    echo(call, &values, "print", b"")
}

fn echo(
    call: &mut Call<'_>,
    values: &MultiValue,
    function: &'static str,
    end: &[u8],
) -> mlua::Result<Printed> {
    if call.tx.is_upgraded() {
        return Ok(Noted(None, Some(RAW)));
    }
    let bodiless = is_bodiless(call);
    if bodiless && call.tx.response.printed {
        return Ok(Noted(None, Some("header only")));
    }
    if call.tx.response.ended {
        return Ok(Noted(None, Some("seen eof")));
    }
    let mut pieces = Pieces::new(call, Argument::new(1, function));
    for (place, value) in values.iter().enumerate() {
        pieces.argument.place = place + 1;
        match value {
            Value::Table(values) => pieces.add_array(values)?,
            _ if pieces.add(value)? => {}
            _ => {
                let expected = "string, number, boolean, nil, ngx.null, or array table expected";
                let problem = format!("{expected}, but got {}", type_name(value));
                return Err(pieces.argument.bad(call, &problem));
            }
        }
    }
    pieces.push(end)?;
    let argument = pieces.argument;
    let text = pieces.text.into_vec();
    let text = if bodiless { Bytes::new() } else { call.tx.share.own(text)? };
    let limit = call.settings.max_body_size;
    note_buffering(call);
    let response = &mut call.tx.response;
    if !response.print(text, limit) {
        return Err(argument.bad(call, &format!("more than {limit} bytes printed")));
    }
    response.send_head();
    Ok(Noted(Some(1), None))
}

/// Whether the response is a head and nothing else: nginx's `header_only`.
fn is_bodiless(call: &Call<'_>) -> bool {
    call.tx.request.method() == Method::HEAD || matches!(call.tx.response.status(), 204 | 304)
}

/// Over HTTP/1.0, a response has to say how long it is before it begins.
fn note_buffering(call: &mut Call<'_>) {
    let is_old = call.tx.request.version() < Version::HTTP_11;
    let response = &mut call.tx.response;
    if is_old && !response.sent && !response.headers().contains_key(CONTENT_LENGTH) {
        response.buffers = true;
    }
}

fn flush(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Printed>> {
    let is_subrequest = call.tx.is_subrequest();
    let wait = match (arguments.len(), arguments.front()) {
        (0, _) => false,
        (1, _) if is_subrequest => false,
        (1, Some(Value::Boolean(wait))) => *wait,
        (1, Some(other)) => {
            return Err(Argument::new(1, "flush").mismatch(call, "boolean", type_name(other)));
        }
        (count, _) => {
            let message = format!("attempt to pass {count} arguments, but accepted 0 or 1");
            return Err(raise_at(call.lua, &message));
        }
    };
    let response = &call.tx.response;
    let refused = if call.tx.is_upgraded() {
        Some(RAW)
    } else if is_bodiless(call) && response.printed {
        Some("header only")
    } else if response.ended {
        Some("seen eof")
    } else if response.buffers {
        Some("buffering")
    } else if !response.sent || !(wait || response.has_output()) {
        Some("nothing to flush")
    } else {
        None
    };
    let printed = refused.map_or(Noted(Some(1), None), |why| Noted(None, Some(why)));
    // A head that is none of a response goes out when the functions have ended, or have taken the connection.
    if refused.is_some() || is_subrequest || has_no_body(call.tx.response.status()) {
        return Ok(Await::Ready(printed));
    }
    if !wait {
        call.tx.send_out();
        return Ok(Await::Ready(printed));
    }
    let flushed = call.tx.flush();
    // How long a client may take for what it is sent is for the server to say.
    Ok(Await::future(async move {
        Ok(match flushed.await {
            Ok(()) => printed,
            Err(_) => Noted(None, Some("client aborted")),
        })
    }))
}

fn eof(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Printed> {
    if !arguments.is_empty() {
        return Err(raise_at(call.lua, "no argument is expected"));
    }
    if call.tx.is_upgraded() {
        return Ok(Noted(None, Some(RAW)));
    }
    if std::mem::replace(&mut call.tx.response.ended, true) {
        return Ok(Noted(None, Some("seen eof")));
    }
    note_buffering(call);
    let response = &mut call.tx.response;
    response.send_head();
    if !call.tx.is_subrequest() {
        call.tx.send_out();
    }
    Ok(Noted(Some(1), None))
}

fn send_headers(call: &mut Call<'_>, (): ()) -> mlua::Result<u8> {
    call.tx.response.send_head();
    Ok(1)
}

/// Text that is put together from what a function hands over: single values, and arrays that may
/// have arrays in them.
pub(super) struct Pieces<'a> {
    call: &'a Call<'a>,
    /// Whose text it is.
    pub(super) argument: Argument,
    pub(super) text: Buffer<'a>,
    /// Whether there may be nothing but strings and numbers.
    strict: bool,
    /// How many more elements of arrays there may be.
    left: usize,
    depth: usize,
}

/// An array may be in itself, in many places: without these, a small one would never come to an
/// end.
const MAX_ELEMENTS: usize = 1 << 20;
const MAX_DEPTH: usize = 100;

/// After how many elements the clock is looked at.
const ELEMENTS_PER_TICK: i64 = 512;

impl<'a> Pieces<'a> {
    pub(super) fn new(call: &'a Call<'a>, argument: Argument) -> Self {
        let (text, left) = (call.buffer(), MAX_ELEMENTS);
        Self { call, argument, text, strict: false, left, depth: 0 }
    }

    /// Where `nil`, booleans and `ngx.null` are no text.
    pub(super) fn strict(call: &'a Call<'a>, argument: Argument) -> Self {
        Self { strict: true, ..Self::new(call, argument) }
    }

    /// Adds what `value` looks like, if it looks like anything.
    pub(super) fn add(&mut self, value: &Value) -> mlua::Result<bool> {
        match value {
            Value::String(string) => self.push(&string.as_bytes())?,
            Value::Integer(_) | Value::Number(_) => {
                let text = convert::scalar_text(self.call.lua, value)?.expect("numbers are text");
                self.push(&text.as_bytes())?;
            }
            _ if self.strict => return Ok(false),
            Value::Nil => self.push(b"nil")?,
            Value::Boolean(boolean) => self.push(if *boolean { b"true" } else { b"false" })?,
            Value::LightUserData(pointer) if pointer.0.is_null() => self.push(b"null")?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Adds the elements of an array, its holes among them.
    pub(super) fn add_array(&mut self, values: &Table) -> mlua::Result<()> {
        let mut length = 0;
        for pair in values.pairs::<Value, Value>() {
            match pair?.0 {
                Value::Integer(index) if index >= 1 => length = length.max(index),
                _ => return Err(self.argument.bad(self.call, "non-array table found")),
            }
        }
        let left = usize::try_from(length).ok().and_then(|length| self.left.checked_sub(length));
        let Some(left) = left.filter(|_| self.depth < MAX_DEPTH) else {
            return Err(self.argument.bad(self.call, "table with too many elements found"));
        };
        self.left = left;
        self.depth += 1;
        for index in 1..=length {
            if index % ELEMENTS_PER_TICK == 0 {
                check(self.call.lua, 0)?;
            }
            match values.raw_get(index)? {
                Value::Table(values) => self.add_array(&values)?,
                value if self.add(&value)? => {}
                value => {
                    let problem = format!("bad data type {} found", type_name(&value));
                    return Err(self.argument.bad(self.call, &problem));
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) -> mlua::Result<()> {
        let limit = self.call.settings.max_body_size;
        if (self.text.len() + bytes.len()) as u64 > limit {
            let problem = format!("more than {limit} bytes found");
            return Err(self.argument.bad(self.call, &problem));
        }
        self.text.extend(bytes)
    }
}
