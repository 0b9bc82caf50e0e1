//! `kong.cluster_events`: what functions of one node tell those of others.

use std::time::Duration;

use mlua::{Function, Table, Value};

use crate::binding::convert::Noted;
use crate::binding::{Call, Namespace, Scope, bindings};
use crate::lua::as_number;
use crate::phase::PhaseSet;
use crate::settings::ClusterEvent;
use crate::vm::timer::{self, Schedule, When};

pub(super) const NAMESPACE: Namespace = Namespace {
    path: "kong.cluster_events",
    bindings: bindings! {
        "broadcast", PhaseSet::ANY, calls broadcast;
        "subscribe", PhaseSet::ANY, calls subscribe;
    },
};

/// Lets `subscribe` make what is called with an event.
pub(super) fn with_callbacks(scope: &Scope<'_>, table: &Table) -> mlua::Result<()> {
    let with_callback: Function = scope
        .lua
        .load(
            r"
            local subscribe = ...
            return function(self, channel, callback)
              return subscribe(channel, callback, function(data)
                return function()
                  callback(data)
                end
              end)
            end
            ",
        )
        .set_name("=tower-lua")
        .into_function()?;
    let subscribe: Function = table.raw_get("subscribe")?;
    table.raw_set("subscribe", with_callback.call::<Function>(subscribe)?)
}

/// `true`, or `nil` and why not.
type Done = Noted<Option<bool>, String>;

const DONE: Done = Noted(Some(true), None);

fn broadcast(
    call: &mut Call<'_>,
    (_, channel, data, delay): (Value, Value, Value, Value),
) -> mlua::Result<Done> {
    let Value::String(channel) = channel else { return refuse("channel must be a string") };
    let Value::String(data) = data else { return refuse("data must be a string") };
    let seconds = match &delay {
        Value::Nil => Some(0.0),
        delay => as_number(delay),
    };
    let Some(seconds) = seconds else { return refuse("delay must be a number") };
    let Ok(delay) = Duration::try_from_secs_f64(seconds) else {
        return refuse("delay must be a time to come");
    };
    let Some(tell) = &call.settings.cluster_events.tell else { return Ok(DONE) };
    let event = ClusterEvent {
        delay,
        ..ClusterEvent::new(channel.as_bytes().to_vec(), data.as_bytes().to_vec())
    };
    Ok(tell(event).map_or_else(|why| Noted(None, Some(why)), |()| DONE))
}

// Kong: polls its database once somebody has subscribed; `start_polling` means nothing here.
fn subscribe(
    call: &mut Call<'_>,
    (channel, callback, made): (Value, Value, Function),
) -> mlua::Result<Done> {
    let Value::String(channel) = channel else { return refuse("channel must be a string") };
    let Value::Function(callback) = callback else { return refuse("callback must be a function") };
    let when = When::Told {
        channel: channel.as_bytes().to_vec(),
        events: call.settings.cluster_events.subscribe(),
    };
    let schedule = Schedule::new(when, &callback.info());
    Ok(match timer::start(call.lua, call.tx, schedule, made)? {
        Ok(()) => DONE,
        Err(why) => Noted(None, Some(why.message().to_owned())),
    })
}

fn refuse(why: &str) -> mlua::Result<Done> {
    Ok(Noted(None, Some(why.to_owned())))
}
