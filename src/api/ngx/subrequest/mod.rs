//! `ngx.location`: requests to the application itself, in process.

mod answers;
mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mlua::{Function, MultiValue, Table, Value};
use tokio::runtime::Handle;

use self::answers::{Answers, Task};
use self::request::{Wanted, forwards_body};
use super::arguments::Argument;
use super::variable;
use crate::binding::{Await, Call, Namespace, Scope, Wait, bindings};
use crate::lua::{raise_at, type_name};
use crate::settings::Reception;
use crate::transaction::{RequestBody, Subrequest};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "ngx.location",
    bindings: bindings! {
        "capture", super::REQUEST, awaits capture;
        "capture_multi", super::REQUEST, awaits capture_multi;
    },
};

/// What the two are put together of besides.
const PARTS: Namespace = Namespace {
    path: "ngx.location",
    bindings: bindings! {
        "READ", super::REQUEST, waits read_body;
        "ADOPT", super::REQUEST, calls adopt;
    },
};

/// How deep subrequests of subrequests go: nginx's limit.
const MAX_DEPTH: u32 = 50;

/// How many are made at once by one call, and for one request of a client in all.
const MAX_AT_ONCE: usize = 200;
const MAX_COUNT: u32 = 1000;

/// Has the body read before that is to be forwarded, and what subrequests have set known after.
pub(super) fn register(scope: &Scope<'_>, table: &Table) -> mlua::Result<()> {
    let parts = scope.lua.create_table()?;
    scope.extend(&parts, &PARTS)?;
    let around: Function = scope
        .lua
        .load(
            r#"
            local read, adopt, capture, capture_multi = ...
            local function finish(...)
              adopt()
              return ...
            end
            return function(...)
              read({ { ... } })
              return finish(capture(...))
            end, function(...)
              read(...)
              return finish(capture_multi(...))
            end
            "#,
        )
        .set_name("=tower-lua")
        .into_function()?;
    let (read, adopt): (Function, Function) = (parts.raw_get("READ")?, parts.raw_get("ADOPT")?);
    let (one, many): (Function, Function) =
        (table.raw_get("capture")?, table.raw_get("capture_multi")?);
    let (one, many): (Function, Function) = around.call((read, adopt, one, many))?;
    table.raw_set("capture", one)?;
    table.raw_set("capture_multi", many)
}

