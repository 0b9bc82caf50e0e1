//! `ngx.exit`, and leading a request elsewhere: `ngx.redirect`, `ngx.exec`.

use http::header::{CONTENT_TYPE, LOCATION};
use mlua::{MultiValue, Value};

use super::args::query_of;
use super::arguments::Argument;
use super::uri::{escape_for_log, is_safe, unsafe_byte};
use crate::binding::convert::Noted;
use crate::binding::refuse_at;
use crate::binding::{Call, Namespace, bindings};
use crate::error::log::{self, Level};
use crate::lua::{as_number, position, raise_at, type_name};
use crate::message::uri::{self, Escape};
use crate::phase::{Phase, PhaseSet};
use crate::transaction::{Exit, Source};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "exit", ENDS, exits exit;
        "redirect", super::BEFORE, exits redirect;
        "exec", super::BEFORE, exits exec;
        "on_abort", super::BEFORE, calls on_abort;
    },
};

/// The phases, and what else, that `ngx.exit` ends.
const ENDS: PhaseSet =
    super::BEFORE.or(PhaseSet::HEADER_FILTER).or(PhaseSet::CERTIFICATE).or(PhaseSet::TIMER);

const ERROR: i32 = -1;
const AGAIN: i32 = -2;
const DONE: i32 = -4;
const DECLINED: i32 = -5;

/// nginx's status for closing a connection without a response.
const CLOSE: u16 = 444;

fn exit(call: &mut Call<'_>, status: Value) -> mlua::Result<bool> {
    let Some(status) = as_number(&status) else {
        return Err(Argument::new(1, "exit").mismatch(call, "number", type_name(&status)));
    };
    // In header_filter the function goes on, and so does the phase: what changes is the response.
    let goes_on = call.tx.site.phase == Phase::HeaderFilter;
    match status as i32 {
        AGAIN | DONE => {
            let message = "bad argument to 'ngx.exit': does not accept NGX_AGAIN or NGX_DONE";
            return Err(raise_at(call.lua, message));
        }
        0 | DECLINED if goes_on => return Ok(false),
        0 | DECLINED => {
            call.tx.exit = Some(Exit::Phase);
            return Ok(true);
        }
        // The head is with the client: what is left is to close the connection.
        ERROR | 408 | 444 | 499 if is_with_client(call) && !goes_on => {
            call.tx.response.closes = true;
        }
        ERROR => {
            end_with_page(call, 500);
            call.tx.response.closes = true;
        }
        status => match u16::try_from(status) {
            Ok(CLOSE) => end_with_page(call, CLOSE),
            Ok(status @ 100..=999) if call.tx.response.printed && !goes_on => {
                end_printed(call, status);
            }
            Ok(status @ 300..=999) => end_with_page(call, status),
            // Those of nginx's own responses that are no errors.
            Ok(status @ (201 | 204)) if goes_on => end_with_page(call, status),
            Ok(status @ 100..300) => {
                let response = &mut call.tx.response;
                if response.status() == 0 {
                    response.set_status(status);
                }
                response.source.get_or_insert(Source::Error);
            }
            _ => {
                let message = format!("bad argument to 'ngx.exit': invalid status {status}");
                return Err(raise_at(call.lua, &message));
            }
        },
    }
    if !goes_on {
        call.tx.exit = Some(Exit::Request);
    }
    Ok(!goes_on)
}

/// Whether the head of the response is on its way for good, and the function goes on.
fn is_with_client(call: &Call<'_>) -> bool {
    call.tx.response.streams || call.tx.is_upgraded()
}

/// Ends a request whose status is on its way to the client already.
fn end_printed(call: &mut Call<'_>, status: u16) {
    let sent = call.tx.response.status();
    if status >= 300
        && status != sent
        && ![408, 444, 499].contains(&status)
        && call.logs(Level::Err)
    {
        let message = format!(
            "attempt to set status {status} via ngx.exit after sending out the response status \
             {sent}"
        );
        let position = position(call.lua);
        log::write_for_ngx(Level::Err, &call.tx.origin(), position.as_ref(), &(*message).into());
    }
}

