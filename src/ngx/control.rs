//! `ngx.exit`.

use http::header::CONTENT_TYPE;
use mlua::Value;

use super::arguments::Argument;
use crate::binding::{self, Call, Namespace, bindings, raise_at};
use crate::error_page;
use crate::log::{self, Level};
use crate::pdk::{as_number, type_name};
use crate::phase::{Phase, PhaseSet};
use crate::transaction::{Exit, Source};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx",
    bindings: bindings! {
        "exit", super::YIELDABLE.or(PhaseSet::HEADER_FILTER).or(PhaseSet::CERTIFICATE), exits exit;
    },
};

const ERROR: i64 = -1;
const AGAIN: i64 = -2;
const DONE: i64 = -4;
const DECLINED: i64 = -5;

fn exit(call: &mut Call<'_>, status: Value) -> mlua::Result<bool> {
    let Some(status) = as_number(&status) else {
        return Err(Argument::new(1, "exit").mismatch(call, "number", type_name(&status)));
    };
    // In header_filter the function goes on, and so does the phase: what changes is the response.
    let goes_on = call.tx.site.phase == Phase::HeaderFilter;
    match status as i64 {
        AGAIN | DONE => {
            let message = "bad argument to 'ngx.exit': does not accept NGX_AGAIN or NGX_DONE";
            return Err(raise_at(call.lua, message));
        }
        0 | DECLINED if goes_on => return Ok(false),
        0 | DECLINED => {
            call.tx.exit = Some(Exit::Phase);
            return Ok(true);
        }
        // Kong: closes the connection, which a layer cannot.
        ERROR => end_with_page(call, 500),
        status => match u16::try_from(status) {
            Ok(status @ 100..=999) if call.tx.response.printed => end_printed(call, status),
            Ok(status @ 300..=999) => end_with_page(call, status),
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

/// Ends a request whose status is on its way to the client already.
fn end_printed(call: &Call<'_>, status: u16) {
    let sent = call.tx.response.status();
    if status >= 300 && status != sent && ![408, 444, 499].contains(&status) {
        let message = format!(
            "attempt to set status {status} via ngx.exit after sending out the response status \
             {sent}"
        );
        let position = binding::position(call.lua);
        log::write_for_ngx(Level::Err, &call.tx.site, position.as_ref(), &message);
    }
}

fn end_with_page(call: &mut Call<'_>, status: u16) {
    let page = (status >= 400).then(|| error_page::for_exit(&mut call.tx.request, status));
    let response = &mut call.tx.response;
    response.set_status(status);
    response.source = Some(Source::Error);
    match page {
        Some(page) => {
            response.put(CONTENT_TYPE, page.content_type);
            response.end_with(page.body, true);
        }
        None => response.end_empty(),
    }
}