fn capture(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Answers>> {
    if !(1..=2).contains(&arguments.len()) {
        return Err(raise_at(call.lua, "expecting one or two arguments"));
    }
    let uri = Argument::new(1, "capture").text(call, &arguments[0])?;
    let options = options_of(call, arguments.get(1), 0)?;
    let wanted = Wanted::new(call, &uri.as_bytes(), options)?;
    answered(call, vec![wanted])
}

fn capture_multi(call: &mut Call<'_>, arguments: MultiValue) -> mlua::Result<Await<Answers>> {
    if arguments.len() != 1 {
        let message = format!("only one argument is expected, but got {}", arguments.len());
        return Err(raise_at(call.lua, &message));
    }
    let argument = Argument::new(1, "capture_multi");
    let Value::Table(requests) = &arguments[0] else {
        return Err(argument.mismatch(call, "table", type_name(&arguments[0])));
    };
    let count = requests.raw_len();
    if count == 0 {
        return Err(raise_at(call.lua, "at least one subrequest should be specified"));
    }
    if count > MAX_AT_ONCE {
        let message = format!("at most {MAX_AT_ONCE} subrequests at once, but got {count}");
        return Err(raise_at(call.lua, &message));
    }
    let mut wanted = Vec::with_capacity(count);
    // In messages, nginx counts from 0.
    for place in 0..count {
        let Value::Table(request) = requests.raw_get::<Value>(place + 1)? else {
            let kind = type_name(&requests.raw_get(place + 1)?);
            let message = format!("the query argument {place} is not a table, but a {kind}");
            return Err(raise_at(call.lua, &message));
        };
        let parts = request.raw_len();
        if !(1..=2).contains(&parts) {
            let message = format!("query argument {place} expecting one or two arguments");
            return Err(raise_at(call.lua, &message));
        }
        let uri = argument.text(call, &request.raw_get(1)?)?;
        let options = request.raw_get::<Value>(2)?;
        let options = options_of(call, Some(&options).filter(|_| parts == 2), place)?;
        wanted.push(Wanted::new(call, &uri.as_bytes(), options)?);
    }
    answered(call, wanted)
}

fn options_of(
    call: &Call<'_>,
    options: Option<&Value>,
    place: usize,
) -> mlua::Result<Option<Table>> {
    match options {
        None => Ok(None),
        Some(Value::Table(options)) => Ok(Some(options.clone())),
        Some(other) => {
            let kind = type_name(other);
            let message = format!(
                "expecting table as the 2nd argument for subrequest {place}, but got {kind}"
            );
            Err(raise_at(call.lua, &message))
        }
    }
}

/// Makes the subrequests, each in a task of its own: one in the other they would need as much stack
/// as they are deep.
fn answered(call: &mut Call<'_>, wanted: Vec<Wanted>) -> mlua::Result<Await<Answers>> {
    let Some(answer) = call.settings.subrequests.get() else {
        let message = "no subrequests here: the application has not said who answers them";
        return Err(raise_at(call.lua, message));
    };
    let Ok(handle) = Handle::try_current() else {
        return Err(raise_at(call.lua, "no tokio runtime is there to run a subrequest on"));
    };
    let mut tasks = Vec::with_capacity(wanted.len());
    for Wanted { mut request, subrequest, charge } in wanted {
        count_in(call, &subrequest, request.uri().path())?;
        let subrequest = Arc::new(subrequest);
        if subrequest.shares() {
            call.tx.rare_mut().sharing.push(Arc::clone(&subrequest));
        }
        request.extensions_mut().insert(subrequest);
        let reception = Reception { limit: call.settings.max_body_size, charge };
        tasks.push(Task::new(handle.spawn(answer(request, reception))));
    }
    Ok(Await::future(async {
        let mut answers = Vec::with_capacity(tasks.len());
        for task in tasks {
            answers.push(task.end().await?);
        }
        Ok(Answers(answers))
    }))
}

/// Sees that subrequests come to an end that make each other.
fn count_in(call: &Call<'_>, subrequest: &Subrequest, path: &str) -> mlua::Result<()> {
    let count: &AtomicU32 = &subrequest.count;
    let problem = if subrequest.depth > MAX_DEPTH {
        format!("subrequests cycle while processing \"{path}\"")
    } else if count.fetch_add(1, Ordering::Relaxed) >= MAX_COUNT {
        format!("more than {MAX_COUNT} for one request")
    } else {
        return Ok(());
    };
    Err(raise_at(call.lua, &format!("failed to issue subrequest: {problem}")))
}

/// Waits for the body, if one of the subrequests is to have it and it is still to be had.
//
// Kong: leaves that to the function, which calls `ngx.req.read_body` before.
fn read_body(call: &mut Call<'_>, requests: Value) -> mlua::Result<Wait<()>> {
    let is_unread = matches!(call.tx.request.body, RequestBody::Unread);
    if is_unread && super::BEFORE.contains(call.tx.site.phase) && forwards_body(&requests) {
        let limit = call.settings.max_body_size;
        return call.wait_for_body(limit);
    }
    Ok(Wait::Ready(()))
}

/// Sets what subrequests have set that share this request's variables.
fn adopt(call: &mut Call<'_>, (): ()) -> mlua::Result<()> {
    let Some(rare) = call.tx.rare().filter(|rare| !rare.sharing.is_empty()) else { return Ok(()) };
    let sharing: Vec<_> = rare.sharing.clone();
    for subrequest in sharing {
        for (name, value) in subrequest.take_set() {
            variable::set_text(call, &name, &value)?;
        }
    }
    call.tx.rare_mut().sharing.retain(|subrequest| Arc::strong_count(subrequest) > 1);
    Ok(())
}