fn end_with_page(call: &mut Call<'_>, status: u16) {
    let page = call.tx.page_for_exit(status);
    let response = &mut call.tx.response;
    response.set_status(status);
    response.closes = status == CLOSE;
    response.source = Some(Source::Error);
    match page {
        Some(page) => {
            response.put(CONTENT_TYPE, page.content_type);
            response.end_with(page.body, true);
        }
        None => response.end_empty(),
    }
}

fn redirect(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<bool> {
    if !(1..=2).contains(&arguments.len()) {
        return Err(raise_at(call.lua, "expecting one or two arguments"));
    }
    let location = Argument::new(1, "redirect").text(call, &arguments[0])?;
    let location = location.as_bytes();
    let status = match arguments.get(1) {
        None => 302.0,
        Some(status) => Argument::new(2, "redirect").number(call, status.clone())?.trunc(),
    };
    if ![301.0, 302.0, 303.0, 307.0, 308.0].contains(&status) {
        return Err(raise_at(
            call.lua,
            "only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, \
             ngx.HTTP_PERMANENT_REDIRECT, ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are \
             allowed",
        ));
    }
    if call.tx.response.sent {
        let message = "attempt to call ngx.redirect after sending out the headers";
        return Err(raise_at(call.lua, message));
    }
    if let Some(byte) = unsafe_byte(&location) {
        let shown = escape_for_log(&location);
        let message = format!("unsafe byte \"0x{byte:02x}\" in redirect uri \"{shown}\"");
        return Err(raise_at(call.lua, &message));
    }
    let set = call.tx.response.set_header(&LOCATION.into(), [&*location], &mut call.tx.share);
    set.map_err(|why| refuse_at(call.lua, why))?;
    end_with_page(call, status as u16);
    call.tx.exit = Some(Exit::Request);
    Ok(true)
}

fn exec(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<bool> {
    let count = arguments.len();
    if !(1..=2).contains(&count) {
        let message = format!("expecting one or two arguments, but got {count}");
        return Err(raise_at(call.lua, &message));
    }
    let target = Argument::new(1, "exec").text(call, &arguments[0])?;
    let target = target.as_bytes();
    if target.is_empty() {
        return Err(raise_at(call.lua, "The uri argument is empty"));
    }
    let mut halves = target.splitn(2, |&byte| byte == b'?');
    let path = halves.next().filter(|path| is_safe(path));
    let path = path.ok_or_else(|| raise_at(call.lua, "unsafe uri"))?;
    let mut query = halves.next().unwrap_or_default().to_vec();
    let more = match arguments.get(1) {
        None | Some(Value::Nil) => Vec::new(),
        Some(Value::Table(args)) => query_of(call, args)?,
        Some(args @ (Value::String(_) | Value::Integer(_) | Value::Number(_))) => {
            Argument::new(2, "exec").text(call, args)?.as_bytes().to_vec()
        }
        Some(other) => {
            let problem =
                format!("string, number, or table expected, but got {}", type_name(other));
            return Err(Argument::new(2, "exec").bad(call, &problem));
        }
    };
    if !query.is_empty() && !more.is_empty() {
        query.push(b'&');
    }
    query.extend(more);
    if call.tx.response.sent {
        let message = "attempt to call ngx.exec after sending out response headers";
        return Err(raise_at(call.lua, message));
    }
    // Kong: has locations with names, though none that are for functions.
    if path.first() != Some(&b'/') {
        let message = format!("no location named \"{}\"", escape_for_log(path));
        return Err(raise_at(call.lua, &message));
    }
    let path = uri::escape(&uri::decode_path(path), Escape::Uri).into_owned();
    let query = uri::escape(&query, Escape::Query).into_owned();
    let (path, query) = (String::from_utf8_lossy(&path), String::from_utf8_lossy(&query));
    let query = (!query.is_empty()).then_some(&*query);
    let redirected = call.tx.request.redirect(&path, query);
    redirected.map_err(|why| raise_at(call.lua, &format!("invalid uri: {why}")))?;
    super::ctx::renew(call);
    call.tx.exit = Some(Exit::Forward);
    Ok(true)
}

/// Kong leaves nginx's `lua_check_client_abort` off, and so nothing calls a function when the client
/// goes away.
fn on_abort(_: &mut Call<'_>, _: Value) -> mlua::Result<Noted<Option<u8>>> {
    Ok(Noted(None, Some("lua_check_client_abort is off")))
}
